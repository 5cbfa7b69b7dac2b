//! Which back end filters packets.

use oc2_consumer::Store;
use oc2_packet_filter::backend::{Backend, DryRun};
use oc2_packet_filter::{BackendKind, Config, PacketFilter};

use super::Failure;

/// Opens the actuator of a configuration with the back end that it names.
pub(crate) fn open(store: &Store, config: Config) -> Result<PacketFilter, Failure> {
    let backend: Box<dyn Backend> = match config.backend {
        BackendKind::DryRun => Box::new(DryRun::new()),
        BackendKind::Nftables => nftables(&config)?,
        BackendKind::Iptables => iptables(&config)?,
        BackendKind::Auto if has_nftables() => {
            tracing::info!("Packets are filtered with nftables.");
            nftables(&config)?
        }
        BackendKind::Auto => {
            tracing::info!("Packets are filtered with iptables: there is no nftables here that this process may use.");
            iptables(&config)?
        }
    };
    Ok(PacketFilter::open_in(store, config, backend)?)
}

#[cfg(feature = "nftables")]
fn has_nftables() -> bool {
    oc2_actuator_nftables::Nftables::is_available()
}

#[cfg(not(feature = "nftables"))]
fn has_nftables() -> bool {
    false
}

#[cfg(feature = "nftables")]
fn nftables(config: &Config) -> Result<Box<dyn Backend>, Failure> {
    Ok(oc2_actuator_nftables::backend(config)?)
}

#[cfg(not(feature = "nftables"))]
fn nftables(_: &Config) -> Result<Box<dyn Backend>, Failure> {
    Err(not_compiled_in("nftables"))
}

#[cfg(feature = "iptables")]
fn iptables(config: &Config) -> Result<Box<dyn Backend>, Failure> {
    Ok(oc2_actuator_iptables::backend(config)?)
}

#[cfg(not(feature = "iptables"))]
fn iptables(_: &Config) -> Result<Box<dyn Backend>, Failure> {
    Err(not_compiled_in("iptables"))
}

#[cfg(not(all(feature = "iptables", feature = "nftables")))]
fn not_compiled_in(backend: &str) -> Failure {
    format!("backend = {backend:?}: it is not compiled in (feature {backend:?})").into()
}
