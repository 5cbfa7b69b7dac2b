//! `[signatures]`, `[audit]` and `[metrics]`: who is believed, and who is told.

use std::collections::BTreeMap;
#[cfg(feature = "metrics")]
use std::net::SocketAddr;
#[cfg(any(feature = "audit", feature = "signature"))]
use std::path::PathBuf;
#[cfg(feature = "signature")]
use std::time::Duration;

use oc2_consumer::{Consumer, ConsumerBuilder, Settings, WantsActuators};
use oc2_transfer::TransferError;
use serde::Deserialize;
use tokio::task::JoinSet;

use super::Failure;
use super::config::Config;

/// `[signatures]` (DECISIONS M14)
#[cfg(feature = "signature")]
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignaturesTable {
    mode: SignatureMode,
    /// A JWK or JWKS with the public keys of Producers.
    keys: Option<PathBuf>,
    /// Seconds that a signature counts from `headers.created` on; 0 is for ever.
    max_age: Option<u32>,
    /// By key id, what `from` may be besides.
    #[serde(default)]
    from: BTreeMap<String, Vec<String>>,
}

#[cfg(feature = "signature")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SignatureMode {
    Ignore,
    Verify,
    Require,
}

#[cfg(feature = "signature")]
impl SignaturesTable {
    /// Reads the keys; none if signatures are ignored.
    fn load(&self) -> Result<Option<oc2_consumer::Signatures>, Failure> {
        use oc2_consumer::Signatures;

        let new = match self.mode {
            SignatureMode::Ignore => return Ok(None),
            SignatureMode::Verify => Signatures::verify,
            SignatureMode::Require => Signatures::require,
        };
        let path = self.keys.as_ref().ok_or("signatures.keys is missing: a file with the public keys of Producers")?;
        let unusable = |error: &dyn std::fmt::Display| format!("signatures.keys {}: {error}", path.display());
        let bytes = std::fs::read(path).map_err(|error| unusable(&error))?;
        let keys = oc2_encoding::VerifyingKeys::from_json(&bytes).map_err(|error| unusable(&error))?;
        for skipped in keys.skipped() {
            tracing::warn!(path = %path.display(), skipped, "A key was left out.");
        }
        if let Some(id) = self.from.keys().find(|id| !keys.ids().any(|known| known == id.as_str())) {
            return Err(unusable(&format!("signatures.from speaks of {id:?}, and there is no such key")).into());
        }
        let signatures = self.from.iter().fold(new(keys), |signatures, (id, names)| signatures.may_say(id, names));
        Ok(Some(match self.max_age {
            None => signatures,
            Some(0) => signatures.max_age(None),
            Some(seconds) => signatures.max_age(Some(Duration::from_secs(seconds.into()))),
        }))
    }

    fn describe(&self) -> Result<String, Failure> {
        Ok(match (self.mode, self.load()?) {
            (SignatureMode::Require, Some(signatures)) => {
                format!("takes messages signed by one of {:?}, and no others", signatures.key_ids().collect::<Vec<_>>())
            }
            (_, Some(signatures)) => {
                format!("verifies what is signed, by one of {:?}", signatures.key_ids().collect::<Vec<_>>())
            }
            (_, None) => "ignores signatures".to_owned(),
        })
    }
}

/// `[audit]`
#[cfg(feature = "audit")]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditTable {
    pub(crate) file: super::config::Folder,
    /// Whether Commands are refused while records cannot be written.
    #[serde(default)]
    required: bool,
    /// In bytes.
    max_size: Option<Size>,
}

/// A size that holds some records.
#[cfg(feature = "audit")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
struct Size(u64);

#[cfg(feature = "audit")]
impl TryFrom<u64> for Size {
    type Error = &'static str;

    fn try_from(bytes: u64) -> Result<Self, &'static str> {
        if bytes < 4096 {
            return Err("a file of less than 4096 bytes holds hardly a record");
        }
        Ok(Self(bytes))
    }
}

#[cfg(feature = "audit")]
impl AuditTable {
    pub(crate) fn open(&self) -> Result<oc2_consumer::AuditFile, Failure> {
        let options = oc2_consumer::AuditFile::options(&self.file.0).required(self.required);
        Ok(match self.max_size {
            Some(Size(bytes)) => options.max_size(bytes),
            None => options,
        }
        .open()?)
    }

