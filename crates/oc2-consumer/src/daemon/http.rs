//! Commands over HTTP.

use oc2_transfer_http::{HttpListener, TlsHandle};
use tracing::{info, warn};

use super::Failure;
use super::config::{Config, HttpTable, LoadedTls, TlsTable};
use super::papers::Papers;

/// A listener that is bound, and what changes its TLS while it serves.
pub(crate) struct HttpServer {
    pub(crate) listener: HttpListener,
    pub(crate) tls: Option<Secured>,
}

/// What a listener has that is to be replaced one day.
pub(crate) struct Secured {
    handle: TlsHandle,
    pub(crate) papers: Papers,
}

impl HttpServer {
    /// Reads the files that the configuration names, and takes the port.
    pub(crate) async fn bind(http: &HttpTable) -> Result<Self, Failure> {
        let tls = load_table(http)?;
        let listener = HttpListener::bind(http.listen, http.settings()).await?;
        let address = listener.local_addr();
        let url = http.url(address);
        let Some(LoadedTls { tls, papers }) = tls else {
            warn!(%address, "Plain HTTP (http.testing = true): nobody is authenticated and nothing is encrypted.");
            if !address.ip().is_loopback() {
                warn!(
                    %address,
                    "DANGER: http.force is set: whoever reaches this host may read, forge and give commands."
                );
            }
            info!("Listening on {url}.");
            return Ok(Self { listener, tls: None });
        };
        let handle = TlsHandle::new(tls);
        let clients = http.tls.as_ref().map(TlsTable::describe).unwrap_or_default();
        info!("Listening on {url}, for {clients}.");
        Ok(Self { listener: listener.with_tls(handle.clone()), tls: Some(Secured { handle, papers }) })
    }
}

/// What the files come to that a configuration names for TLS, if it does.
pub(crate) fn load(config: &Config) -> Result<Option<LoadedTls>, Failure> {
    config.http.as_ref().map_or(Ok(None), load_table)
}

/// Replaces the TLS of a listener. Connections that are there go on, and are judged anew.
pub(crate) fn replace(secured: Option<&mut Secured>, loaded: Option<LoadedTls>) {
    if let (Some(secured), Some(LoadedTls { tls, papers })) = (secured, loaded) {
        papers.tell();
        secured.papers = papers;
        secured.handle.reload(tls);
    }
}

/// Says who is let in, and what is to be known of certificates.
pub(crate) fn describe(http: &HttpTable, loaded: Option<&LoadedTls>) {
    let url = http.url(http.listen);
    match (&http.tls, loaded) {
        (Some(tls), Some(loaded)) => {
            println!("  listens on {url}, for {}", tls.describe());
            loaded.papers.remarks().for_each(|remark| println!("    WARNING: {remark}"));
        }
        _ => println!("  listens on {url} (plain HTTP, for testing: whoever reaches it may command)"),
    }
}

fn load_table(http: &HttpTable) -> Result<Option<LoadedTls>, Failure> {
    http.tls.as_ref().map(TlsTable::load).transpose()
}
