//! The file tools in the working directory.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use super::Place;

#[tokio::test]
async fn a_file_is_written_with_its_folders_and_read_back() {
    let place = Place::new();
    let text = "köln 東京 🦀\r\n\ttab\n";
    let told = place.succeeds("write_file", json!({"path": "a/b/c.txt", "content": text})).await;
    assert_eq!(told, format!("wrote {} bytes to a/b/c.txt", text.len()));
    assert_eq!(place.content("a/b/c.txt"), text);
    assert_eq!(place.succeeds("read_file", json!({"path": "a/b/c.txt"})).await, text);
    // What was there is replaced, also by something shorter.
    place.succeeds("write_file", json!({"path": "a/b/c.txt", "content": ""})).await;
    assert_eq!(place.succeeds("read_file", json!({"path": "a/b/c.txt"})).await, "");
}

#[tokio::test]
async fn a_path_is_understood_in_all_its_spellings() {
    let place = Place::new();
    fs::create_dir(place.path("sub")).unwrap();
    place.file("a.txt", "here");
    let absolute = place.path("a.txt");
    let resolved = absolute.canonicalize().unwrap();
    for path in [
        "a.txt",
        "./a.txt",
        ".//a.txt",
        "sub/../a.txt",
        absolute.to_str().unwrap(),
        resolved.to_str().unwrap(),
    ] {
        assert_eq!(place.succeeds("read_file", json!({ "path": path })).await, "here", "{path}");
        let input = json!({"path": path, "content": "here"});
        place.succeeds("write_file", input).await;
    }
    let listed = "a.txt\nsub/";
    for path in [".", "./", "", "sub/..", place.workdir.to_str().unwrap()] {
        let told = place.succeeds("list_directory", json!({ "path": path })).await;
        assert_eq!(told, listed, "{path:?}");
    }
    assert_eq!(place.succeeds("list_directory", json!({})).await, listed);
}

/// The prompt names the working directory; what it names must be understood.
#[tokio::test]
async fn the_announced_working_directory_is_understood_behind_a_link() {
    let mut place = Place::new();
    let link = place.folder.path().join("link");
    symlink("work", &link).unwrap();
    place.workdir.clone_from(&link);
    place.file("a.txt", "here");
    let seen = place.run([super::said("done")]).await;
    let line = seen.system(0).lines().find(|line| line.contains("working directory is")).unwrap();
    let announced = line.split("working directory is ").nth(1).unwrap();
    let announced = announced.split(". Relative").next().unwrap();
    for path in [format!("{announced}/a.txt"), link.join("a.txt").display().to_string()] {
        assert_eq!(place.succeeds("read_file", json!({ "path": path })).await, "here", "{path}");
        place.succeeds("write_file", json!({"path": path, "content": "here"})).await;
    }
}

#[tokio::test]
async fn a_link_that_stays_inside_is_followed() {
    let place = Place::new();
    fs::create_dir(place.path("sub")).unwrap();
    place.file("sub/a.txt", "here");
    symlink("sub/a.txt", place.path("link.txt")).unwrap();
    symlink("sub", place.path("folder")).unwrap();
    for path in ["link.txt", "folder/a.txt"] {
        assert_eq!(place.succeeds("read_file", json!({ "path": path })).await, "here");
    }
    place.succeeds("write_file", json!({"path": "link.txt", "content": "changed"})).await;
    assert_eq!(place.content("sub/a.txt"), "changed");
}

#[tokio::test]
async fn a_folder_is_listed_in_order() {
    let place = Place::new();
    for name in ["b.txt", "a.txt", "B.txt", ".hidden", "ä.txt", "a-b"] {
        place.file(name, "");
    }
    fs::create_dir(place.path("a")).unwrap();
    symlink("nowhere", place.path("dangling")).unwrap();
    let told = place.succeeds("list_directory", json!({})).await;
    assert_eq!(told, ".hidden\nB.txt\na-b\na.txt\na/\nb.txt\ndangling\nä.txt");
    assert_eq!(place.succeeds("list_directory", json!({"path": "a"})).await, "(empty)");
    place.fails("list_directory", json!({"path": "a.txt"})).await;
    place.fails("list_directory", json!({"path": "nowhere"})).await;
}

#[tokio::test]
async fn a_long_list_is_cut_and_says_so() {
    let place = Place::new();
    for number in 0..1003 {
        place.file(&format!("{number:04}"), "");
    }
    let told = place.succeeds("list_directory", json!({})).await;
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        (lines.len(), lines[0], lines[999], lines[1000]),
        (1001, "0000", "0999", "… 3 more")
    );
}

