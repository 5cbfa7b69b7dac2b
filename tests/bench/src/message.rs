//! Commands as they go over the wire.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

/// What rules are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An address, whoever asks it for whatever.
    Address,
    /// A port of an address, by TCP.
    Connection,
}

impl Kind {
    /// The target of rule `i`: no two are about the same packets.
    fn target(self, i: u32) -> String {
        let [a, b, c, d] = (0x0a00_0000 + i).to_be_bytes();
        match self {
            Self::Address => format!(r#"{{"ipv4_net":"{a}.{b}.{c}.{d}"}}"#),
            Self::Connection => {
                let connection = format!(r#"{{"protocol":"tcp","dst_addr":"{a}.{b}.{c}.{d}","dst_port":80}}"#);
                format!(r#"{{"ipv4_connection":{connection}}}"#)
            }
        }
    }
}

/// So many rules of a kind, as the file of an `update`. Between each two there is room for 999 others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// What they are about.
    pub kind: Kind,
    /// How many they are.
    pub n: u32,
}

impl Rules {
    /// The text of the file.
    #[must_use]
    pub fn file(self) -> String {
        let rule = |i| {
            let (target, number) = (self.kind.target(i), u64::from(i + 1) * 1000);
            format!(r#"{{"action":"deny","target":{target},"args":{{"slpf":{{"insert_rule":{number}}}}}}}"#)
        };
        let rules: Vec<_> = (0..self.n).map(rule).collect();
        format!("[{}]", rules.join(",\n"))
    }

    /// A number in the middle of them that none of them has: the `i`th of 999.
    #[must_use]
    pub fn within(self, i: u32) -> u64 {
        u64::from(self.n / 2) * 1000 + 1 + u64::from(i % 999)
    }
}

/// `deny` of rule `i`, before all others.
pub fn deny(kind: Kind, i: u32, request: &mut Vec<u8>) {
    let args = r#"{"response_requested":"complete"}"#;
    command(&format!(r#"{{"action":"deny","target":{},"args":{args}}}"#, kind.target(i)), request);
}

/// `deny` of rule `i` under a number.
pub fn place(kind: Kind, i: u32, number: u64, request: &mut Vec<u8>) {
    let args = format!(r#"{{"response_requested":"complete","slpf":{{"insert_rule":{number}}}}}"#);
    command(&format!(r#"{{"action":"deny","target":{},"args":{args}}}"#, kind.target(i)), request);
}

/// `delete` of a rule.
pub fn delete(number: u64, request: &mut Vec<u8>) {
    command(&format!(r#"{{"action":"delete","target":{{"slpf:rule_number":{number}}}}}"#), request);
}

/// `update` with a file.
pub fn update(name: &str, request: &mut Vec<u8>) {
    command(&format!(r#"{{"action":"update","target":{{"file":{{"name":"{name}"}}}}}}"#), request);
}

/// `query features` for all there are.
pub fn query_features(request: &mut Vec<u8>) {
    let features = r#"["versions","profiles","pairs","rate_limit"]"#;
    command(&format!(r#"{{"action":"query","target":{{"features":{features}}}}}"#), request);
}

/// The number that an answer tells.
///
/// # Panics
/// It tells none.
#[must_use]
pub fn rule_number(answer: &[u8]) -> u64 {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let number = &answer["body"]["openc2"]["response"]["results"]["slpf"]["rule_number"];
    number.as_u64().unwrap_or_else(|| panic!("there is a number in {answer}"))
}

/// A request with an id that no other has: whoever repeats it gets the same answer, so the daemon has to remember it.
fn command(command: &str, request: &mut Vec<u8>) {
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let headers = format!(r#"{{"request_id":"{:08x}-0000-4000-8000-{id:012x}","from":"soc-1"}}"#, std::process::id());
    let body = format!(r#"{{"headers":{headers},"body":{{"openc2":{{"request":{command}}}}}}}"#);
    let head = "POST /.well-known/openc2 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\
        Content-Type: application/openc2+json;version=1.0\r\nContent-Length";
    write!(request, "{head}: {}\r\n\r\n{body}", body.len()).expect("a vector takes anything");
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_rules_is_json_and_its_numbers_leave_room() {
        let rules = Rules { kind: Kind::Connection, n: 3 };
        let file: Value = serde_json::from_str(&rules.file()).unwrap();
        assert_eq!(file[2]["args"]["slpf"]["insert_rule"], 3000);
        assert_eq!(file[1]["target"]["ipv4_connection"]["dst_addr"], "10.0.0.1");
        assert!((0..5000).all(|i| (1001..2000).contains(&rules.within(i))));
    }

    #[test]
    fn requests_have_ids_of_their_own() {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        query_features(&mut one);
        query_features(&mut other);
        assert_ne!(one, other);
        assert_eq!(one.len(), other.len());
    }

    #[test]
    fn the_number_of_a_rule_is_found_in_the_answer() {
        let answer = br#"{"body":{"openc2":{"response":{"status":200,"results":{"slpf":{"rule_number":7}}}}}}"#;
        assert_eq!(rule_number(answer), 7);
    }
}
