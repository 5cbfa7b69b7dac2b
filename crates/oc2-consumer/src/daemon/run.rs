//! `oc2-consumer run`

use std::path::Path;
use std::time::Duration;

#[cfg(feature = "packet-filter")]
use oc2_consumer::ConsumerBuilder;
use oc2_consumer::{Consumer, RequestStore, Store};
#[cfg(feature = "http")]
use oc2_transfer::Listener;
use oc2_transfer::TransferError;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};
use tracing::{error, info, warn};

use super::Failure;
use super::cli::Logging;
use super::config::Config;
#[cfg(feature = "mqtt")]
use super::config::MqttTable;
#[cfg(feature = "http")]
use super::http::{self, HttpServer};
#[cfg(feature = "mqtt")]
use super::mqtt::MqttServer;
use super::observe::{self, Watch};
#[cfg(feature = "mqtt")]
use super::papers::Papers;
#[cfg(feature = "packet-filter")]
use super::rules::{Filter, Socket};
use super::{logging, notify, policy, state_dir};

/// Takes commands until told to stop.
pub(crate) fn run(path: &Path, logging: &Logging) -> Result<(), Failure> {
    let config = Config::load(path)?;
    // The last to go: what is left of the log is written after everything else.
    let _writing = logging::start(logging)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let res = runtime.block_on(serve(path, config));
    // What is cut off leaves its audit event now; a thread that is stuck in the kernel does not keep us.
    runtime.shutdown_timeout(PARTING);
    res
}

/// Rules first, listeners second: whoever can reach us finds the rules of before in force.
async fn serve(path: &Path, config: Config) -> Result<(), Failure> {
    let (mut stop, mut reload) = (Stop::listen()?, signal(SignalKind::hangup())?);
    state_dir::prepare(&config.consumer.state_dir.0)?;
    let watch = Watch::new(&config);
    let assembling = tokio::task::spawn_blocking({
        let config = config.clone();
        let watch = watch.clone();
        move || assemble(&config, &watch)
    });
    let Assembled {
        consumer,
        #[cfg(feature = "packet-filter")]
        filters,
    } = tokio::select! {
        name = stop.asked() => {
            info!(signal = name, "Stopped before the actuators were ready.");
            return Ok(());
        }
        assembled = assembling => assembled??,
    };
    // What is late begins before anybody can command anything else.
    consumer.take_up();
    // Now, and not when listeners are open: they may need a network that waits for the rules.
    notify::tell(notify::READY);
    let (stopping, stopped) = watch::channel(());
    let mut listening: JoinSet<Result<(), TransferError>> = JoinSet::new();
    let mut reloadable = Reloadable::of(config.clone(), consumer.clone())?;
    // What is wrong here is found before anybody can reach us.
    #[cfg(feature = "mqtt")]
    let prepare = |mqtt| MqttServer::prepare(mqtt, &config, &consumer, &watch);
    #[cfg(feature = "mqtt")]
    let server = config.mqtt.as_ref().map(prepare).transpose()?;
    #[cfg(feature = "http")]
    if let Some(http) = &config.http {
        let HttpServer { listener, tls } = HttpServer::bind(http).await?;
        reloadable.tls = tls;
        listening.spawn(listener.serve(consumer.reading(http.encodings()), until_stopped(stopped.clone())));
    }
    #[cfg(feature = "mqtt")]
    if let Some(server) = server {
        let (consumer, stopped) = (consumer.clone(), stopped.clone());
        listening.spawn(async move {
            server.serve(consumer, || until_stopped(stopped.clone())).await;
            Ok(())
        });
    }
    #[cfg(feature = "packet-filter")]
    match Socket::open(&config.consumer.state_dir.0, &config.consumer.id.0, filters) {
        Ok(socket) => {
            let stopped = until_stopped(stopped.clone());
            listening.spawn(async {
                socket.serve(stopped).await;
                Ok(())
            });
        }
        Err(error) => warn!(%error, "`oc2-consumer rules` cannot ask this process."),
    }
    watch.listen(&config, &mut listening, until_stopped(stopped.clone())).await?;
    drop(stopped);
    // The first time is now.
    let mut daily = interval(DAY);
    let res = loop {
        tokio::select! {
            name = stop.asked() => {
                notify::tell(notify::STOPPING);
                info!(signal = name, "Stopping: commands under way are finished; another signal cuts them off.");
                break Ok(());
            }
            _ = reload.recv() => reloadable.reload(path),
            _ = daily.tick() => reloadable.tell_of_papers(),
            Some(ended) = listening.join_next() => break ended.map_err(Into::into).and_then(|res| res.map_err(Into::into)),
        }
    };
    drop(stopping);
    drop(reloadable);
    tokio::select! {
        () = finish(listening, consumer) => info!("Stopped; rules stay in force."),
        () = sleep(STOP_WAIT) => return Err(format!("after {} s commands under way were cut off", STOP_WAIT.as_secs()).into()),
        name = stop.asked() => return Err(format!("{name} came again: what was under way was cut off").into()),
    }
    res
}

