//! A socket in the directory of the state, over which the daemon says what is in force to whoever may enter there.
//!
//! One line of a request, one JSON object as the answer, and the end. *Invariants.* Nothing can be changed over it. What is read
//! of a peer is bounded in length and time, and so is how many are answered at once.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::report::{Filter, Report};

/// Where it is.
pub(super) fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("rules.sock")
}

/// What is asked.
pub(super) const REQUEST: &str = "rules\n";

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Answer {
    Report(Report),
    Error(String),
}

/// The daemon's end.
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
    what: Arc<What>,
}

struct What {
    consumer: String,
    filters: Vec<Filter>,
}

impl Socket {
    /// Opens it. Whoever holds the store of a directory is the only one who does that there.
    ///
    /// # Errors
    /// The file system fails, or the path is longer than a socket's may be.
    pub(crate) fn open(state_dir: &Path, consumer: &str, filters: Vec<Filter>) -> io::Result<Self> {
        let path = path(state_dir);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(OWNER_ONLY))?;
        Ok(Self { listener, path, what: Arc::new(What { consumer: consumer.to_owned(), filters }) })
    }

    /// Answers until told to stop.
    pub(crate) async fn serve(self, stopped: impl Future<Output = ()>) {
        tokio::select! {
            () = stopped => {}
            () = self.accept() => {}
        }
        // What is left is taken for what it is: nobody listens.
        let _ = fs::remove_file(&self.path);
    }

    async fn accept(&self) {
        let room = Arc::new(Semaphore::new(MAX_AT_ONCE));
        // Aborted when we are.
        let mut answering = JoinSet::new();
        loop {
            while answering.try_join_next().is_some() {}
            let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let what = Arc::clone(&self.what);
                    answering.spawn(async move {
                        let _place = place;
                        if let Err(error) = answer(stream, &what).await {
                            debug!(%error, "Somebody who asked for the rules did not get them.");
                        }
                    });
                }
                Err(error) => {
                    warn!(%error, "Nobody can ask for the rules.");
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn answer(mut stream: UnixStream, what: &What) -> io::Result<()> {
    let mut request = [0; REQUEST.len()];
    timeout(PATIENCE, stream.read_exact(&mut request)).await??;
    let answer = match request == *REQUEST.as_bytes() {
        false => Answer::Error("unknown request".to_owned()),
        true => match Report::of(&what.consumer, &what.filters).await {
            Ok(report) => Answer::Report(report),
            Err(error) => Answer::Error(error.to_string()),
        },
    };
    let answer = serde_json::to_vec(&answer)?;
    timeout(PATIENCE, stream.write_all(&answer)).await??;
    stream.shutdown().await
}

const OWNER_ONLY: u32 = 0o600;
const MAX_AT_ONCE: usize = 4;
/// With a peer that says or takes nothing.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(1);
