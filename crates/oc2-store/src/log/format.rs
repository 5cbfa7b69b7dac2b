//! The log as bytes.
//!
//! Blocks of 4096 octets; all numbers are little-endian. The first block is the header: `oc2-log` and a zero, the version (4
//! octets), how many blocks follow (4), the id of the log (8), and the checksum of all that. Each record begins with a block and
//! is padded to blocks, so that none is written to that holds another: the length of what it says (4), the checksum (4), its
//! number (8), and what it says, change by change: a kind (1), the name of a table, but for `clear` a key, and for `put` a value, each
//! after its length (4).
//!
//! The checksum is CRC-32 over the id of the log, the number, the length, and what the record says. The id is drawn when the log
//! is made and is told to nobody: what a Producer has had written into a record cannot be made to look like a record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::batch::{Batch, Table, Write};
use crate::error::Damage;

/// The first block of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) id: u64,
    /// How many blocks there are for records.
    pub(crate) n_blocks: u32,
}

impl Header {
    /// How long the log is, with its header.
    pub(crate) fn len(self) -> u64 {
        (u64::from(self.n_blocks) + 1) * BLOCK as u64
    }

    pub(crate) fn write(self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let parts: [&[u8]; 4] = [MAGIC, &VERSION.to_le_bytes(), &self.n_blocks.to_le_bytes(), &self.id.to_le_bytes()];
        let said = parts.concat();
        block[..said.len()].copy_from_slice(&said);
        block[said.len()..][..4].copy_from_slice(&crc32fast::hash(&said).to_le_bytes());
        block
    }

    /// # Errors
    /// It is none, or of another version.
    pub(crate) fn read(block: &[u8]) -> Result<Self, Damage> {
        let no_header = || Damage::Log("it has no header".to_owned());
        let mut rest = Reader(block);
        if rest.take(MAGIC.len()).ok_or_else(no_header)? != MAGIC {
            return Err(no_header());
        }
        let version = rest.u32().ok_or_else(no_header)?;
        let (n_blocks, id) = rest.u32().zip(rest.u64()).ok_or_else(no_header)?;
        let checksum = rest.u32().ok_or_else(no_header)?;
        if crc32fast::hash(&block[..HEADER_SAYS]) != checksum {
            return Err(no_header());
        }
        if version != VERSION {
            return Err(Damage::Version(version.into()));
        }
        Ok(Self { id, n_blocks })
    }
}

/// How many octets a record takes in the log.
pub(crate) fn size_of(batches: &[Batch]) -> usize {
    let of = |write: &Write| match write {
        Write::Row { table, key, value, .. } => {
            1 + 4 + table.0.len() + 4 + key.len() + value.as_ref().map_or(0, |value| 4 + value.len())
        }
        Write::Clear(table) => 1 + 4 + table.0.len(),
    };
    (RECORD_HEADER + batches.iter().flat_map(|batch| &batch.0).map(of).sum::<usize>()).next_multiple_of(BLOCK)
}

/// Writes a record, padded, in the place of what `out` holds; it is shorter than a log can be.
pub(crate) fn write(out: &mut Vec<u8>, id: u64, number: u64, batches: &[Batch]) {
    out.clear();
    out.resize(RECORD_HEADER, 0);
    for write in batches.iter().flat_map(|batch| &batch.0) {
        match write {
            Write::Row { table, key, value: Some(value), .. } => {
                start(out, PUT, table);
                text(out, key);
                text(out, value);
            }
            Write::Row { table, key, value: None, .. } => {
                start(out, DELETE, table);
                text(out, key);
            }
            Write::Clear(table) => start(out, CLEAR, table),
        }
    }
    let length = length_of(out.len() - RECORD_HEADER);
    let checksum = checksum(id, number, length, &out[RECORD_HEADER..]);
    out[..4].copy_from_slice(&length.to_le_bytes());
    out[4..8].copy_from_slice(&checksum.to_le_bytes());
    out[8..RECORD_HEADER].copy_from_slice(&number.to_le_bytes());
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

/// What the records after a number say, in their order. `blocks` is what follows the header.
///
/// The last one may be torn, and is as if it had never been begun: it was not synced. A record that cannot be read and is followed by
/// one that can was synced, and lost.
///
/// # Errors
/// A record is lost.
pub(crate) fn read(blocks: &[u8], id: u64, after: u64) -> Result<Vec<(u64, Batch)>, Damage> {
    let mut whole = BTreeMap::new();
    let mut rest = blocks;
    while !rest.is_empty() {
        let mut n = BLOCK;
        if let Some((number, says)) = record(rest, id) {
            n = (RECORD_HEADER + says.len()).next_multiple_of(BLOCK);
            if number > after && whole.insert(number, says).is_some() {
                return Err(Damage::Log(format!("record {number} is there twice")));
            }
        }
        rest = rest.get(n..).unwrap_or_default();
    }
    let mut records = Vec::new();
    for (expected, (number, says)) in (after.saturating_add(1)..).zip(whole) {
        if number != expected {
            return Err(Damage::Log(format!("record {expected} cannot be read, and record {number} can")));
        }
        let batch = changes(says).ok_or_else(|| Damage::Log(format!("record {number} makes no sense")))?;
        records.push((number, batch));
    }
    Ok(records)
}

/// The record that begins here, if it is whole.
fn record(bytes: &[u8], id: u64) -> Option<(u64, &[u8])> {
    let mut rest = Reader(bytes);
    let (length, sum, number) = (rest.u32()?, rest.u32()?, rest.u64()?);
    let says = rest.take(usize::try_from(length).ok()?)?;
    (number > 0 && checksum(id, number, length, says) == sum).then_some((number, says))
}

/// The changes of a record; none if it makes no sense.
pub(crate) fn changes(says: &[u8]) -> Option<Batch> {
    let (mut rest, mut batch) = (Reader(says), Batch::new());
    // Few, and named by many changes.
    let mut tables = BTreeSet::new();
    while !rest.0.is_empty() {
        let kind = rest.take(1)?[0];
        let name = str::from_utf8(rest.text()?).ok()?;
        if !tables.contains(name) {
            tables.insert(Arc::<str>::from(name));
        }
        let table = Table(tables.get(name).map(Arc::clone)?);
        match kind {
            PUT => {
                let key = rest.text()?;
                batch.put(&table, key, rest.text()?);
            }
            DELETE => batch.delete(&table, rest.text()?),
            CLEAR => batch.clear(&table),
            _ => return None,
        }
    }
    Some(batch)
}

fn start(out: &mut Vec<u8>, kind: u8, table: &Table) {
    out.push(kind);
    text(out, table.0.as_bytes());
}

fn text(out: &mut Vec<u8>, text: &[u8]) {
    out.extend(length_of(text.len()).to_le_bytes());
    out.extend(text);
}

/// Of what is shorter than a log.
fn length_of(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

fn checksum(id: u64, number: u64, length: u32, says: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&id.to_le_bytes());
    hasher.update(&number.to_le_bytes());
    hasher.update(&length.to_le_bytes());
    hasher.update(says);
    hasher.finalize()
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let n = self.u32()?;
        self.take(usize::try_from(n).ok()?)
    }
}

/// What is written at once, and by nobody else.
pub(crate) const BLOCK: usize = 4096;
const MAGIC: &[u8] = b"oc2-log\0";
const VERSION: u32 = 1;
const HEADER_SAYS: usize = 8 + 4 + 4 + 8;
const RECORD_HEADER: usize = 4 + 4 + 8;
const PUT: u8 = 1;
const DELETE: u8 = 2;
const CLEAR: u8 = 3;

#[cfg(test)]
mod tests;
