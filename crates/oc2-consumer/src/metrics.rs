//! What an operator watches: how many Commands ended how, how long they took, and what is going on (ARCH B.3).
//!
//! *Invariants.* No peer makes more series than the tables of this file allow: a target that is not supported is `other`,
//! whatever it is called; who is not authenticated is `unauthenticated`, and of those who are the first 100 have series of
//! their own. Action and target on the one hand and peers on the other are counted apart, because their product has no bound
//! that anybody would want.

mod listener;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oc2_transfer::Peer;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::time::timeout;

use crate::consumer::Consumer;
use crate::observer::{End, Ended, Observer};

pub use self::listener::MetricsListener;

/// Counts and figures of a Consumer; see [`observer`](crate::ConsumerBuilder::observer). Clones are the same metrics.
///
/// ```
/// use oc2_consumer::{Consumer, Metrics};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let metrics = Metrics::new();
/// let consumer = Consumer::builder("fw1.example.net").dangerous().without_policy().observer(metrics.clone()).build();
/// metrics.watch(&consumer);
/// assert!(metrics.text().await.contains("oc2_commands_running 0"));
/// # }
/// ```
#[derive(Clone)]
pub struct Metrics(Arc<Shared>);

struct Shared {
    registry: Registry,
    commands: Family<Labels, Counter>,
    by_peer: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram>,
    peers: Mutex<HashSet<Box<str>>>,
    sources: Mutex<Vec<Arc<Source>>>,
    figures: Figures,
    checks: Mutex<Vec<Check>>,
}

type Labels = Vec<(&'static str, Cow<'static, str>)>;

/// Where a figure comes from.
struct Source {
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    labels: Vec<(&'static str, String)>,
    ask: Box<dyn Fn() -> Asked + Send + Sync>,
}

type Asked = Pin<Box<dyn Future<Output = Option<i64>> + Send>>;

/// What the sources said last.
#[derive(Clone, Default)]
struct Figures(Arc<Mutex<Vec<Figure>>>);

type Figure = (Arc<Source>, i64);

/// What must hold for the Consumer to be in good health.
struct Check {
    fault: &'static str,
    is_faulty: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Metrics {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        let (commands, by_peer) = (Family::default(), Family::default());
        let seconds = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let figures = Figures::default();
        let mut registry = Registry::with_prefix("oc2");
        registry.register(
            "commands",
            "Commands by action, target and status; the end where there is no status",
            commands.clone(),
        );
        registry.register("commands_by_peer", "Commands by peer and status", by_peer.clone());
        registry.register("command_seconds", "From the arrival of a Command to its end", seconds.clone());
        registry.register_collector(Box::new(figures.clone()));
        let (peers, sources, checks) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self(Arc::new(Shared { registry, commands, by_peer, seconds, peers, sources, figures, checks }))
    }

