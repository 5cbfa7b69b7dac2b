//! TLS to a real broker (MQTT B).

use oc2_tests_broker::{Authority, Builder, Mosquitto};
use oc2_transfer::TransferError;
use oc2_transfer_mqtt::{Options, Session, Tls};

use crate::harness::{Consumer, Doer, ask, options_with, settings, transfer};

fn options(port: u16, tls: Tls) -> Options {
    let mut secure = options_with(port, Session::ephemeral());
    secure.broker = format!("mqtts://localhost:{port}").parse().unwrap();
    secure.tls = tls;
    secure
}

fn trusting(authority: &Authority) -> Tls {
    Tls::default().with_authorities(authority.pem().as_bytes()).unwrap()
}

fn builder(authority: &Authority) -> Builder {
    Mosquitto::with().tls(&authority.server(&["localhost"]))
}

/// Exchanges one Command over TLS on both sides.
async fn exchange(broker: &Mosquitto, tls: Tls) {
    let options = |tls| options(broker.port(), tls);
    let of_consumer = options(tls.clone());
    let client_id = of_consumer.session.client_id().as_str().to_owned();
    let consumer = Consumer::start(of_consumer, settings("zulu"), Doer::new("zulu"));
    broker.wait_subscribed(&client_id);
    ask(&transfer(options(tls), "zulu"), "a").await.unwrap();
    consumer.stop().await;
}

/// What both sides say when the broker and they do not fit.
async fn fail(options: Options) -> [String; 2] {
    let transfer = transfer(options.clone(), "zulu");
    let consumer = Consumer::start(options, settings("zulu"), Doer::new("zulu"));
    let of_consumer: TransferError = consumer.ends().await.unwrap_err();
    let of_producer = ask(&transfer, "a").await.unwrap_err();
    [of_consumer, of_producer].map(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_pass_over_tls_1_2_and_1_3() {
    // MQTT-107, MQTT-109 to MQTT-112
    let authority = Authority::new("authority");
    for version in ["tlsv1.2", "tlsv1.3"] {
        let Some(broker) = builder(&authority).line(&format!("tls_version {version}")).start() else { return };
        exchange(&broker, trusting(&authority)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_with_another_authority_or_name_is_not_trusted() {
    let (authority, other) = (Authority::new("authority"), Authority::new("other"));
    let Some(broker) = builder(&authority).start() else { return };
    let elsewhere = Mosquitto::with().tls(&authority.server(&["elsewhere.example"])).start().unwrap();
    let untrusted = options(broker.port(), trusting(&other));
    let misnamed = options(elsewhere.port(), trusting(&authority));
    for options in [untrusted, misnamed, options(broker.port(), Tls::default())] {
        for error in fail(options).await {
            assert!(error.contains("certificate"), "{error}");
        }
    }
    assert!(!broker.log().contains("New client connected"), "nothing was said before the certificate was verified");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_may_ask_for_our_certificate() {
    // MQTT-120
    let (authority, other) = (Authority::new("authority"), Authority::new("other"));
    let Some(broker) = builder(&authority).client_authority(authority.pem()).start() else { return };
    let shown = |authority: &Authority| {
        let certificate = authority.client("zulu");
        trusting_first(&certificate.pem, &certificate.key)
    };
    let tls =
        |identity: Option<Tls>| identity.unwrap_or_default().with_authorities(authority.pem().as_bytes()).unwrap();
    exchange(&broker, tls(Some(shown(&authority)))).await;
    assert!(broker.log().contains("u'zulu'"), "the broker knows us by our certificate");
    for identity in [None, Some(shown(&other))] {
        for error in fail(options(broker.port(), tls(identity))).await {
            assert!(error.contains("fatal alert"), "{error}");
        }
    }
}

fn trusting_first(pem: &str, key: &str) -> Tls {
    Tls::default().with_identity(pem.as_bytes(), key.as_bytes()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_not_left_out() {
    // A broker without TLS, and one with it that is spoken to without: neither is mistaken for the other.
    let authority = Authority::new("authority");
    let Some(plain) = Mosquitto::start() else { return };
    let transfer = transfer(options(plain.port(), trusting(&authority)), "zulu");
    assert!(ask(&transfer, "a").await.is_err());
}
