use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[test]
fn a_header_is_read_as_it_was_written_and_none_else_is() {
    let header = Header { id: 0x0123_4567_89ab_cdef, n_blocks: 512 };
    let block = header.write();
    assert_eq!(Header::read(&block).unwrap(), header);
    for at in 0..HEADER_SAYS + 4 {
        let mut flipped = block;
        flipped[at] ^= 0x40;
        assert!(Header::read(&flipped).is_err(), "octet {at}");
        assert!(Header::read(&block[..at]).is_err(), "{at} octets");
    }
}

#[test]
fn a_later_version_is_told_from_damage() {
    let mut said = [MAGIC, &2_u32.to_le_bytes(), &[0; 12]].concat();
    let checksum = crc32fast::hash(&said);
    said.extend(checksum.to_le_bytes());
    assert!(matches!(Header::read(&said), Err(Damage::Version(2))));
}

#[test]
fn no_record_shares_a_block_with_another() {
    for n in [0, 1, 4000, 4096, 10_000] {
        let batch = put(n);
        let mut record = Vec::new();
        write(&mut record, 1, 1, std::slice::from_ref(&batch));
        assert_eq!(record.len() % BLOCK, 0);
        assert_eq!(record.len(), size_of(&[batch]));
    }
}

#[test]
fn what_follows_a_lost_record_is_damage_and_what_is_of_a_round_before_is_not() {
    let log = Written::of(3..=7, &[put(1), put(5000), put(2), put(3), put(4)]);
    let said = log.read_after(2).unwrap();
    assert_eq!(said.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [3, 4, 5, 6, 7]);
    assert_eq!(log.read_after(5).unwrap().len(), 2, "what the database has is passed over");
    assert_eq!(log.read_after(7).unwrap(), []);
    assert_eq!(log.read_after(1).unwrap_err().to_string(), "record 2 cannot be read, and record 3 can");
    let mut lost = log.clone();
    lost.bytes[log.ends[2] - BLOCK..].iter_mut().take(20).for_each(|octet| *octet ^= 1);
    assert_eq!(lost.read_after(2).unwrap_err().to_string(), "record 5 cannot be read, and record 6 can");
    assert_eq!(lost.read_after(5).unwrap().len(), 2);
    let twice = Written { bytes: [&log.bytes[..], &log.bytes[..BLOCK]].concat(), ..log.clone() };
    assert_eq!(twice.read_after(2).unwrap_err().to_string(), "record 3 is there twice");
}

#[test]
fn records_of_another_log_are_none() {
    let log = Written::of(1..=1, &[put(1)]);
    assert_eq!(read(&log.bytes, ID + 1, 0).unwrap(), []);
}

/// A Producer has a say in what rows hold.
#[test]
fn what_is_in_a_record_is_not_taken_for_one() {
    let inner = Written::of(2..=2, &[put(1)]);
    let mut batch = Batch::new();
    let table = Table("t".into());
    let before = RECORD_HEADER + 1 + 4 + 1 + 4 + 1 + 4;
    batch.put(&table, b"k", [vec![0; BLOCK - before], inner.bytes].concat());
    let mut outer = Written::of(1..=1, &[batch]);
    assert_eq!(outer.read_after(0).unwrap().len(), 1);
    // Torn, it shows what is in it: here with the id of the log, which nobody knows.
    outer.bytes[20] ^= 1;
    assert!(outer.read_after(0).is_err());
    outer.bytes[BLOCK..].copy_from_slice(&Written::with(ID + 1, 2..=2, &[put(1)]).bytes);
    assert_eq!(outer.read_after(0).unwrap(), []);
}

