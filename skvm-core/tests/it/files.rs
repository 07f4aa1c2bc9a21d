//! Files in memory, and journals.

use std::fs;

use serde_json::{Value, json};
use skvm_core::digest::Digest;
use skvm_core::files::{FileTree, FileTreeLimits};
use skvm_core::journal::{FileJournal, Journal};

#[test]
fn files_are_written_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let files = FileTree::default()
        .with("a.txt", "one")
        .with("b/c/d.bin", [0_u8, 255])
        .with("b/é.txt", "two");
    files.write(folder.path()).unwrap();
    let read = FileTree::read(folder.path(), FileTreeLimits::default()).unwrap();
    assert_eq!(read, files);
    assert_eq!(read.text("b/é.txt"), Some("two"));
    assert_eq!(read.text("b/c/d.bin"), None, "it is no text");
    assert_eq!(
        serde_json::from_value::<FileTree>(serde_json::to_value(&read).unwrap()).unwrap(),
        read
    );
}

#[test]
fn no_file_is_written_outside_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    for path in ["../out.txt", "/tmp/skvm-out.txt", "a/../../out.txt", "", ".", "a/.."] {
        let error = FileTree::default().with(path, "x").write(&inner).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{path}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_is_beyond_the_limits_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = FileTree::default();
    for at in 0..10 {
        files = files.with(format!("f{at}.txt"), "x".repeat(100));
    }
    files = files.with("deep/er/f.txt", "y");
    files.write(folder.path()).unwrap();
    let read = |limits| FileTree::read(folder.path(), limits).unwrap();
    assert_eq!(read(FileTreeLimits { files: 3, ..FileTreeLimits::default() }).len(), 3);
    assert_eq!(read(FileTreeLimits { bytes: 250, ..FileTreeLimits::default() }).len(), 3);
    let flat = read(FileTreeLimits { depth: 0, ..FileTreeLimits::default() });
    assert_eq!((flat.len(), flat.get("deep/er/f.txt")), (10, None));
    assert!(FileTree::read(&folder.path().join("none"), FileTreeLimits::default()).is_err());
}

#[cfg(unix)]
#[test]
fn links_and_pipes_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.txt"), "secret").unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.txt"), folder.path().join("file"))
        .unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status();
    assert!(made.is_ok());
    let read = FileTree::read(folder.path(), FileTreeLimits::default()).unwrap();
    assert!(read.is_empty(), "{read:?}");
}

#[test]
fn a_journal_gives_back_the_entries_of_its_work_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
    let entries = [json!({"a": 1}), json!("line\nbreak"), Value::Null];
    let journal = FileJournal::open(&path, one).unwrap();
    for entry in &entries {
        journal.append(entry).unwrap();
    }
    assert_eq!(journal.entries().unwrap(), entries);
    FileJournal::open(&path, other).unwrap().append(&json!("other")).unwrap();
    assert_eq!(FileJournal::open(&path, one).unwrap().entries().unwrap(), entries);
    // A crash in the middle of a line, and bytes that are none of ours.
    let mut bytes = fs::read(&path).unwrap();
    bytes.truncate(bytes.len() - 5);
    bytes.extend(b"\n\xff\xfe{}\n[[[[\n{\"work\":");
    fs::write(&path, bytes).unwrap();
    let journal = FileJournal::open(&path, one).unwrap();
    journal.append(&json!("after")).unwrap();
    let mut expected = entries.to_vec();
    expected.push(json!("after"));
    assert_eq!(journal.entries().unwrap(), expected);
    assert!(FileJournal::open(folder.path(), one).is_err(), "a folder is no journal");
}
