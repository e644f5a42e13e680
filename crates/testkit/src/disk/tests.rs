use super::*;
use core::slice;
use storage::{Access, Disk};

fn folder() -> PathBuf {
    PathBuf::from("/data")
}

fn disk_with(content: &[u8]) -> (MemoryDisk, Arc<dyn storage::DiskFile>) {
    let disk = MemoryDisk::new();
    disk.create_folder(&folder()).unwrap();
    let file = disk.open(&folder().join("a"), Access::Create).unwrap();
    file.write_all_at(content, 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_folder(&folder()).unwrap();
    (disk, file)
}

#[test]
fn what_is_not_synced_is_lost_by_sectors() {
    let (disk, file) = disk_with(&[1; 2_048]);
    file.write_all_at(&[2; 2_048], 0).unwrap();
    let content = |sectors| {
        let after = disk.after(Crash { sectors, names: Survivors::Nothing });
        let content = after.content(&folder().join("a")).unwrap();
        content.chunks(512).map(|sector| sector[0]).collect::<Vec<_>>()
    };
    assert_eq!(content(Survivors::Nothing), [1, 1, 1, 1]);
    assert_eq!(content(Survivors::Everything), [2, 2, 2, 2]);
    assert_eq!(content(Survivors::FirstHalf), [2, 2, 1, 1]);
    assert_eq!(content(Survivors::AllButFirst), [1, 2, 2, 2]);
    file.sync_data().unwrap();
    assert_eq!(content(Survivors::Nothing), [2, 2, 2, 2]);
}

#[test]
fn names_are_durable_with_their_folder() {
    let (disk, _file) = disk_with(b"a");
    let (a, b) = (folder().join("a"), folder().join("b"));
    disk.rename(&a, &b).unwrap();
    assert_eq!(disk.files(), slice::from_ref(&b));
    assert_eq!(disk.after(Crash::POWER_CUT).files(), [a]);
    assert_eq!(disk.after(Crash::KILL).files(), slice::from_ref(&b));
    disk.sync_folder(&folder()).unwrap();
    assert_eq!(disk.after(Crash::POWER_CUT).files(), [b]);
}

#[test]
fn a_failed_sync_forgets_what_it_should_have_written() {
    let (disk, file) = disk_with(&[1; 512]);
    file.write_all_at(&[2; 512], 0).unwrap();
    disk.fail_at(disk.operations(), Fault::Error(io::ErrorKind::Other));
    assert!(file.sync_data().is_err());
    file.sync_data().unwrap();
    let content = |crash| disk.after(crash).content(&folder().join("a")).unwrap()[0];
    assert_eq!((content(Crash::KILL), content(Crash::POWER_CUT)), (2, 1));
}

#[test]
fn a_crash_stops_everything_and_a_full_disk_says_so() {
    let (disk, file) = disk_with(&[1; 512]);
    disk.set_capacity(600);
    assert_eq!(disk.free_space(&folder()).unwrap(), 88);
    let full = file.write_at(&[1; 512], 512).unwrap_err();
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    disk.fail_at(disk.operations(), Fault::Crash);
    assert!(file.write_at(&[3; 512], 0).is_err());
    assert!(file.len().is_err() && disk.list(&folder()).is_err());
    assert_eq!(disk.after(Crash::KILL).content(&folder().join("a")).unwrap()[0], 3);
}
