//! `[audit]`: where records go.

use serde::Deserialize;

use crate::daemon::Failure;
use crate::daemon::config::Location;

/// `[audit]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditTable {
    pub(crate) file: Location,
    /// Whether Commands are refused while records cannot be written.
    #[serde(default)]
    required: bool,
    /// In bytes.
    max_size: Option<Size>,
}

/// A size that holds some records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
struct Size(u64);

impl TryFrom<u64> for Size {
    type Error = &'static str;

    fn try_from(bytes: u64) -> Result<Self, &'static str> {
        if bytes < 4096 {
            return Err("a file of less than 4096 bytes holds hardly a record");
        }
        Ok(Self(bytes))
    }
}

impl AuditTable {
    pub(crate) fn open(&self) -> Result<oc2_consumer::AuditFile, Failure> {
        let options = oc2_consumer::AuditFile::options(&self.file.0).required(self.required);
        Ok(match self.max_size {
            Some(Size(bytes)) => options.max_size(bytes),
            None => options,
        }
        .open()?)
    }

    pub(super) fn describe(&self) -> String {
        let file = self.file.0.display();
        match self.required {
            true => format!("keeps audit records in {file}; without them it performs nothing"),
            false => format!("keeps audit records in {file}, as far as the disk takes them"),
        }
    }
}
