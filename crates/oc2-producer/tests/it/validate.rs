//! The verb `validate` as people and scripts use it.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

const GOOD: &str = r#"{"action":"deny","target":{"ipv4_net":"192.0.2.0/24"}}"#;
const BAD: &str =
    r#"{"action":"deny","target":{"ipv4_connection":{"dst_port":65536}},"args":{"slpf":{"direction":"up"}}}"#;
const FAULTS: [&str; 2] = [
    "target.ipv4_connection.dst_port: 65536 is not a port (0..65535) [LS 3.4.2.14 (LS-200)]",
    "args.slpf.direction: \"up\" is not one of both, ingress, egress [SLPF 2.1.3.2 (SLPF-026)]",
];

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("oc2-producer-validate-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).expect("a folder");
        Self(folder)
    }

    fn with(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(words: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_oc2-producer"))
        .arg("validate")
        .args(words)
        .env_remove("OC2_TO")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("its input");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the input is written");
    output
}

fn check(output: &Output, exit: i32, stdout: &str, stderr: &str) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(
        (output.status.code(), text(&output.stdout), text(&output.stderr)),
        (Some(exit), stdout.into(), stderr.into())
    );
}

#[test]
fn a_good_file_is_ok() {
    let folder = Folder::new("good");
    let good = folder.with("good.json", GOOD);
    for words in [&["--kind", "command", &good][..], &[&good], &["--strict", &good], &["--lenient", &good]] {
        check(&run(words, b""), 0, &format!("{good}: ok\n"), "");
    }
    check(&run(&["-"], GOOD.as_bytes()), 0, "-: ok\n", "");
}

