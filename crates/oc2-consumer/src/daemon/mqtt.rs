//! Commands through a broker.

use std::fs::DirBuilder;
use std::future::Future;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use oc2_consumer::Consumer;
use oc2_transfer::Listener;
use oc2_transfer_mqtt::{MqttListener, Renewal, Session, Settings, Standing};
use tokio::time::sleep;
use tracing::{error, info};

use super::Failure;
use super::config::{Config, MqttTable};
use super::observe::Watch;

/// A listener that outlives the refusals of its broker.
pub(crate) struct MqttServer {
    table: MqttTable,
    session: Session,
    settings: Settings,
    listener: MqttListener,
    standing: Standing,
}

impl MqttServer {
    /// What the configuration asks for, ready to connect: its files are read, and the ClientID exists.
    pub(crate) fn prepare(
        table: &MqttTable,
        config: &Config,
        consumer: &Consumer,
        watch: &Watch,
    ) -> Result<Self, Failure> {
        let session = open_session(&config.consumer.state_dir.0)?;
        let device = table.device(&config.consumer.id)?;
        let settings = table.settings(device, config.consumer.mode(), consumer.profiles());
        let listener = listener(table, &session, &settings)?;
        let standing = Standing::default();
        watch.broker(&table.broker.to_string(), &standing);
        Ok(Self { table: table.clone(), session, settings, listener, standing })
    }

    /// Serves until it is told to stop. Nothing that a broker does ends it (DECISIONS Q15).
    pub(crate) async fn serve<S: Future<Output = ()> + Send + 'static>(
        self,
        consumer: Consumer,
        stopped: impl Fn() -> S,
    ) {
        let Self { table, session, settings, mut listener, standing } = self;
        let (broker, device_id) = (&table.broker, settings.device_id.as_str());
        info!(%broker, device_id, client_id = session.client_id().as_str(), "Taking commands through a broker.");
        let consumer = consumer.reading(table.encodings());
        loop {
            // Why is in the log already.
            let Err(_) = listener.reports_to(&standing).serve(consumer.clone(), stopped()).await else { return };
            error!(%broker, pause = ?REFUSED_PAUSE, "Nothing is commanded through the broker; trying again.");
            listener = loop {
                tokio::select! {
                    () = sleep(REFUSED_PAUSE) => {}
                    () = stopped() => return,
                }
                match self::listener(&table, &session, &settings) {
                    Ok(listener) => break listener,
                    Err(error) => {
                        error!(%broker, %error, "What it takes to connect to the broker is not there any more.")
                    }
                }
            };
            info!(%broker, "Trying the broker again, with password and certificates as they are now.");
        }
    }
}

/// Checks everything that `[mqtt]` asks for and a broker is not needed for.
pub(crate) fn check(table: &MqttTable, config: &Config) -> Result<(), Failure> {
    let settings = table.settings(table.device(&config.consumer.id)?, config.consumer.mode(), Vec::new());
    listener(table, &Session::ephemeral(), &settings).map(drop)
}

fn listener(table: &MqttTable, session: &Session, settings: &Settings) -> Result<MqttListener, Failure> {
    let mut options = table.options(session.clone())?;
    options.renewal = Some(renewal(table.clone(), session.clone()));
    MqttListener::new(options, settings.clone()).map_err(|error| format!("mqtt: {error}").into())
}

/// Passwords and certificates change while the daemon runs.
fn renewal(table: MqttTable, session: Session) -> Renewal {
    Renewal::new(move || match table.options(session.clone()) {
        Ok(options) => {
            info!(broker = %table.broker, "Trying the broker again, with password and certificates as they are now.");
            Some(options)
        }
        Err(error) => {
            error!(broker = %table.broker, %error, "What it takes to connect to the broker is not there any more.");
            None
        }
    })
}

/// The ClientID is kept where the rules are: whoever has it can take our messages from the broker.
fn open_session(state_dir: &Path) -> Result<Session, Failure> {
    let path = state_dir.join("mqtt");
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
    made.map_err(|error| format!("consumer.state_dir {}: {error}", path.display()))?;
    Ok(Session::open(path)?)
}

/// How long a broker that refused us is left alone.
const REFUSED_PAUSE: Duration = Duration::from_secs(10);
