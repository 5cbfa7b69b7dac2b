use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use oc2_core::{Response, StatusCode};
use oc2_transfer::Peer;
use serde_json::Value;
use tempfile::TempDir;

use super::*;

fn folder() -> (TempDir, PathBuf) {
    let dir = TempDir::new().expect("a folder can be made");
    let path = dir.path().join("audit.jsonl");
    (dir, path)
}

fn tell(audit: &AuditFile, end: End, request_id: &str) {
    let response = Response::new(if end == End::Performed { StatusCode::Ok } else { StatusCode::BadRequest });
    audit.ended(&Ended {
        end,
        peer: &Peer::Unauthenticated("192.0.2.7".into()),
        key_id: None,
        from: Some("soc-1\n{\"seq\":1,\"event\":\"stop\"}\r\u{2028}"),
        request_id: Some(request_id),
        command_id: None,
        pair: None,
        is_supported: false,
        target: None,
        response: Some(&response),
        elapsed: Duration::from_micros(7),
    });
}

/// A session of some commands, from start to stop.
fn session(path: &Path, ids: &[&str]) {
    let audit = AuditFile::options(path).open().expect("an audit file");
    ids.iter().for_each(|id| tell(&audit, End::Performed, id));
}

fn lines(path: &Path) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).expect("it is there");
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// What the whole lines of a file say.
fn records(path: &Path) -> Vec<Value> {
    lines(path).iter().filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

fn verify(path: &Path) -> Result<AuditReport, AuditFault> {
    verify_audit(&[path.to_owned()])
}

#[track_caller]
fn fault(path: &Path, lines: &[Vec<u8>]) -> (u64, String) {
    fs::write(path, lines.concat()).expect("it can be written");
    let fault = verify(path).expect_err("the chain is broken");
    (fault.line, fault.reason)
}

#[test]
fn each_record_follows_the_one_before_also_over_a_restart() {
    let (_dir, path) = folder();
    session(&path, &["a", "b"]);
    session(&path, &["c"]);
    let records = records(&path);
    let told: Vec<_> = records.iter().map(|record| record["event"].as_str().expect("an event")).collect();
    assert_eq!(told, ["start", "command", "command", "stop", "start", "command", "stop"]);
    for (i, record) in records.iter().enumerate() {
        assert_eq!(record["seq"], i + 1);
        let prev = if i == 0 { "0".repeat(64) } else { chain::digest(lines(&path)[i - 1].trim_ascii_end()) };
        assert_eq!(record["prev"], prev);
    }
    assert_eq!(records[1]["request_id"], "a");
    assert_eq!(records[1]["from"], "soc-1\n{\"seq\":1,\"event\":\"stop\"}\r\u{2028}");
    assert_eq!((&records[1]["status"], &records[1]["end"]), (&200.into(), &"performed".into()));
    let report = verify(&path).expect("the chain holds");
    assert_eq!((report.n_records, report.first, report.last), (7, 1, 7));
    assert_eq!(report.sha256, chain::digest(lines(&path)[6].trim_ascii_end()));
    assert_eq!(report.remarks, Vec::<String>::new());
}

#[test]
fn whatever_is_done_to_a_record_is_noticed() {
    let (_dir, path) = folder();
    session(&path, &["a", "b", "c"]);
    let whole = lines(&path);
    assert_eq!(whole.len(), 5);
    for (i, line) in whole.iter().enumerate().take(4) {
        for at in 0..line.len() {
            let mut changed = whole.clone();
            changed[i][at] ^= 1;
            let (found, _) = fault(&path, &changed);
            assert!(found == i as u64 + 1 || found == i as u64 + 2, "line {} octet {at}: {found}", i + 1);
        }
    }
    let without = [&whole[..1], &whole[2..]].concat();
    assert_eq!(fault(&path, &without), (2, "record 3 follows record 1; what was between them is missing".into()));
    let swapped = [&whole[..1], &whole[2..3], &whole[1..2], &whole[3..]].concat();
    assert_eq!(fault(&path, &swapped).0, 2);
    let twice = [&whole[..2], &whole[1..]].concat();
    assert_eq!(fault(&path, &twice), (3, "record 2 follows record 2; what was between them is missing".into()));
    let blank = [&whole[..2], &[b"\n".to_vec()], &whole[2..]].concat();
    assert_eq!(fault(&path, &blank).0, 4);
    let ended_by_garbage = [&whole[..], &[b"garbage\n".to_vec()]].concat();
    assert_eq!(fault(&path, &ended_by_garbage), (6, "this line is no record".into()));
    // Without its beginning it holds, and that is said.
    fs::write(&path, whole[2..].concat()).expect("it can be written");
    let report = verify(&path).expect("the chain holds");
    assert_eq!((report.first, report.remarks.len()), (3, 1));
    assert_eq!(fault(&path, &[]), (0, "there is no record".into()));
}

#[test]
fn what_was_kept_elsewhere_shows_a_chain_that_was_made_anew_or_cut_off() {
    let (_dir, path) = folder();
    session(&path, &["a", "b"]);
    let report = verify(&path).expect("the chain holds");
    let kept = [(report.last, report.sha256)];
    session(&path, &["c"]);
    let files = [path.clone()];
    assert!(verify_audit_against(&files, &kept).is_ok());
    let whole = lines(&path);
    fs::write(&path, whole[..3].concat()).expect("it can be written");
    assert!(verify_audit(&files).is_ok(), "the chain alone does not show it");
    let reason = verify_audit_against(&files, &kept).expect_err("it was cut off").reason;
    assert_eq!(reason, "record 4 is missing: there are 1 to 3");
    fs::remove_file(&path).expect("it is there");
    session(&path, &["a", "x"]);
    let fault = verify_audit_against(&files, &kept).expect_err("it was made anew");
    assert_eq!((fault.line, fault.reason.as_str()), (4, "record 4 is not the one whose digest was kept"));
}

#[test]
fn a_torn_last_line_is_recognised_wherever_it_was_torn() {
    let (_dir, path) = folder();
    session(&path, &["a", "b"]);
    let whole = lines(&path);
    let before = whole[..2].concat();
    for cut in 0..whole[2].len() {
        fs::write(&path, [&before[..], &whole[2][..cut]].concat()).expect("it can be written");
        // As it is after the crash.
        let report = verify(&path).expect("the chain holds as far as it goes");
        let is_whole = cut == whole[2].len() - 1;
        assert_eq!(report.last, if is_whole { 3 } else { 2 });
        let is_torn = cut > 0 && !is_whole;
        assert_eq!(report.remarks.iter().any(|remark| remark.contains("the last line is torn")), is_torn, "{cut}");
        // After the next start.
        session(&path, &["c"]);
        let report = verify(&path).expect("the chain holds");
        assert_eq!(report.n_records, if is_whole { 6 } else { 5 });
        assert_eq!(report.remarks.iter().any(|remark| remark.contains("a record was torn")), is_torn, "{cut}");
        assert!(report.remarks.iter().any(|remark| remark.contains("did not end in order")), "{report:?}");
        // What is torn cannot be changed either.
        if is_torn {
            let mut changed = fs::read(&path).expect("it is there");
            changed[before.len()] ^= 1;
            fs::write(&path, changed).expect("it can be written");
            assert!(verify(&path).is_err());
        }
    }
}

#[test]
fn a_torn_first_line_and_zeros_from_a_lost_page_are_recognised() {
    let (_dir, path) = folder();
    for torn in [&b"{"[..], b"{\"seq\":1,\"time\":17", b"\0\0\0\0\0\0\0\0\0\0\0\0"] {
        fs::write(&path, torn).expect("it can be written");
        session(&path, &["a"]);
        let report = verify(&path).expect("the chain holds");
        assert_eq!((report.n_records, report.remarks.len()), (3, 1), "{report:?}");
    }
    session(&path, &[]);
    let mut bytes = fs::read(&path).expect("it is there");
    bytes.extend_from_slice(&[0; 5000]);
    fs::write(&path, bytes).expect("it can be written");
    session(&path, &["b"]);
    let report = verify(&path).expect("the chain holds");
    assert!(report.remarks.iter().any(|remark| remark.contains("5000 octets")), "{report:?}");
}

#[test]
fn what_is_no_audit_file_is_left_alone_and_two_do_not_write_to_one() {
    let (_dir, path) = folder();
    for text in ["root:x:0:0\n", "{}\n", "no line", "\n"] {
        fs::write(&path, text).expect("it can be written");
        let error = AuditFile::options(&path).open().expect_err("no audit file");
        assert!(matches!(error, AuditError::NotAnAuditFile { .. }), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("it is there"), text);
    }
    fs::remove_file(&path).expect("it is there");
    let first = AuditFile::options(&path).open().expect("an audit file");
    assert!(matches!(AuditFile::options(&path).open(), Err(AuditError::InUse { .. })));
    drop(first);
    session(&path, &[]);
}

fn all(path: &Path) -> Vec<PathBuf> {
    AuditFile::files(path).expect("the folder can be read")
}

#[test]
fn the_chain_goes_on_from_file_to_file() {
    let (_dir, path) = folder();
    let open = || AuditFile::options(&path).max_size(1000).open().expect("an audit file");
    let audit = open();
    (0..50).for_each(|i| tell(&audit, End::Performed, &i.to_string()));
    drop(audit);
    let files = all(&path);
    assert!(files.len() > 5, "{files:?}");
    assert!(files.iter().all(|file| fs::metadata(file).expect("it is there").len() <= 1000));
    let mut shuffled = files.clone();
    shuffled.reverse();
    let report = verify_audit(&shuffled).expect("the chain holds");
    assert_eq!((report.n_records, report.first, report.last), (52, 1, 52));
    // Older ones may be put away, but none from the middle.
    assert!(verify_audit(&files[2..]).expect("the chain holds").first > 1);
    let without = [&files[..2], &files[3..]].concat();
    assert!(verify_audit(&without).expect_err("one is missing").reason.contains("is missing"));
    // Killed between the renaming and the new file, or before anything was in it.
    let last = report.last;
    fs::rename(&path, files::rotated(&path, last)).expect("it is there");
    drop(open());
    File::create(&path).map(drop).expect("it can be made");
    fs::remove_file(&path).expect("it is there");
    let error = AuditFile::options(path.with_extension("other")).open();
    assert!(error.is_ok(), "a name of its own is a chain of its own");
    fs::write(&path, "").expect("it can be written");
    let mut files = all(&path);
    assert_eq!(files.pop(), Some(path.clone()));
    drop(open());
    assert!(verify_audit(&all(&path)).is_ok());
}

/// A disk that takes all but the last octets of what it gets while it is full.
fn full_when(is_full: &Arc<AtomicBool>, torn_off: usize) -> Append {
    let is_full = Arc::clone(is_full);
    Box::new(move |file: &mut File, bytes: &[u8]| {
        if !is_full.load(Ordering::SeqCst) {
            return file.write_all(bytes);
        }
        file.write_all(&bytes[..bytes.len().saturating_sub(torn_off)])?;
        Err(io::ErrorKind::StorageFull.into())
    })
}

/// Less than the shortest record, more than the end of its line.
const TORN_OFF: usize = 10;

fn eventually(condition: impl Fn() -> bool) {
    for _ in 0..1000 {
        if condition() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("it never came true");
}

#[test]
fn a_full_disk_stops_what_must_be_recorded_and_nothing_that_was_done_is_lost() {
    // Also one that takes everything, and says it did not.
    for torn_off in [TORN_OFF, 0] {
        full_disk_that_tears_off(torn_off);
    }
}

fn full_disk_that_tears_off(torn_off: usize) {
    let (_dir, path) = folder();
    let is_full = Arc::new(AtomicBool::new(false));
    let options = AuditFile::options(&path).required(true);
    let audit = options.open_with(full_when(&is_full, torn_off)).expect("an audit file");
    tell(&audit, End::Performed, "before");
    is_full.store(true, Ordering::SeqCst);
    for id in ["first", "second"] {
        tell(&audit, End::Performed, id);
    }
    eventually(|| audit.is_failing());
    assert_eq!(audit.admit().expect_err("nothing is taken on").status(), StatusCode::ServiceUnavailable);
    tell(&audit, End::Refused, "refused meanwhile");
    // It tries, and fails, once more.
    thread::sleep(Duration::from_millis(1500));
    is_full.store(false, Ordering::SeqCst);
    eventually(|| !audit.is_failing());
    assert!(audit.admit().is_ok());
    tell(&audit, End::Performed, "after");
    drop(audit);
    let report = verify(&path).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(report.remarks.iter().any(|remark| remark.contains("torn")), torn_off > 0, "{report:?}");
    let mut ids: Vec<_> =
        records(&path).iter().filter_map(|record| Some(record["request_id"].as_str()?.to_owned())).collect();
    let told = ids.clone();
    ids.dedup();
    assert_eq!(ids, ["before", "first", "second", "refused meanwhile", "after"]);
    assert_eq!(ids, told, "each once");
}

#[test]
fn where_records_are_not_required_commands_go_on_and_what_is_lost_is_counted() {
    let (_dir, path) = folder();
    let is_full = Arc::new(AtomicBool::new(false));
    let audit = AuditFile::options(&path).open_with(full_when(&is_full, TORN_OFF)).expect("an audit file");
    is_full.store(true, Ordering::SeqCst);
    tell(&audit, End::Performed, "first");
    eventually(|| audit.is_failing());
    assert!(audit.admit().is_ok());
    (0..MOST_WAITING + 100).for_each(|_| tell(&audit, End::Refused, "flood"));
    let n_lost = audit.counts.n_lost.load(Ordering::Relaxed);
    assert!(n_lost >= 100, "{n_lost}");
    // There is still room for what has effects.
    tell(&audit, End::Performed, "second");
    is_full.store(false, Ordering::SeqCst);
    eventually(|| !audit.is_failing());
    drop(audit);
    let report = verify(&path).unwrap_or_else(|fault| panic!("{fault}"));
    assert!(report.remarks.iter().any(|remark| remark.contains(&format!("{n_lost} records were lost"))), "{report:?}");
    let n = records(&path).iter().filter(|record| record["request_id"] == "second").count();
    assert_eq!(n, 1);
}

#[tokio::test]
async fn an_answer_waits_for_a_record_that_is_required() {
    let (_dir, path) = folder();
    let audit = AuditFile::options(&path).required(true).open().expect("an audit file");
    for i in 0..20 {
        tell(&audit, End::Performed, &i.to_string());
        audit.settled().await;
        assert_eq!(records(&path).len(), i + 2);
    }
}
