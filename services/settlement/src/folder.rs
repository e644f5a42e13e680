//! The folder that holds the files of a system's runs: written aside, synced, then named; never written over.

use journal::Digest;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// A folder of files by name.
#[derive(Debug, Clone)]
pub(crate) struct Folder(PathBuf);

/// What stands under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing.
    Nothing,
    /// The content expected.
    Same,
    /// Something else.
    Other,
}

impl Folder {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The bytes under `name`. Blocks.
    pub(crate) fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(name)?) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether `name` holds the content of that digest. Blocks.
    pub(crate) fn find(&self, name: &str, digest: Digest) -> io::Result<Found> {
        Ok(match self.read(name)? {
            None => Found::Nothing,
            Some(bytes) if Digest::of(&bytes) == digest => Found::Same,
            Some(_) => Found::Other,
        })
    }

    /// Writes `bytes` aside, durable, for [`Folder::name`]. Blocks.
    pub(crate) fn write_aside(&self, name: &str, bytes: &[u8], controlled: bool) -> io::Result<()> {
        let aside = self.aside(name)?;
        if let Some(parent) = aside.parent() {
            create_folder(parent, controlled)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(if controlled { 0o600 } else { 0o640 });
        }
        let mut file = options.open(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Gives what was written aside its name, unless something stands there already. Blocks.
    pub(crate) fn name(&self, name: &str) -> io::Result<()> {
        let (aside, path) = (self.aside(name)?, self.path(name)?);
        if path.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(&aside, &path)?;
        // The name itself is durable only once its folder is.
        path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
    }

    /// What was written aside for `name` holds the content of that digest. Blocks.
    pub(crate) fn is_aside(&self, name: &str, digest: Digest) -> io::Result<bool> {
        match fs::read(self.aside(name)?) {
            Ok(bytes) => Ok(Digest::of(&bytes) == digest),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The path of a name of ours. Names come from records and requests: none may leave the folder.
    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        };
        if name.split('/').all(plain) {
            Ok(self.0.join(name))
        } else {
            Err(io::ErrorKind::InvalidInput.into())
        }
    }

    fn aside(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path(name)?;
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(path.with_file_name(format!(".{file}.part")))
    }
}

/// Makes a folder; one that holds files about people is its owner's alone.
fn create_folder(path: &Path, controlled: bool) -> io::Result<()> {
    fs::create_dir_all(path)?;
    #[cfg(unix)]
    if controlled {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_one_content() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path().to_owned());
        let name = "payments/controlled/a-1.xml";
        let digest = Digest::of(b"one");
        assert_eq!(folder.find(name, digest).unwrap(), Found::Nothing);
        folder.write_aside(name, b"one", true).unwrap();
        assert!(folder.is_aside(name, digest).unwrap());
        folder.name(name).unwrap();
        assert_eq!(folder.find(name, digest).unwrap(), Found::Same);
        assert_eq!(folder.find(name, Digest::of(b"two")).unwrap(), Found::Other);
        folder.write_aside(name, b"two", true).unwrap();
        assert_eq!(folder.name(name).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(folder.read(name).unwrap().unwrap(), b"one");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &str| fs::metadata(dir.path().join(path)).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(name), mode("payments/controlled")), (0o600, 0o700));
        }
    }

    #[test]
    fn no_name_leaves_the_folder() {
        let folder = Folder::new("/nowhere".into());
        for name in ["", "..", "../x", "a/../b", "/etc/passwd", "a//b", ".hidden", "a b", "a\0"] {
            assert_eq!(folder.read(name).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name:?}");
        }
    }
}