    /// Adds a figure, which is asked for whenever metrics are; none leaves it out. Labels are the caller's to bound, and of one
    /// name all have the same help.
    pub fn gauge<F>(
        &self,
        name: &'static str,
        help: &'static str,
        labels: impl IntoIterator<Item = (&'static str, String)>,
        source: impl Fn() -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Option<i64>> + Send + 'static,
    {
        let (kind, labels) = (MetricType::Gauge, labels.into_iter().collect());
        self.add(Source { name, help, kind, labels, ask: Box::new(move || Box::pin(source())) });
    }

    /// The same for a number that only grows; the text has `_total` behind its name.
    pub fn counter<F>(
        &self,
        name: &'static str,
        help: &'static str,
        labels: impl IntoIterator<Item = (&'static str, String)>,
        source: impl Fn() -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Option<u64>> + Send + 'static,
    {
        let (kind, labels) = (MetricType::Counter, labels.into_iter().collect());
        let ask = move || -> Asked {
            let asked = source();
            Box::pin(async { asked.await.and_then(|value| i64::try_from(value).ok()) })
        };
        self.add(Source { name, help, kind, labels, ask: Box::new(ask) });
    }

    fn add(&self, source: Source) {
        let mut sources = self.0.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.push(Arc::new(source));
        // A name stands once, with all its series below it.
        sources.sort_by_key(|source| source.name);
    }

    /// Adds a condition under which the Consumer is not in good health, told in a sentence for people.
    pub fn unhealthy_if(&self, fault: &'static str, is_faulty: impl Fn() -> bool + Send + Sync + 'static) {
        let check = Check { fault, is_faulty: Box::new(is_faulty) };
        self.0.checks.lock().unwrap_or_else(PoisonError::into_inner).push(check);
    }

    /// Adds the figures of a Consumer, which is not kept alive by that.
    pub fn watch(&self, consumer: &Consumer) {
        type Ask = fn(&crate::consumer::Figures) -> usize;
        let figures: [(&str, &str, Ask); 4] = [
            ("commands_running", "Commands that are being performed", |figures| figures.n_running),
            ("commands_scheduled", "Commands that wait for their time", |figures| figures.n_scheduled),
            ("requests_remembered", "Requests that are known again when they are repeated", |figures| {
                figures.n_remembered
            }),
            ("request_store_failing", "Whether requests cannot be remembered on disk", |figures| {
                usize::from(figures.is_store_failing)
            }),
        ];
        for (name, help, figure) in figures {
            let consumer = consumer.downgrade();
            self.gauge(name, help, [], move || {
                let figures = consumer.figures();
                async move { figures.and_then(|figures| i64::try_from(figure(&figures)).ok()) }
            });
        }
        let consumer = consumer.downgrade();
        self.unhealthy_if("requests cannot be remembered on disk", move || {
            consumer.figures().is_some_and(|figures| figures.is_store_failing)
        });
    }

    /// Everything, in the text format of OpenMetrics, which Prometheus reads.
    pub async fn text(&self) -> String {
        let sources = self.0.sources.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut figures = Vec::with_capacity(sources.len());
        for source in sources {
            // One that is stuck is missing, and the others are there.
            if let Ok(Some(value)) = timeout(SOURCE_WAIT, (source.ask)()).await {
                figures.push((source, value));
            }
        }
        *self.0.figures.0.lock().unwrap_or_else(PoisonError::into_inner) = figures;
        let mut out = String::new();
        if let Err(error) = text::encode(&mut out, &self.0.registry) {
            tracing::error!(%error, "Metrics could not be written.");
        }
        out
    }

    /// What is not as it should be.
    pub fn faults(&self) -> Vec<&'static str> {
        let checks = self.0.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.iter().filter(|check| (check.is_faulty)()).map(|check| check.fault).collect()
    }

    fn peer(&self, peer: &Peer, key_id: Option<&str>) -> Cow<'static, str> {
        let name = match (peer, key_id) {
            (Peer::Authenticated(name), _) => name,
            (_, Some(key_id)) => key_id,
            _ => return "unauthenticated".into(),
        };
        let mut peers = self.0.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if !peers.contains(name) && (peers.len() >= MAX_PEERS || name.len() > MAX_NAME) {
            return OTHER.into();
        }
        peers.insert(name.into());
        name.to_owned().into()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for Metrics {
    fn ended(&self, ended: &Ended<'_>) {
        let action: Cow<'_, str> = ended.pair.map_or("none".into(), |pair| pair.action.name().into());
        let target = match ended.pair {
            Some(pair) if ended.is_supported => pair.target.to_string().into(),
            Some(_) => OTHER.into(),
            None => "none".into(),
        };
        let status: Cow<'_, str> = match ended.response {
            Some(response) => response.status.as_u16().to_string().into(),
            None => ended.end.name().into(),
        };
        let peer = self.peer(ended.peer, ended.key_id);
        let labels = vec![("action", action.clone()), ("target", target), ("status", status.clone())];
        self.0.commands.get_or_create(&labels).inc();
        self.0.by_peer.get_or_create(&vec![("peer", peer), ("status", status)]).inc();
        if ended.end != End::Repeated {
            self.0.seconds.get_or_create(&vec![("action", action)]).observe(ended.elapsed.as_secs_f64());
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures")
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for same in figures.chunk_by(|(one, _), (other, _)| one.name == other.name) {
            let Some((first, _)) = same.first() else { continue };
            let mut metric = encoder.encode_descriptor(first.name, first.help, None, first.kind)?;
            match same {
                [(source, value)] if source.labels.is_empty() => encode(source.kind, *value, metric)?,
                _ => {
                    for (source, value) in same {
                        encode(source.kind, *value, metric.encode_family(&source.labels)?)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn encode(kind: MetricType, value: i64, encoder: MetricEncoder<'_>) -> fmt::Result {
    match kind {
        MetricType::Counter => ConstCounter::new(u64::try_from(value).unwrap_or_default()).encode(encoder),
        _ => ConstGauge::new(value).encode(encoder),
    }
}

/// Peers that have series of their own.
const MAX_PEERS: usize = 100;
/// As `from` (DECISIONS M16).
const MAX_NAME: usize = 256;
const OTHER: &str = "other";
/// Seconds: from a query to a Command that waits for the kernel and the disk under load.
const BUCKETS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0];
const SOURCE_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
