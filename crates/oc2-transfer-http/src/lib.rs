//! OpenC2 over HTTP (HTTPS 1.1): the Consumer's side is [`HttpListener`], the Producer's side [`HttpTransfer`].
//!
//! Take this crate to put something of your own behind HTTP, or to bring messages as bytes to a Consumer; `oc2-consumer` and
//! `oc2-producer` use it for you.
//!
//! With TLS ([`HttpListener::with_tls`], `https://`) it is the Operations target: both sides prove who they are, the Producer by
//! its certificate or by a token. Without it is the Testing target: anybody on the way can read and forge Commands.
//!
//! ```
//! use oc2_core::StatusCode;
//! use oc2_transfer::{Encoded, Handler, Listener, Outgoing, Refusal, Reply, Request, Transfer};
//! use oc2_transfer_http::{HttpListener, HttpTransfer, Settings};
//! use tokio::sync::oneshot;
//!
//! struct Echo;
//!
//! impl Handler for Echo {
//!     async fn handle(&self, request: Request) -> Reply {
//!         let body = Encoded { bytes: request.body, media_type: "application/openc2+json;version=1.0" };
//!         Reply::new(StatusCode::Ok, body)
//!     }
//!
//!     fn refuse(&self, refusal: Refusal) -> Reply {
//!         Reply::empty(refusal.rejection.status())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = HttpListener::bind("127.0.0.1:0".parse()?, Settings::default()).await?;
//! let transfer = HttpTransfer::new(&format!("http://{}", listener.local_addr()))?;
//! let (shutdown, told) = oneshot::channel::<()>();
//! let server = tokio::spawn(listener.serve(Echo, async { told.await.unwrap_or_default() }));
//!
//! let mut answers = transfer.exchange(Outgoing::new("{}", "application/openc2+json;version=1.0")).await?;
//! let answer = answers.next().await.expect("one answer")?;
//! assert_eq!((answer.status, &answer.body[..]), (Some(StatusCode::Ok), &b"{}"[..]));
//!
//! drop(shutdown);
//! server.await??;
//! # Ok(())
//! # }
//! ```
//!
//! Features, all on by default but `ring`: `server` and `client`; `aws-lc-rs` or `ring`, the cryptography of TLS; `jwt`, tokens. A
//! transfer never looks into a Command, and it authenticates without authorizing.

#[cfg(feature = "client")]
mod client;
#[cfg(any(feature = "client", feature = "server"))]
mod headers;
#[cfg(feature = "server")]
mod server;

#[cfg(feature = "client")]
pub use client::HttpTransfer;
#[cfg(all(feature = "client", feature = "tls"))]
pub use client::{ClientTls, Token};
#[cfg(feature = "tls")]
pub use oc2_tls::{Authorities, Identity, TlsError, Validity};
#[cfg(feature = "jwt")]
pub use server::Tokens;
#[cfg(all(feature = "server", feature = "tls"))]
pub use server::{ClientAuth, ClientCertificates, ServerTls, TlsHandle};
#[cfg(feature = "server")]
pub use server::{HttpListener, Settings};