#[test]
fn a_whole_record_that_makes_no_sense_is_damage() {
    for says in
        [&[9, 1, 0, 0, 0, b't'][..], &[CLEAR, 9, 0, 0, 0, b't'], &[CLEAR, 1, 0, 0, 0, 0xff], &[PUT, 1, 0, 0, 0, b't']]
    {
        let length = length_of(says.len());
        let header = [&length.to_le_bytes()[..], &checksum(ID, 1, length, says).to_le_bytes(), &1_u64.to_le_bytes()];
        let mut bytes = [&header.concat(), says].concat();
        bytes.resize(BLOCK, 0);
        assert_eq!(read(&bytes, ID, 0).unwrap_err().to_string(), "record 1 makes no sense");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    /// As after a power failure: nothing of what came after an octet was written.
    #[test]
    fn of_a_log_that_is_cut_anywhere_there_is_what_was_synced_before(batches in vec(batch(), 1..5)) {
        let log = Written::of(1..=batches.len() as u64, &batches);
        for at in 0..=log.bytes.len() {
            let mut cut = log.clone();
            cut.bytes[at..].fill(0);
            let said = cut.read_after(0).unwrap();
            let n_synced = log.ends.iter().filter(|end| **end <= at).count();
            prop_assert!(said.len() >= n_synced, "cut at {at}");
            prop_assert!(said.len() <= n_synced + 1, "cut at {at}");
            for (i, (number, batch)) in said.into_iter().enumerate() {
                prop_assert_eq!((number, &batch), (i as u64 + 1, &batches[i]), "cut at {}", at);
            }
            prop_assert!(read(&log.bytes[..at], ID, 0).unwrap().len() >= n_synced);
        }
    }

    /// What is flipped is the last record, or it is told.
    #[test]
    fn of_a_log_with_an_octet_flipped_nothing_is_read_but_what_was_written(batches in vec(batch(), 1..5), bits in 1_u8..) {
        let log = Written::of(1..=batches.len() as u64, &batches);
        let last = log.ends.iter().rev().nth(1).copied().unwrap_or(0);
        for at in 0..log.bytes.len() {
            let mut flipped = log.clone();
            flipped.bytes[at] ^= bits;
            match flipped.read_after(0) {
                Ok(said) => {
                    let n = batches.len();
                    prop_assert!(said.len() == n || at >= last && said.len() == n - 1, "octet {at}");
                    prop_assert!(said.iter().map(|(_, batch)| batch).eq(batches.iter().take(said.len())));
                }
                Err(damage) => prop_assert!(at < last, "octet {at}: {damage}"),
            }
        }
    }

    #[test]
    fn anything_is_read_without_a_panic(bytes in vec(any::<u8>(), 0..3 * BLOCK), after in any::<u64>()) {
        let _ = read(&bytes, ID, after);
        let _ = Header::read(&bytes);
        let _ = changes(&bytes);
    }
}

/// Records one after the other, and where each ends.
#[derive(Clone, Debug)]
struct Written {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Written {
    fn of(numbers: std::ops::RangeInclusive<u64>, batches: &[Batch]) -> Self {
        Self::with(ID, numbers, batches)
    }

    fn with(id: u64, numbers: std::ops::RangeInclusive<u64>, batches: &[Batch]) -> Self {
        let (mut bytes, mut ends, mut record) = (Vec::new(), Vec::new(), Vec::new());
        for (number, batch) in numbers.zip(batches) {
            write(&mut record, id, number, std::slice::from_ref(batch));
            bytes.extend(&record);
            ends.push(bytes.len());
        }
        Self { bytes, ends }
    }

    fn read_after(&self, number: u64) -> Result<Vec<(u64, Batch)>, Damage> {
        read(&self.bytes, ID, number)
    }
}

fn put(n: usize) -> Batch {
    let mut batch = Batch::new();
    batch.put(&Table("area/rows".into()), b"key", vec![7; n]);
    batch
}

fn batch() -> impl Strategy<Value = Batch> {
    let texts = (0..3_usize, vec(any::<u8>(), 0..9), proptest::option::of(vec(any::<u8>(), 0..300)), 0..9);
    vec(texts, 1..6).prop_map(|changes| {
        let mut batch = Batch::new();
        for (table, key, value, kind) in changes {
            let table = Table(["a/rows", "a/others", "a long name/of a table"][table].into());
            match value {
                _ if kind == 0 => batch.clear(&table),
                Some(value) => batch.put(&table, key, value),
                None => batch.delete(&table, key),
            }
        }
        batch
    })
}

const ID: u64 = 0xfeed_beef;
