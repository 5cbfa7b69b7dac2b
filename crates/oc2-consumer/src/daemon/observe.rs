//! `[signatures]`, `[audit]` and `[metrics]`: who is believed, and who is told.

#[cfg(feature = "audit")]
mod audit;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "signature")]
mod signatures;

use oc2_consumer::{Consumer, ConsumerBuilder, Settings, WantsActuators};
use oc2_transfer::TransferError;
use tokio::task::JoinSet;

use super::Failure;
use super::config::Config;

#[cfg(feature = "audit")]
pub(crate) use self::audit::AuditTable;
#[cfg(feature = "metrics")]
pub(crate) use self::metrics::MetricsTable;
#[cfg(feature = "signature")]
pub(crate) use self::signatures::SignaturesTable;

/// The metrics, if anybody may read them.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    #[cfg(feature = "metrics")]
    metrics: Option<oc2_consumer::Metrics>,
}

#[cfg_attr(not(feature = "metrics"), allow(unused_variables, reason = "nobody watches"))]
impl Watch {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            #[cfg(feature = "metrics")]
            metrics: config.metrics.as_ref().map(|_| oc2_consumer::Metrics::new()),
        }
    }

    /// Counts its rules. It closes when Consumer and metrics are gone.
    #[cfg(feature = "packet-filter")]
    pub(crate) fn actuator(&self, chain: String, actuator: &oc2_packet_filter::PacketFilter) {
        #[cfg(feature = "metrics")]
        if let Some(metrics) = &self.metrics {
            let actuator = actuator.clone();
            let watched = actuator.clone();
            let name = "rules_changed_by_others";
            metrics.gauge(
                name,
                "How often others had changed our rules in the kernel",
                [("chain", chain.clone())],
                move || {
                    let n_drifts = i64::try_from(watched.n_drifts()).ok();
                    async move { n_drifts }
                },
            );
            let watched = actuator.clone();
            let help = "Whether disk or kernel may not hold the rules that they should";
            metrics.gauge("rules_in_doubt", help, [("chain", chain.clone())], move || {
                std::future::ready(Some(watched.is_in_doubt().into()))
            });
            let watched = actuator.clone();
            metrics
                .unhealthy_if("disk or kernel may not hold the rules that they should", move || watched.is_in_doubt());
            metrics.gauge("rules", "Rules of packet filters there are", [("chain", chain)], move || {
                let actuator = actuator.clone();
                async move { i64::try_from(actuator.rules().await.ok()?.len()).ok() }
            });
        }
    }

    /// Shows how it stands with a broker.
    #[cfg(feature = "mqtt")]
    pub(crate) fn broker(&self, broker: &str, standing: &oc2_transfer_mqtt::Standing) {
        #[cfg(feature = "metrics")]
        if let Some(metrics) = &self.metrics {
            let labels = || [("broker", broker.to_owned())];
            let of = standing.clone();
            metrics.gauge("broker_connected", "Whether Commands can come through a broker", labels(), move || {
                std::future::ready(Some(of.is_connected().into()))
            });
            let of = standing.clone();
            metrics.counter("broker_connections", "Times a broker was connected to", labels(), move || {
                std::future::ready(Some(of.n_connected()))
            });
            let of = standing.clone();
            let help = "Requests from a broker that it does not have a Response to yet";
            metrics.gauge("broker_requests", help, labels(), move || {
                std::future::ready(i64::try_from(of.n_requests()).ok())
            });
            let of = standing.clone();
            metrics.unhealthy_if("no connection to the broker", move || !of.is_connected());
        }
    }

    /// Has all observers told.
    #[cfg_attr(not(any(feature = "audit", feature = "metrics")), expect(unused_mut))]
    pub(crate) fn observe(
        &self,
        mut builder: ConsumerBuilder<WantsActuators>,
        #[cfg_attr(not(feature = "audit"), allow(unused_variables))] config: &Config,
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
#[cfg_attr(not(any(feature = "audit", feature = "metrics", feature = "signature")), expect(unused_variables))]
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
