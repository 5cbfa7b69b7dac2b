//! TLS for a client that has none.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use oc2_tests_broker::Certificate;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A port of loopback that leads to another one as this client, by TLS.
pub(crate) fn tunnel(to: u16, authority: &str, client: Option<&Certificate>) -> u16 {
    let connector = TlsConnector::from(Arc::new(config(authority, client)));
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            listener.set_nonblocking(true).expect("it is bound");
            let listener = tokio::net::TcpListener::from_std(listener).expect("it is bound");
            while let Ok((mut near, _)) = listener.accept().await {
                let connector = connector.clone();
                // An end that closes is the other's end.
                tokio::spawn(async move {
                    let far = TcpStream::connect(("127.0.0.1", to)).await?;
                    let mut far = connector.connect(ServerName::try_from("localhost").expect("a name"), far).await?;
                    copy_bidirectional(&mut near, &mut far).await
                });
            }
        });
    });
    port
}

fn config(authority: &str, client: Option<&Certificate>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(authority)).expect("an authority");
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows them")
        .with_root_certificates(roots);
    match client {
        None => builder.with_no_client_auth(),
        Some(Certificate { pem, key }) => {
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
            builder.with_client_auth_cert(vec![certificate(pem)], key).expect("key and certificate fit")
        }
    }
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")
}
