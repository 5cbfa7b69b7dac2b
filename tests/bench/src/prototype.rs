//! The least that a server can do for a change: HTTP, a look at the syntax, one sync and one commit of the kernel for all that
//! wait. What OpenC2 costs is what it does not do.

use std::convert::Infallible;
use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::IgnoredAny;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::daemon::wait_until_it_listens;
use crate::kernel::Kernel;
use crate::{Kind, Load, Namespace};

/// A running one, in a process of its own as the daemon is.
#[derive(Debug)]
pub struct Prototype {
    child: Child,
    address: SocketAddr,
}

impl Prototype {
    /// Starts this program again, which has to call [`serve_prototype`] first of all. It takes every request for a new rule of
    /// this kind, and begins with `n_before` of them.
    ///
    /// # Errors
    /// It does not start, or does not listen.
    pub fn start(namespace: &Namespace, journal: &Path, kind: Kind, n_before: u32) -> io::Result<Self> {
        let address: SocketAddr = ([127, 0, 0, 1], 8080).into();
        let mut command = Command::new(env::current_exe()?);
        command.env(ADDRESS, address.to_string()).env(JOURNAL, journal).env(N_BEFORE, n_before.to_string());
        command.env(CONNECTIONS, (kind == Kind::Connection).to_string()).stdin(Stdio::null());
        let mut child = namespace.run(move || command.spawn())?;
        wait_until_it_listens(namespace, address, &mut child)?;
        Ok(Self { child, address })
    }

    /// Connections to it.
    ///
    /// # Errors
    /// It does not take them.
    pub fn connect(&self, namespace: &Namespace, n: usize) -> io::Result<Load> {
        Load::connect(namespace, self.address, n)
    }
}

impl Drop for Prototype {
    fn drop(&mut self) {
        // It is gone already, or it goes now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves, if that is what this process was started for; else returns at once.
///
/// # Errors
/// It cannot listen, or has neither disk nor kernel.
pub fn serve_prototype() -> io::Result<()> {
    let (Ok(address), Ok(journal), Ok(n_before)) = (env::var(ADDRESS), env::var(JOURNAL), env::var(N_BEFORE)) else {
        return Ok(());
    };
    let kind = if env::var(CONNECTIONS).is_ok_and(|is| is == "true") { Kind::Connection } else { Kind::Address };
    let mut ground = Ground { journal: File::create(journal)?, kernel: Kernel::open()?, kind, next: 0 };
    ground.kernel.clear()?;
    let n_before: u32 = n_before.parse().map_err(io::Error::other)?;
    for _ in 0..n_before / GROUP {
        ground.add(GROUP)?;
    }
    let (queue, waiting) = channel();
    thread::spawn(move || ground.run(&waiting));
    // As the daemon has them: one for each processor.
    Builder::new_multi_thread().enable_all().build()?.block_on(serve(&address, queue))
}

/// What was asked for, and who waits until it is done.
struct Asked {
    body: Bytes,
    done: oneshot::Sender<()>,
}

/// The disk and the kernel.
struct Ground {
    journal: File,
    kernel: Kernel,
    kind: Kind,
    next: u32,
}

impl Ground {
    /// Whatever waits goes together. After an error nobody is answered any more.
    fn run(mut self, waiting: &Receiver<Asked>) {
        while let Ok(first) = waiting.recv() {
            let group: Vec<_> = [first].into_iter().chain(waiting.try_iter()).collect();
            if let Err(error) = self.commit(&group) {
                eprintln!("the prototype fails: {error}");
                return;
            }
            group.into_iter().for_each(|asked| _ = asked.done.send(()));
        }
    }

    fn commit(&mut self, group: &[Asked]) -> io::Result<()> {
        let record: Vec<u8> = group.iter().flat_map(|asked| asked.body.iter().copied()).collect();
        self.journal.write_all(&record)?;
        self.journal.sync_data()?;
        self.add(u32::try_from(group.len()).map_err(io::Error::other)?)
    }

    fn add(&mut self, n: u32) -> io::Result<()> {
        let rules = self.next..self.next + n;
        self.next = rules.end;
        self.kernel.add(self.kind, rules)
    }
}

async fn serve(address: &str, queue: Sender<Asked>) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let queue = queue.clone();
        let answer = move |request| perform(request, queue.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
    }
}

async fn perform(request: Request<Incoming>, queue: Sender<Asked>) -> Result<Response<Full<Bytes>>, Infallible> {
    let status = match request.into_body().collect().await {
        Ok(body) => perform_body(body.to_bytes(), &queue).await,
        Err(_) => StatusCode::BAD_REQUEST,
    };
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER)));
    *response.status_mut() = status;
    Ok(response)
}

async fn perform_body(body: Bytes, queue: &Sender<Asked>) -> StatusCode {
    if serde_json::from_slice::<IgnoredAny>(&body).is_err() {
        return StatusCode::BAD_REQUEST;
    }
    let (done, is_done) = oneshot::channel();
    match queue.send(Asked { body, done }) {
        Ok(()) if is_done.await.is_ok() => StatusCode::OK,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

const ADDRESS: &str = "OC2_BENCH_PROTOTYPE_ADDRESS";
const JOURNAL: &str = "OC2_BENCH_PROTOTYPE_JOURNAL";
const CONNECTIONS: &str = "OC2_BENCH_PROTOTYPE_CONNECTIONS";
const N_BEFORE: &str = "OC2_BENCH_PROTOTYPE_N_BEFORE";
const GROUP: u32 = 64;
/// As long as an answer to `deny`.
const ANSWER: &[u8; 200] = &[b'x'; 200];
