//! A Producer that speaks MQTT byte for byte, and hears every Response.

use oc2_tests_broker::{Draft, RawClient};
use serde_json::{Value, json};

/// The topic of the device under test.
pub(crate) const DEVICE: &str = "oc2/cmd/device/fw1.example.net";

/// A Producer: one connection to speak, and one to hear.
pub(crate) struct Center {
    speaks: RawClient,
    hears: RawClient,
}

/// A Response as it was published.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) topic: String,
    pub(crate) properties: Vec<(u8, Vec<u8>)>,
    pub(crate) message: Value,
}

impl Center {
    /// Connects to a broker on loopback.
    pub(crate) fn connect(port: u16) -> Self {
        Self::with(RawClient::connect(port), RawClient::connect(port))
    }

    pub(crate) fn with(speaks: RawClient, mut hears: RawClient) -> Self {
        hears.subscribe("oc2/rsp/#");
        Self { speaks, hears }
    }

    /// Publishes a request.
    #[track_caller]
    pub(crate) fn send(&mut self, topic: &str, message: &Value) {
        let reason = self.publish(&Draft::openc2(topic, "req", message.to_string()));
        assert_eq!(reason, 0, "the broker has it, and somebody subscribes");
    }

    /// Publishes anything; the reason code of the broker.
    pub(crate) fn publish(&mut self, draft: &Draft) -> u8 {
        self.speaks.publish(draft)
    }

    /// The next Response.
    pub(crate) fn hear(&mut self) -> Heard {
        let publish = self.hears.receive();
        let message = serde_json::from_slice(&publish.payload).unwrap_or_default();
        Heard { topic: publish.topic, properties: publish.properties, message }
    }

    /// The next message as it is.
    pub(crate) fn hear_bytes(&mut self) -> Vec<u8> {
        self.hears.receive().payload
    }

    /// Publishes a request; the Response, which is the next that is heard.
    #[track_caller]
    pub(crate) fn ask(&mut self, topic: &str, message: &Value) -> Value {
        self.send(topic, message);
        let heard = self.hear();
        assert_eq!(heard.message["headers"]["request_id"], message["headers"]["request_id"], "{heard:?}");
        heard.response().clone()
    }

    /// Publishes a request; its Response, among those to others.
    pub(crate) fn ask_amid(&mut self, topic: &str, message: &Value) -> Value {
        self.send(topic, message);
        loop {
            let heard = self.hear();
            if heard.message["headers"]["request_id"] == message["headers"]["request_id"] {
                return heard.response().clone();
            }
        }
    }

    /// Nothing was said, and nothing is on its way.
    #[track_caller]
    pub(crate) fn hears_nothing(&mut self) {
        // Twice: an answer that is late would come between them.
        for _ in 0..2 {
            assert_eq!(self.ask(DEVICE, &query())["status"], 200);
        }
    }
}

impl Heard {
    pub(crate) fn response(&self) -> &Value {
        self.message.pointer("/body/openc2/response").unwrap_or(&Value::Null)
    }
}

/// A Command in a message with this id.
pub(crate) fn request(id: &str, command: Value) -> Value {
    json!({"headers": {"request_id": id, "from": "soc-1"}, "body": {"openc2": {"request": command}}})
}

/// A question under an id of its own.
pub(crate) fn query() -> Value {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static N_QUERIES: AtomicUsize = AtomicUsize::new(0);
    let id = format!("query-{}", N_QUERIES.fetch_add(1, Ordering::Relaxed));
    request(&id, json!({"action": "query", "target": {"features": []}}))
}

/// A `deny` of what goes to this net by TCP in a message with this id.
pub(crate) fn deny(id: &str, net: &str) -> Value {
    let target = json!({"ipv4_connection": {"dst_addr": net, "protocol": "tcp"}});
    request(id, json!({"action": "deny", "target": target}))
}