#[tokio::test]
async fn lines_are_read_from_an_offset_to_a_limit() {
    let place = Place::new();
    place.file("a.txt", "one\ntwo\nthree\nfour");
    let read = async |offset, limit| {
        let input = json!({"path": "a.txt", "offset": offset, "limit": limit});
        place.succeeds("read_file", input).await
    };
    assert_eq!(read(Some(2), Some(2)).await, "two\nthree\n\n[lines 2–3 of 4; go on with offset 4]");
    assert_eq!(read(Some(3), None).await, "three\nfour");
    assert_eq!(read(Some(4), Some(9)).await, "four");
    assert_eq!(read(None, Some(1)).await, "one\n\n[lines 1–1 of 4; go on with offset 2]");
    assert_eq!(read(Some(1), Some(4)).await, "one\ntwo\nthree\nfour");
    // 0 is not a line; it is taken for the first.
    assert_eq!(read(Some(0), None).await, "one\ntwo\nthree\nfour");
    for beyond in [5, u64::MAX] {
        assert_eq!(read(Some(beyond), Some(u64::MAX)).await, "");
    }
}

#[tokio::test]
async fn a_long_file_is_read_in_parts_that_make_the_whole() {
    let place = Place::new();
    let text: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
    place.file("a.txt", &text);
    let (mut whole, mut offset, mut parts) = (String::new(), 1, 0);
    loop {
        let told = place.succeeds("read_file", json!({"path": "a.txt", "offset": offset})).await;
        assert!(told.len() <= 33_000, "{} bytes", told.len());
        parts += 1;
        let Some((part, rest)) = told.split_once("\n[lines ") else {
            whole += &told;
            break;
        };
        whole += part;
        let next = rest.split("offset ").nth(1).unwrap();
        offset = next.trim_end_matches(']').parse().unwrap();
    }
    assert_eq!(whole, text);
    assert!((2..20).contains(&parts), "{parts} parts");
}

#[tokio::test]
async fn a_line_that_is_too_long_is_cut_between_characters() {
    let place = Place::new();
    for (character, shift) in [("é", ""), ("é", "x"), ("🦀", "x"), ("🦀", "xx"), ("東", "xx")]
    {
        place.file("a.txt", shift.to_owned() + &character.repeat(40_000) + "\nend\n");
        let told = place.succeeds("read_file", json!({"path": "a.txt"})).await;
        assert!(told.len() <= 33_000, "{} bytes", told.len());
        assert!(told.contains("bytes left out]") && !told.contains('\u{fffd}'));
        assert!(told.ends_with("[lines 1–1 of 2; go on with offset 2]"));
    }
}

#[tokio::test]
async fn what_is_no_text_file_is_told() {
    let place = Place::new();
    fs::create_dir(place.path("sub")).unwrap();
    place.file("image.png", b"\x89PNG\xff\xfe");
    fs::File::create(place.path("huge")).unwrap().set_len((4 << 20) + 1).unwrap();
    let fails = async |path: &str| place.fails("read_file", json!({ "path": path })).await;
    assert_eq!(fails("sub").await, "cannot read sub: it is not a file");
    assert_eq!(fails("").await, "cannot read : it is not a file");
    assert_eq!(fails("image.png").await, "cannot read image.png: it is not a text in UTF-8");
    assert_eq!(fails("huge").await, "cannot read huge: it has more than 4194304 bytes");
    assert!(fails("nowhere.txt").await.starts_with("cannot read nowhere.txt: "));
    assert!(fails("image.png/x").await.starts_with("cannot read image.png/x: "));
    assert!(fails("a\0b").await.starts_with("cannot read a\0b: "));
    // One byte less is read, and cut for the conversation.
    fs::File::create(place.path("huge")).unwrap().set_len(4 << 20).unwrap();
    let told = place.succeeds("read_file", json!({"path": "huge"})).await;
    assert!(told.len() <= 33_000 && told.contains("bytes left out"));
}

#[tokio::test]
async fn what_cannot_be_written_is_told() {
    let place = Place::new();
    fs::create_dir(place.path("sub")).unwrap();
    place.file("a.txt", "a file");
    let long = "x".repeat((16 << 20) + 1);
    for (path, content) in [
        ("sub", "over a folder"),
        (".", "over the working directory"),
        ("", "nowhere"),
        ("a.txt/b.txt", "below a file"),
        ("a\0b", "x"),
        ("long.txt", long.as_str()),
    ] {
        let told = place.fails("write_file", json!({"path": path, "content": content})).await;
        assert!(told.starts_with(&format!("cannot write {path}: ")), "{told}");
    }
    assert_eq!(place.content("a.txt"), "a file");
    assert_eq!(fs::read_dir(&place.workdir).unwrap().count(), 2);
}