/// Waits for the listeners, which tell what becomes of the commands they took, then for the commands, then for the actuators to
/// close.
async fn finish(mut listening: JoinSet<Result<(), TransferError>>, consumer: Consumer) {
    consumer.give_up_scheduled();
    while listening.join_next().await.is_some() {}
    consumer.stop().await;
    // Closing an actuator may wait for the kernel and the disk.
    if let Err(error) = tokio::task::spawn_blocking(move || drop(consumer)).await {
        error!(%error, "The actuators were not closed in order.");
    }
}

/// What performs commands.
struct Assembled {
    consumer: Consumer,
    #[cfg(feature = "packet-filter")]
    filters: Vec<Filter>,
}

fn assemble(config: &Config, watch: &Watch) -> Result<Assembled, Failure> {
    if config.actuators.is_empty() {
        warn!("There is no actuator: only `query features` is answered (ARCH 3.3.5 wants a profile).");
    }
    let store = Store::open(&config.consumer.state_dir.0)?;
    #[cfg(feature = "packet-filter")]
    let filters = open_filters(&store, config, watch)?;
    // After the actuators, as what follows: with a policy or requests that cannot be read nothing is commanded, but the rules
    // are in force.
    let builder = policy::Loaded::of(config)?.build(Consumer::builder(config.consumer.id.0.clone()));
    let builder = builder.settings(observe::settings(config)?);
    #[cfg(feature = "mqtt")]
    let builder = match config.mqtt.as_ref().map(|mqtt| mqtt.device(&config.consumer.id)) {
        Some(device) => builder.also_known_as(device?.as_str()),
        None => builder,
    };
    #[cfg(feature = "packet-filter")]
    let builder = filters.iter().map(|filter| filter.filter.clone()).fold(builder, ConsumerBuilder::actuator);
    let builder = watch.observe(builder, config)?;
    let requests = RequestStore::open_in(&store, config.comes_again_for())?;
    let consumer = builder.remember_in(requests).build();
    watch.consumer(&consumer);
    Ok(Assembled {
        consumer,
        #[cfg(feature = "packet-filter")]
        filters,
    })
}

#[cfg(feature = "packet-filter")]
fn open_filters(store: &Store, config: &Config, watch: &Watch) -> Result<Vec<Filter>, Failure> {
    let open = |table: &toml::Spanned<super::config::ActuatorTable>| {
        let filter = super::backend::open(store, table.get_ref().clone())?;
        watch.actuator(filter.chain_prefix.clone(), &filter.filter);
        Ok(filter)
    };
    config.actuators.iter().map(open).collect()
}

async fn until_stopped(mut stopped: watch::Receiver<()>) {
    // Nothing is ever sent: the end of the sender is the signal.
    let _ = stopped.changed().await;
}

/// What a signal may replace.
struct Reloadable {
    running: Config,
    consumer: Consumer,
    #[cfg(feature = "http")]
    tls: Option<http::Secured>,
    /// Certificates that a restart replaces.
    #[cfg(feature = "mqtt")]
    papers: Papers,
}

impl Reloadable {
    fn of(running: Config, consumer: Consumer) -> Result<Self, Failure> {
        Ok(Self {
            #[cfg(feature = "mqtt")]
            papers: running.mqtt.as_ref().map(MqttTable::papers).transpose()?.unwrap_or_default(),
            running,
            consumer,
            #[cfg(feature = "http")]
            tls: None,
        })
    }

    /// Says what is to be known of certificates.
    fn tell_of_papers(&self) {
        #[cfg(feature = "http")]
        if let Some(tls) = &self.tls {
            tls.papers.tell();
        }
        #[cfg(feature = "mqtt")]
        self.papers.tell();
    }

    /// Replaces all of it, or nothing.
    fn reload(&mut self, path: &Path) {
        let read = || {
            let new = Config::load(path)?;
            let policy = policy::Loaded::of(&new)?;
            let settings = observe::settings(&new)?;
            #[cfg(feature = "http")]
            let tls = http::load(&new)?;
            #[cfg(not(feature = "http"))]
            let tls = ();
            Ok::<_, Failure>((new, policy, settings, tls))
        };
        match read() {
            Err(error) => {
                error!(%error, "The configuration was not reloaded: it, policy and certificates stay as they were.")
            }
            Ok((new, policy, settings, tls)) => {
                self.consumer.reload(settings);
                policy.replace(&self.consumer);
                #[cfg(feature = "http")]
                http::replace(self.tls.as_mut(), tls);
                #[cfg(not(feature = "http"))]
                let () = tls;
                for key in self.running.fixed_keys_changed(&new) {
                    warn!(key, "This change needs a restart to take effect.");
                }
                info!("The configuration was reloaded.");
            }
        }
    }
}

/// The signals that end the daemon.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn asked(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// How often an operator is told of certificates that end.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long commands under way may take to end; less than the 90 s after which systemd kills.
const STOP_WAIT: Duration = Duration::from_secs(60);

/// How long what was cut off may take to notice.
const PARTING: Duration = Duration::from_secs(1);
