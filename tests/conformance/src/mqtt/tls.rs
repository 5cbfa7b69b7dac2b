//! MQTT appendix B: what the client of the subject offers to a broker with TLS.

use std::io;

use crate::check::{Check, Over};
use crate::session::Session;
use crate::wire::hello::{Hello, shown};

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "MQTT-107 MQTT-109 MQTT-111 MQTT-113 MQTT-116 MQTT-118 MQTT-119",
            "The hello to a broker is that of a client of today",
            hello,
        )
        .over(Over::SecuredTap)
        .changing(),
    ]
}

/// The first hello, and that of a return, which could carry early data.
fn hello(session: &mut Session<'_>) -> io::Result<()> {
    session.tap()?.cut();
    session.tap()?.mend();
    // It is back when it answers.
    session.ask(serde_json::json!({"action": "query", "target": {"features": []}}))?;
    let records = session.tap()?.hellos();
    for record in &records {
        let exchange = shown(record);
        let Some(hello) = Hello::read(record) else {
            session.note("MQTT-109", false, "The first record", "a ClientHello of TLS", &exchange);
            continue;
        };
        session.note("MQTT-107", true, "The connection to the broker", "TLS", &exchange);
        for point in hello.points() {
            session.note_told(point.mqtt, point.is_met, point.name, point.expected, &hello.told(), &exchange);
        }
    }
    Ok(())
}
