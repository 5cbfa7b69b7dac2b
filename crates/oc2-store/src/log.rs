//! The log: `state.log` beside `state.redb`, for its owner only.
//!
//! What is committed is appended here as one record, with one write and one sync, and comes into the database later, many commits
//! at once. The file never changes its length: it was written with zeros, so that a sync is about what was written and nothing
//! else. Once the database has it all, records begin again where the first one was; their numbers go on, and the database knows
//! up to which it has them, so that an old one is not taken for a new one.

pub(crate) mod format;

use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use self::format::{BLOCK, Header};
use crate::batch::Batch;
use crate::error::{Cause, Damage};
use crate::lock::OWNER_ONLY;

/// The log, open to be written.
pub(crate) struct Log {
    medium: Box<dyn Medium>,
    header: Header,
    /// Where the next record goes.
    at: usize,
    /// The record that is made.
    record: Vec<u8>,
}

/// How bytes come to the disk; tests put a failing one in between.
pub(crate) trait Medium: Send {
    fn write(&self, bytes: &[u8], at: u64) -> io::Result<()>;
    fn sync(&self) -> io::Result<()>;
}

impl Medium for fs::File {
    fn write(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// How a log is made and opened.
pub(crate) struct Logs {
    pub(crate) medium: Box<dyn Fn(fs::File) -> Box<dyn Medium> + Send>,
    /// How long a new one is.
    pub(crate) n_blocks: u32,
}

impl Default for Logs {
    fn default() -> Self {
        Self { medium: Box::new(|file| Box::new(file)), n_blocks: N_BLOCKS }
    }
}

impl Logs {
    /// The log of a directory with this id, if there is one, with what it holds left aside.
    pub(crate) fn find(&self, path: &Path, id: u64) -> io::Result<Option<Log>> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Ok(header) = header_of(&file)? else { return Ok(None) };
        let is_whole = file.metadata()?.len() >= header.len();
        Ok((header.id == id && is_whole).then(|| Log::new((self.medium)(file), header)))
    }

    /// Makes a new one in the place of what is there: under another name first, so that it is there whole or not at all.
    pub(crate) fn create(&self, dir: &Path, path: &Path) -> io::Result<Log> {
        let unfinished = path.with_extension("log.new");
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).read(true).write(true).mode(OWNER_ONLY);
        let medium = (self.medium)(options.open(&unfinished)?);
        // What nobody foresees, so that nobody writes for it.
        let header = Header { id: RandomState::new().hash_one(path), n_blocks: self.n_blocks };
        medium.write(&header.write(), 0)?;
        let log = Log::new(medium, header);
        let zeros = vec![0; AT_ONCE * BLOCK];
        for at in (0..log.capacity()).step_by(zeros.len()) {
            let n = zeros.len().min(log.capacity() - at);
            log.medium.write(&zeros[..n], offset(at))?;
        }
        log.medium.sync()?;
        fs::rename(&unfinished, path)?;
        fs::File::open(dir)?.sync_all()?;
        Ok(log)
    }
}

impl Log {
    fn new(medium: Box<dyn Medium>, header: Header) -> Self {
        Self { medium, header, at: 0, record: Vec::new() }
    }

    pub(crate) fn id(&self) -> u64 {
        self.header.id
    }

    /// How many octets of records it can hold.
    pub(crate) fn capacity(&self) -> usize {
        BLOCK * self.header.n_blocks as usize
    }

    /// How many more.
    pub(crate) fn room(&self) -> usize {
        self.capacity() - self.at
    }

    /// Makes the next record; there is room for it.
    pub(crate) fn prepare(&mut self, number: u64, batches: &[Batch]) {
        format::write(&mut self.record, self.header.id, number, batches);
    }

    /// Writes it; it is on the disk when this returns.
    ///
    /// # Errors
    /// Whether it is on the disk is open.
    pub(crate) fn append(&mut self) -> io::Result<()> {
        self.medium.write(&self.record, offset(self.at))?;
        self.medium.sync()?;
        self.at += self.record.len();
        Ok(())
    }

    /// The next record is the first: what is there is in the database.
    pub(crate) fn begin_again(&mut self) {
        self.at = 0;
    }
}

/// What the log of a directory holds after a record with this number, and how long it is; it is looked at and not changed.
///
/// # Errors
/// There is none, it is not the one with this id, it is damaged, or the file system fails.
pub(crate) fn read(path: &Path, id: u64, after: u64) -> Result<Vec<(u64, Batch)>, Cause> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Damage::Log("it is not there".to_owned()).into());
        }
        file => file?,
    };
    let header = header_of(&file)??;
    if header.id != id {
        return Err(Damage::Log("it belongs to another database".to_owned()).into());
    }
    if file.metadata()?.len() < header.len() {
        return Err(Damage::Log("it is shorter than it was".to_owned()).into());
    }
    let mut blocks = Vec::new();
    (&file).take(header.len() - BLOCK as u64).read_to_end(&mut blocks)?;
    Ok(format::read(&blocks, id, after)?)
}

/// The first block, which leaves the file at the second.
fn header_of(file: &fs::File) -> io::Result<Result<Header, Damage>> {
    let mut block = Vec::new();
    file.take(BLOCK as u64).read_to_end(&mut block)?;
    Ok(Header::read(&block))
}

fn offset(at: usize) -> u64 {
    (BLOCK + at) as u64
}

/// 2 MiB: five hundred commits of one Command, and as much memory for what is not in the database yet.
const N_BLOCKS: u32 = 512;
/// Blocks of zeros.
const AT_ONCE: usize = 64;
