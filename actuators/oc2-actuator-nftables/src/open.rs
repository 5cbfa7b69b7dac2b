//! From the settings to an actuator.

use std::path::Path;

use oc2_packet_filter::backend::{Backend, BackendError, DryRun};
use oc2_packet_filter::{BackendKind, Config, OpenError, PacketFilter};

use crate::backend::Nftables;

/// Opens an actuator that filters with the nf_tables of this host, or with nothing if the configuration says `"dry-run"`.
///
/// Waits for the kernel and the disk: call it where waiting is allowed.
///
/// # Errors
/// Another process works with the store in `state_dir`, it cannot be read, or the kernel does not take the rules.
pub fn open(config: Config, state_dir: &Path) -> Result<PacketFilter, OpenError> {
    let backend = backend(&config)?;
    PacketFilter::open(config, state_dir, backend)
}

/// Takes everything that an actuator with this configuration ever put into the kernel out again. The store stays, and the
/// next [`open`] puts its rules back.
///
/// # Errors
/// An actuator works with this store, or the kernel does not play along.
pub fn uninstall(config: &Config, state_dir: &Path) -> Result<(), OpenError> {
    PacketFilter::uninstall(state_dir, &mut *backend(config)?)
}

/// The back end alone.
///
/// # Errors
/// This kernel has no nf_tables, or this process may not speak to it.
pub fn backend(config: &Config) -> Result<Box<dyn Backend>, BackendError> {
    Ok(match config.backend {
        BackendKind::DryRun => Box::new(DryRun::new()),
        BackendKind::Auto | BackendKind::Nftables | BackendKind::Iptables => Box::new(Nftables::open(config)?),
    })
}
