//! A wire that leads nowhere: what would be sent is listed, and answered as a subject might.

use std::io;

use serde_json::{Value, json};

use super::{Outgoing, Transfer, Wire, tls};
use crate::exchange::{Answer, Exchange, show};

/// A wire that leads nowhere.
pub(crate) struct Dry {
    transfer: Transfer,
    next_rule: i64,
    /// What would have been sent, a line each.
    pub(crate) lines: Vec<String>,
}

impl Dry {
    pub(crate) fn new(transfer: Transfer) -> Self {
        Self { transfer, next_rule: 1_000, lines: Vec::new() }
    }

    /// An answer that lets a check go on to what it would send next.
    fn answer(&mut self, outgoing: &Outgoing) -> Exchange {
        self.next_rule += 1;
        let message: Value = serde_json::from_slice(&outgoing.body).unwrap_or_default();
        let results = json!({
            "versions": ["1.0"], "profiles": ["slpf"], "rate_limit": 60,
            "pairs": {
                "query": ["features"], "delete": ["slpf:rule_number"], "update": ["file"],
                "allow": ["ipv4_net", "ipv6_net", "ipv4_connection", "ipv6_connection"],
                "deny": ["ipv4_net", "ipv6_net", "ipv4_connection", "ipv6_connection"]
            },
            "slpf": {"rule_number": self.next_rule}
        });
        let answer = json!({
            "headers": {"request_id": message.pointer("/headers/request_id")},
            "body": {"openc2": {"response": {"status": 200, "results": results}}}
        });
        let answer = Answer { code: Some(200), body: answer.to_string().into_bytes(), ..Answer::default() };
        Exchange { sent: outgoing.body.clone(), answers: vec![answer], ..Exchange::default() }
    }
}

impl Wire for Dry {
    fn transfer(&self) -> Transfer {
        self.transfer
    }

    fn exchange(&mut self, outgoing: &Outgoing) -> io::Result<Exchange> {
        let place = outgoing.topic.as_deref().or(outgoing.path.as_deref()).unwrap_or_default();
        let method = if self.transfer.is_http() { outgoing.method } else { "PUBLISH" };
        let words = [method, place].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        self.lines.push(format!("{words} {}", one_line(&outgoing.body)));
        Ok(self.answer(outgoing))
    }

    fn raw(&mut self, octets: &[u8]) -> io::Result<Exchange> {
        self.lines.push(format!("octets {}", one_line(octets)));
        Ok(self.answer(&Outgoing::new(octets)))
    }

    fn sequence(&mut self, outgoing: &[Outgoing]) -> io::Result<Vec<Exchange>> {
        outgoing.iter().map(|outgoing| self.exchange(outgoing)).collect()
    }

    fn probe(&mut self, probe: &tls::Probe) -> io::Result<Exchange> {
        self.lines.push(probe.told());
        Ok(Exchange { remark: Some("refused: nothing was sent".into()), ..Exchange::default() })
    }

    fn authority(&self) -> String {
        "subject".into()
    }
}

fn one_line(octets: &[u8]) -> String {
    let mut line = show(octets).replace('\n', " ");
    if line.chars().count() > LONGEST {
        line = line.chars().take(LONGEST).collect::<String>() + " ...";
    }
    line
}

const LONGEST: usize = 300;
