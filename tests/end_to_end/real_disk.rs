//! A real file system on a loop device whose power can be cut, and system calls that fail. Both need privileges that not every machine
//! gives: without them the test says that it is skipped, and why.

use crate::support::say;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// An ext4 file system in a file, mounted through a loop device.
pub(crate) struct LoopDisk {
    folder: tempfile::TempDir,
}

/// Shuts an ext4 file system down without writing its log: EXT4_IOC_SHUTDOWN with EXT4_GOING_FLAGS_NOLOGFLUSH
/// (fs/ext4/ext4.h of Linux). Every later sync fails, and what was not synced is gone.
const SHUTDOWN: &str = "import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

fn run(program: &str, words: &[&str]) -> Result<(), String> {
    match Command::new(program).args(words).output() {
        Ok(done) if done.status.success() => Ok(()),
        Ok(done) => Err(format!("{program} {words:?}: {}", String::from_utf8_lossy(&done.stderr).trim())),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

impl LoopDisk {
    /// A new file system of two sparse gibibytes that holds a copy of `data`; `None` where this machine does not allow it.
    pub(crate) fn new(data: &Path) -> Option<Self> {
        let disk = Self { folder: tempfile::tempdir().unwrap() };
        match disk.make(data) {
            Ok(()) => Some(disk),
            Err(reason) => {
                say(&format!(
                    "skipped: no file system whose power can be cut (root with loop devices has one): {reason}"
                ));
                None
            }
        }
    }

    fn make(&self, data: &Path) -> Result<(), String> {
        let (image, mounted) = (self.image(), self.mounted());
        std::fs::create_dir_all(&mounted).map_err(|error| error.to_string())?;
        run("truncate", &["--size=2G", &image])?;
        run("mkfs.ext4", &["-q", "-F", &image])?;
        run("mount", &["-o", "loop", &image, &mounted])?;
        run("cp", &["-a", data.to_str().unwrap_or_default(), &mounted])?;
        run("sync", &["-f", &mounted])
    }

    fn image(&self) -> String {
        self.folder.path().join("image").display().to_string()
    }

    fn mounted(&self) -> String {
        self.folder.path().join("mounted").display().to_string()
    }

    /// Where the copy of the data lies.
    pub(crate) fn folder(&self) -> PathBuf {
        Path::new(&self.mounted()).join("data")
    }

    /// Everything not synced is lost from here on.
    pub(crate) fn cut_power(&mut self) {
        run("python3", &["-c", SHUTDOWN, &self.mounted()]).unwrap();
    }

    /// The machine is up again.
    pub(crate) fn remount(&mut self) {
        run("umount", &[&self.mounted()]).unwrap();
        run("mount", &["-o", "loop", &self.image(), &self.mounted()]).unwrap();
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        let _ = run("umount", &["--lazy", &self.mounted()]);
    }
}

/// A strace that makes system calls of a process fail.
pub(crate) struct Strace(Child);

/// Makes calls on `files` fail in the process `id` as `fault` says, in strace's words; `None` where this machine does not allow it.
pub(crate) fn strace(id: u32, fault: &str, files: &[PathBuf]) -> Option<Strace> {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-p", &id.to_string()]);
    for file in files {
        command.arg("-P").arg(file);
    }
    let call = fault.split(':').next().unwrap_or_default();
    command.args(["-e", &format!("trace={call}"), "-e", &format!("inject={fault}")]);
    let skipped = |reason: String| {
        say(&format!("skipped: system calls cannot be made to fail (strace as root can): {reason}"));
        None
    };
    let mut child = match command.stderr(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => return skipped(error.to_string()),
    };
    // Attached once the kernel says so.
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return skipped(format!("strace ended with {status}"));
        }
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
        if tracer.is_some_and(|tracer| tracer.trim() != "0") {
            return Some(Strace(child));
        }
        std::thread::yield_now();
    }
}

impl Strace {
    /// Waits for its end, which comes with the end of what it traces.
    pub(crate) fn end(mut self) {
        let _ = self.0.wait();
    }
}