#[test]
fn every_fault_has_its_line() {
    let folder = Folder::new("faults");
    let (good, bad) = (folder.with("good.json", GOOD), folder.with("bad.json", BAD));
    let lines = format!("{bad}: {}\n{bad}: {}\n", FAULTS[0], FAULTS[1]);
    check(&run(&["--kind", "command", &bad], b""), 1, &lines, "");
    check(&run(&[&good, &bad], b""), 1, &format!("{good}: ok\n{lines}"), "2 documents, 1 good, 1 bad\n");
    let output = run(&["--json", &good, &bad], b"");
    let lines: Vec<Value> =
        output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let faults = json!([
        {"place": "target.ipv4_connection.dst_port", "reason": "65536 is not a port (0..65535)", "clause": "LS 3.4.2.14 (LS-200)"},
        {"place": "args.slpf.direction", "reason": "\"up\" is not one of both, ingress, egress", "clause": "SLPF 2.1.3.2 (SLPF-026)"},
    ]);
    assert_eq!(
        lines,
        [
            json!({"path": good, "verdict": "good", "notes": []}),
            json!({"path": bad, "verdict": "bad", "faults": faults})
        ]
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn lenient_notes_what_strict_refuses() {
    let folder = Folder::new("lenient");
    let odd = folder.with("odd.json", r#"{"action":"query","target":{"features":[]},"args":{}}"#);
    let fault = "args: must hold at least one member [LS 3.3.1 (LS-093), DECISIONS L31]";
    check(&run(&[&odd], b""), 1, &format!("{odd}: {fault}\n"), "");
    let lines = format!("{odd}: ok\n{odd}: note: args: must hold at least one member\n");
    check(&run(&["--lenient", &odd], b""), 0, &lines, "");
}

#[test]
fn a_batch_has_a_line_for_each_line_in_order() {
    let folder = Folder::new("batch");
    let good = folder.with("good.json", GOOD);
    let bad = folder.with("bad.json", BAD);
    let twice = folder.with("response.json", r#"{"status":200}"#);
    let empty = folder.with("empty.json", "");
    let latin = folder.with("latin.json", b"{\"\xE4\":1}");
    let deep = folder.with("deep.json", "[".repeat(20_000));
    let gone = format!("{}/gone.json", folder.0.display());
    let here = folder.0.display();
    let input = format!(
        "command\t{bad}\ncommand\t{good}\nresponse\t{twice}\nauto\t{twice}\r\n\nmessage\t{good}\nCommand\t{good}\nno tab\ncommand\t{gone}\ncommand\t{here}\ncommand\t/dev/zero\ncommand\t{empty}\ncommand\t{latin}\ncommand\t{deep}"
    );
    let expected = [
        format!("{bad}\tbad\t{}; {}", FAULTS[0], FAULTS[1]),
        format!("{good}\tgood\t"),
        format!("{twice}\tgood\t"),
        format!("{twice}\tgood\t"),
        format!("{good}\tbad\ta bare Command is no message (HTTPS 1.1 3.3.2) [HTTPS 3.3.2 (HTTPS-032), DECISIONS M1]"),
        format!("{good}\tbad\tkind: \"Command\" is not one of command, response, message, auto"),
        "no tab\tbad\tthe line has no tab: KIND<TAB>PATH is due".to_owned(),
        format!("{gone}\tbad\tcannot be read: No such file or directory (os error 2)"),
        format!("{here}\tbad\tcannot be read: it is a directory"),
        "/dev/zero\tbad\tcannot be read: it is not a regular file".to_owned(),
        format!("{empty}\tbad\tthe document is empty [LS 3.1.5 (LS-044)]"),
        format!("{latin}\tbad\tbyte 2: not UTF-8: 0xE4 has no place here [LS 3.1.5 (LS-045)]"),
        format!("{deep}\tbad\tline 1 column 128: nested more than 32 levels deep [DECISIONS L24]"),
    ];
    check(&run(&["--batch"], input.as_bytes()), 1, &format!("{}\n", expected.join("\n")), "");
    check(&run(&["--batch"], format!("command\t{good}\n").as_bytes()), 0, &format!("{good}\tgood\t\n"), "");
    check(&run(&["--batch"], b""), 0, "", "");
}

#[test]
fn a_line_stays_a_line_whatever_is_in_it() {
    let folder = Folder::new("lines");
    let odd = folder.with("a\u{1b}[2J\u{9b}b", r#"{"action":"a\tb\n\u001b","target":{"uri":"http://a.example"}}"#);
    let output = run(&["--batch"], format!("command\t{odd}\ncommand\ta\tb\n").as_bytes());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines.iter().all(|line| line.split('\t').count() == 3), "{text}");
    assert!(!text.chars().any(|c| c.is_control() && c != '\t' && c != '\n'), "{text:?}");
    assert!(lines[0].contains(r#"action: "a\tb\n\u{1b}" is not one of"#), "{text}");
    assert!(lines[1].starts_with(r"a\tb"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_path_need_not_be_utf_8() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new("bytes");
    let path = [folder.0.as_os_str().as_bytes(), b"/\xE4.json"].concat();
    // Not every file system has such names.
    if fs::write(Path::new(std::ffi::OsStr::from_bytes(&path)), GOOD).is_err() {
        return;
    }
    let output = run(&["--batch"], &[b"command\t", &path[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn thousands_of_files_are_judged_in_a_moment_and_large_ones_are_not_read() {
    let folder = Folder::new("many");
    let paths: Vec<_> =
        (0..2000).map(|i| folder.with(&format!("{i}.json"), if i % 2 == 0 { GOOD } else { BAD })).collect();
    let large = folder.0.join("large.json");
    File::create(&large).and_then(|file| file.set_len(100_000_000)).expect("a sparse file");
    let mut input: String = paths.iter().map(|path| format!("command\t{path}\n")).collect();
    input.push_str(&format!("command\t{}\n", large.display()));
    let start = Instant::now();
    let output = run(&["--batch"], input.as_bytes());
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2001);
    for (i, line) in lines[..2000].iter().enumerate() {
        assert!(line.starts_with(&format!("{}\t{}\t", paths[i], if i % 2 == 0 { "good" } else { "bad" })), "{line}");
    }
    assert!(
        lines[2000].ends_with("\tbad\tthe document is longer than 1048576 bytes [DECISIONS L24]"),
        "{}",
        lines[2000]
    );
}

#[test]
fn a_wrong_command_line_is_2() {
    for (words, reason) in [
        (&[][..], "validate needs a FILE"),
        (&["--batch", "a"], "FILE has no place"),
        (&["--batch", "--kind", "command"], "no --kind, no --json"),
        (&["--kind", "event", "a"], "is not one of command, response, message, auto"),
        (&["--encoding", "xml", "a"], "is not one of json, json-ascii, json-compact"),
        (&["--strict", "--lenient", "a"], "cannot be used with"),
        (&["--duration", "5m", "a"], "validate takes documents as they are, so --duration has no place"),
        (&["--dry-run", "a"], "validate sends nothing, so --dry-run has no place"),
    ] {
        let output = run(words, b"");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{words:?}: {stderr}");
        assert!(stderr.contains(reason), "{words:?}: {stderr}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_oc2-producer"))
        .args(["heartbeat", "--to", "http://127.0.0.1:1", "--kind", "command"])
        .output();
    let output = output.expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--kind goes with validate only"));
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let folder = Folder::new("gone");
    let good = folder.with("good.json", GOOD);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_oc2-producer")).args(["validate", &good]).stdout(writer).output();
    let output = output.expect("the program starts");
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn cbor_is_read_where_it_is_asked_for() {
    let folder = Folder::new("cbor");
    let cbor = folder.with("query.cbor", b"\x82\x03\xa1\x09\x80");
    check(&run(&["--encoding", "cbor", &cbor], b""), 0, &format!("{cbor}: ok\n"), "");
    assert_eq!(run(&[&cbor], b"").status.code(), Some(1));
}
