//! How a listener stands with its broker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::connection::Happening;

/// How a listener stands with its broker, for whoever watches it; see [`MqttListener::reports_to`]. Clones are the same standing,
/// which outlives the listener.
///
/// [`MqttListener::reports_to`]: crate::MqttListener::reports_to
#[derive(Clone, Debug, Default)]
pub struct Standing(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    is_connected: AtomicBool,
    n_connected: AtomicU64,
    n_requests: AtomicUsize,
}

impl Standing {
    /// Whether Commands can come: there is a connection, and the broker granted the subscriptions.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.is_connected.load(Ordering::Relaxed)
    }

    /// How many times that came about.
    #[must_use]
    pub fn n_connected(&self) -> u64 {
        self.0.n_connected.load(Ordering::Relaxed)
    }

    /// How many requests came and are not settled: they wait, or their Response is not there, or the broker does not have it yet.
    #[must_use]
    pub fn n_requests(&self) -> usize {
        self.0.n_requests.load(Ordering::Relaxed)
    }

    pub(super) fn follows(&self, happening: &Happening) {
        match happening {
            Happening::Ready { .. } => {
                self.0.n_connected.fetch_add(1, Ordering::Relaxed);
                self.0.is_connected.store(true, Ordering::Relaxed);
            }
            Happening::Cut { .. } => self.0.is_connected.store(false, Ordering::Relaxed),
            Happening::Delivery(..) | Happening::Published(..) => {}
        }
    }

    pub(super) fn has_requests(&self, n_requests: usize) {
        self.0.n_requests.store(n_requests, Ordering::Relaxed);
    }

    /// Nobody listens any more.
    pub(super) fn ends(&self) {
        self.0.is_connected.store(false, Ordering::Relaxed);
        self.has_requests(0);
    }
}
