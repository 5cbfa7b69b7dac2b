//! A bare server of hyper that answers a constant: the floor of what is asked over HTTP.

use std::convert::Infallible;
use std::env;
use std::io;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use crate::Namespace;
use crate::daemon::wait_until_it_listens;

/// A running one, in a process of its own as the daemon is.
#[derive(Debug)]
pub struct BareServer(Child);

impl BareServer {
    /// Starts this program again, which has to call [`serve_constant`] first of all.
    ///
    /// # Errors
    /// It does not start, or does not listen.
    pub fn start(namespace: &Namespace, address: SocketAddr, length: usize) -> io::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.env(ADDRESS, address.to_string()).env(LENGTH, length.to_string()).stdin(Stdio::null());
        let mut child = namespace.run(move || command.spawn())?;
        wait_until_it_listens(namespace, address, &mut child)?;
        Ok(Self(child))
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        // It is gone already, or it goes now.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves, if that is what this process was started for; else returns at once.
///
/// # Errors
/// It cannot listen.
pub fn serve_constant() -> io::Result<()> {
    let (Ok(address), Ok(length)) = (env::var(ADDRESS), env::var(LENGTH)) else { return Ok(()) };
    let length = length.parse().map_err(io::Error::other)?;
    let constant = Bytes::from(vec![b'x'; length]);
    // As the daemon has them: one for each processor.
    Builder::new_multi_thread().enable_all().build()?.block_on(serve(&address, constant))
}

async fn serve(address: &str, constant: Bytes) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let constant = constant.clone();
        let answer = move |request: Request<Incoming>| {
            let constant = constant.clone();
            async move {
                // What came is read to its end, as whoever is to answer it would.
                let _ = request.into_body().collect().await;
                Ok::<_, Infallible>(Response::new(Full::new(constant)))
            }
        };
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
    }
}

const ADDRESS: &str = "OC2_BENCH_BARE_ADDRESS";
const LENGTH: &str = "OC2_BENCH_BARE_LENGTH";
