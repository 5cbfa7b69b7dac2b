//! Certificates and lists that end: an operator is told in time.

use std::path::Path;
use std::time::{Duration, SystemTime};

#[cfg(feature = "http")]
use oc2_transfer_http::Validity;
#[cfg(not(feature = "http"))]
use oc2_transfer_mqtt::Validity;
use tracing::warn;

/// What was read, with the key and the file that it is from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Papers(Vec<(String, Validity)>);

impl Papers {
    /// What was found in the file that a key names.
    pub(crate) fn add(&mut self, key: &str, path: &Path, found: Vec<Validity>) {
        let place = format!("{key} {}", path.display());
        self.0.extend(found.into_iter().map(|validity| (place.clone(), validity)));
    }

    /// What is to be known of them now.
    pub(crate) fn remarks(&self) -> impl Iterator<Item = String> {
        let now = SystemTime::now();
        let remark =
            move |(place, validity): &(String, Validity)| Some(format!("{place}: {}", validity.remark(now, NOTICE)?));
        self.0.iter().filter_map(remark)
    }

    /// Tells the log.
    pub(crate) fn tell(&self) {
        for remark in self.remarks() {
            warn!("{remark}.");
        }
    }
}

/// So long before their end an operator is told.
const NOTICE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
