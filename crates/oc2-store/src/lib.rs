//! What outlives the process: the rows that the parts of a Consumer keep, in one directory: in a database, and what it does not have
//! yet in a log beside it.
//!
//! Actuators and the memory of requests share a [`Store`], so that what belongs together is written together, and what waits at
//! the same time is written at once. To keep requests take `oc2-consumer`, to keep rules `oc2-packet-filter`; both open a store
//! by themselves where they are used alone.
//!
//! ```
//! use oc2_store::{Batch, Store, key};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let state_dir = dir.path();
//! let store = Store::open(state_dir)?;
//! let doors = store.area("doors")?;
//! let mut batch = Batch::new();
//! batch.put(&doors.table("shut"), key::of_u64(7), b"by the porter");
//! let taken_back = store.commit(batch)?;
//!
//! let mut shut = Vec::new();
//! store.read(&doors.table("shut"), |number, by| {
//!     shut.push((key::to_u64(number).ok_or("no number")?, by.to_vec()));
//!     Ok(())
//! })?;
//! assert_eq!(shut, [(7, b"by the porter".to_vec())]);
//! store.commit(taken_back)?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised
//!
//! - A [`Batch`] is written whole or not at all. Batches are written in the order in which they were handed over.
//! - What is said to be written is on the disk. What is said not to be is not there once anything else was written, or after
//!   [`Store::settle`]: after an error the file is opened anew, and what has landed all the same is taken out again first.
//! - What is [owed](Store::owe) is tried again, before whatever comes after it, until it succeeds.
//! - A file that is not ours, that is damaged or of a later version is refused and never written to. A panic of the database
//!   is an error. A log that is missing where it is needed, that belongs to another database, or of which something is lost, is too.
//! - Once a store is closed, the database is whole by itself; a log that is there then says nothing.
//! - A disk that is full takes what there is room for in the log; after that nothing, until there is room again.
//! - Of two processes with one directory one is told, and of two parts of one process with one area.

mod batch;
mod error;
mod file;
pub mod key;
mod lock;
mod log;
mod merged;
mod state;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod writer;

pub use batch::{Batch, Table};
pub use error::{NotWritten, StoreError};
pub use lock::Lock;
pub use store::{Area, Pending, Store, StoreId};