    fn describe(&self) -> String {
        let file = self.file.0.display();
        match self.required {
            true => format!("keeps audit records in {file}; without them it performs nothing"),
            false => format!("keeps audit records in {file}, as far as the disk takes them"),
        }
    }
}

/// `[metrics]`
#[cfg(feature = "metrics")]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricsTable {
    #[serde(default = "port_9464_on_loopback")]
    pub(crate) listen: SocketAddr,
    /// Whether other hosts may read them.
    #[serde(default)]
    force: bool,
}

#[cfg(feature = "metrics")]
fn port_9464_on_loopback() -> SocketAddr {
    (std::net::Ipv4Addr::LOCALHOST, 9464).into()
}

#[cfg(feature = "metrics")]
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

/// The metrics, if anybody may read them.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    #[cfg(feature = "metrics")]
    metrics: Option<oc2_consumer::Metrics>,
}

#[cfg_attr(not(feature = "metrics"), expect(clippy::unused_self, clippy::unused_async, unused_variables))]
impl Watch {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            #[cfg(feature = "metrics")]
            metrics: config.metrics.as_ref().map(|_| oc2_consumer::Metrics::new()),
        }
    }

    /// Counts its rules. It closes when Consumer and metrics are gone.
    #[cfg(feature = "iptables")]
    pub(crate) fn actuator(&self, chain: String, actuator: &oc2_actuator_iptables::IptablesActuator) {
        #[cfg(feature = "metrics")]
        if let Some(metrics) = &self.metrics {
            let actuator = actuator.clone();
            metrics.gauge("rules", "Rules of packet filters there are", [("chain", chain)], move || {
                let actuator = actuator.clone();
                async move { i64::try_from(actuator.rules().await.ok()?.len()).ok() }
            });
        }
    }

    /// Has all observers told.
    #[cfg_attr(not(any(feature = "audit", feature = "metrics")), expect(unused_mut))]
    pub(crate) fn observe(
        &self,
        mut builder: ConsumerBuilder<WantsActuators>,
        config: &Config,
    ) -> Result<ConsumerBuilder<WantsActuators>, Failure> {
        #[cfg(feature = "audit")]
        if let Some(table) = &config.audit {
            let audit = table.open()?;
            #[cfg(feature = "metrics")]
            if let Some(metrics) = &self.metrics {
                let is_failing = audit.failing();
                metrics.gauge("audit_failing", "Whether audit records cannot be written", [], move || {
                    let is_failing = is_failing();
                    async move { Some(is_failing.into()) }
                });
                metrics.unhealthy_if("audit records cannot be written", audit.failing());
            }
            builder = builder.observer(audit);
        }
        #[cfg(feature = "metrics")]
        if let Some(metrics) = &self.metrics {
            builder = builder.observer(metrics.clone());
        }
        Ok(builder)
    }

    /// Shows what the Consumer does.
    pub(crate) fn consumer(&self, consumer: &Consumer) {
        #[cfg(feature = "metrics")]
        if let Some(metrics) = &self.metrics {
            metrics.watch(consumer);
        }
    }

    /// Shows metrics to whoever may read them, until told to stop.
    pub(crate) async fn listen(
        self,
        config: &Config,
        listening: &mut JoinSet<Result<(), TransferError>>,
        stopped: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Failure> {
        #[cfg(feature = "metrics")]
        if let (Some(table), Some(metrics)) = (&config.metrics, self.metrics) {
            let listener = table.bind(metrics).await?;
            listening.spawn(async {
                listener.serve(stopped).await;
                Ok(())
            });
        }
        Ok(())
    }
}

/// What can be changed while the Consumer runs, keys included.
pub(crate) fn settings(config: &Config) -> Result<Settings, Failure> {
    #[cfg_attr(not(feature = "signature"), expect(unused_mut))]
    let mut settings = config.settings();
    #[cfg(feature = "signature")]
    if let Some(table) = &config.signatures {
        settings.signatures = table.load()?.map(std::sync::Arc::new);
    }
    Ok(settings)
}

/// Says what these tables come to.
pub(crate) fn describe(config: &Config) -> Result<(), Failure> {
    #[cfg(feature = "signature")]
    if let Some(table) = &config.signatures {
        println!("  {}", table.describe()?);
    }
    #[cfg(feature = "audit")]
    if let Some(table) = &config.audit {
        println!("  {}", table.describe());
    }
    #[cfg(feature = "metrics")]
    if let Some(table) = &config.metrics {
        println!("  shows metrics on http://{}/metrics", table.listen);
    }
    Ok(())
}
