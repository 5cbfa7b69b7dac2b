//! `[metrics]`: who may watch.

use std::net::SocketAddr;

use serde::Deserialize;

use crate::daemon::Failure;

/// `[metrics]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricsTable {
    #[serde(default = "port_9464_on_loopback")]
    pub(crate) listen: SocketAddr,
    /// Whether other hosts may read them.
    #[serde(default)]
    force: bool,
}

fn port_9464_on_loopback() -> SocketAddr {
    (std::net::Ipv4Addr::LOCALHOST, 9464).into()
}

impl MetricsTable {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.listen.ip().is_loopback() || self.force {
            return Ok(());
        }
        Err(format!(
            "metrics.listen {} can be reached from other hosts, and whoever reaches it learns who commands what: take a \
             loopback address, or say force = true",
            self.listen
        ))
    }

    pub(crate) async fn bind(&self, metrics: oc2_consumer::Metrics) -> Result<oc2_consumer::MetricsListener, Failure> {
        let listener = oc2_consumer::MetricsListener::bind(self.listen, metrics).await?;
        let address = listener.local_addr();
        if !address.ip().is_loopback() {
            tracing::warn!(%address, "Metrics can be read from other hosts, by anybody.");
        }
        tracing::info!("Metrics are on http://{address}/metrics, health is on http://{address}/healthz.");
        Ok(listener)
    }
}
