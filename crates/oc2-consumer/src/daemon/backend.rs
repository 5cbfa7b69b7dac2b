//! Which back end filters packets.

use oc2_packet_filter::backend::{Backend, DryRun};
use oc2_packet_filter::{BackendKind, Config, PacketFilter};
use oc2_store::{Area, Batch, Store, Table};

use super::Failure;
use super::rules::{Filter, name_of};

/// Opens the actuator of a configuration with the back end that it names.
///
/// What another back end has left in the kernel goes once the rules are in force by this one.
pub(crate) fn open(store: &Store, config: Config) -> Result<Filter, Failure> {
    let kind = chosen(config.backend);
    let backend = of(kind, &config)?;
    let former = Former::note(store, &config, kind)?;
    let filter = PacketFilter::open_in(store, config.clone(), backend)?;
    former.remove(&config);
    Ok(Filter { backend: name_of(kind).to_owned(), chain_prefix: config.chain_prefix.to_string(), filter })
}

fn chosen(kind: BackendKind) -> BackendKind {
    match kind {
        BackendKind::Auto if has_nftables() => {
            tracing::info!("Packets are filtered with nftables.");
            BackendKind::Nftables
        }
        BackendKind::Auto => {
            tracing::info!("Packets are filtered with iptables: there is no nftables here that this process may use.");
            BackendKind::Iptables
        }
        kind => kind,
    }
}

fn of(kind: BackendKind, config: &Config) -> Result<Box<dyn Backend>, Failure> {
    match kind {
        BackendKind::DryRun => Ok(Box::new(DryRun::new())),
        BackendKind::Nftables => nftables(config),
        BackendKind::Auto | BackendKind::Iptables => iptables(config),
    }
}

/// The back ends that may have put rules into the kernel before, as the store knows them.
///
/// It is not the kernel that is asked: to ask it by way of a back end that nobody uses loads its modules.
struct Former {
    area: Area,
    kinds: Vec<BackendKind>,
}

impl Former {
    /// Notes that a back end is about to put rules into the kernel. One that changes nothing leaves all as it is.
    fn note(store: &Store, config: &Config, kind: BackendKind) -> Result<Self, Failure> {
        let area = store.area(&format!("backends-{}", config.chain_prefix))?;
        let mut kinds = Vec::new();
        store.read(&used(&area), |name, _| {
            kinds.extend(KINDS.into_iter().find(|kind| name_of(*kind).as_bytes() == name));
            Ok(())
        })?;
        if kind == BackendKind::DryRun {
            for kind in kinds.drain(..) {
                tracing::warn!(
                    backend = name_of(kind),
                    "The rules of this back end stay in the kernel: dry-run changes nothing."
                );
            }
        } else if !kinds.contains(&kind) {
            let mut batch = Batch::new();
            batch.put(&used(&area), name_of(kind).as_bytes(), []);
            store.commit(batch)?;
        }
        kinds.retain(|former| *former != kind);
        Ok(Self { area, kinds })
    }

    /// Takes their rules out of the kernel. One that cannot be removed is tried again at the next start.
    fn remove(self, config: &Config) {
        let Self { area, kinds } = self;
        for kind in kinds {
            let name = name_of(kind);
            let remove = || -> Result<(), Failure> {
                of(kind, config)?.remove()?;
                let mut batch = Batch::new();
                batch.delete(&used(&area), name.as_bytes());
                area.store().commit(batch)?;
                Ok(())
            };
            match remove() {
                Ok(()) => {
                    tracing::info!(backend = name, "The rules of the former back end were taken out of the kernel.")
                }
                Err(error) => {
                    tracing::error!(backend = name, %error, "The rules of the former back end are still in the kernel.");
                }
            }
        }
    }
}

fn used(area: &Area) -> Table {
    area.table("used")
}

/// Those that change the kernel.
const KINDS: [BackendKind; 2] = [BackendKind::Nftables, BackendKind::Iptables];

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
