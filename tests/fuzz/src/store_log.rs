//! The log in front of the database, as whatever a crash has left of it (DECISIONS O8).

use oc2_store::testing::{log_of, read_log, read_record};

/// Anything as a log, and as what one of its records says.
pub fn store_log(bytes: &[u8]) {
    for batches in read_log(bytes).into_iter().chain(read_record(bytes).map(|batch| vec![batch])) {
        assert_eq!(read_log(&log_of(&batches)), Ok(batches), "what was read is not what is written");
    }
}

/// What records say, and logs of them.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let records = SAYS.map(|says| read_record(says).expect("it makes sense"));
    let logs = (0..=records.len()).map(|n| log_of(&records[..n]));
    SAYS.iter().map(|says| says.to_vec()).chain(logs).collect()
}

/// A row that comes, one that goes, a table that is emptied, and all of that.
const SAYS: [&[u8]; 4] = [
    b"\x01\x03\0\0\0a/b\x01\0\0\0k\x05\0\0\0value",
    b"\x02\x03\0\0\0a/b\x08\0\0\0\0\0\0\0\0\0\0\x07",
    b"\x03\x03\0\0\0a/b",
    b"\x03\x03\0\0\0a/b\x01\x03\0\0\0a/b\x01\0\0\0k\0\0\0\0\x02\x03\0\0\0c/d\x01\0\0\0k",
];
