//! What a check works with: the way to the subject, what is known of it, and where to note what was seen.

pub(crate) mod every;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::cbor::{Item, MEDIA_TYPE};
use crate::clause::ids;
use crate::exchange::Exchange;
use crate::field::Field;
use crate::verdict::{Fault, Notes};
use crate::wire::tls::{Files, Probe};
use crate::wire::{Outgoing, Transfer, Wire};

/// What a run was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// Checks that change what the subject filters.
    pub(crate) destructive: bool,
    pub(crate) lengthy: bool,
    /// Checks in CBOR.
    pub(crate) cbor: bool,
    /// A Command that we may not give.
    pub(crate) forbidden: Option<Value>,
    /// More than the subject takes at once.
    pub(crate) overloads: bool,
    /// The subject is started by us, on nothing that matters.
    pub(crate) is_ours: bool,
    /// The corpus and such tables run only for rows that are wanted.
    pub(crate) wanted: Option<BTreeSet<&'static str>>,
    pub(crate) files: Files,
    pub(crate) token: Option<String>,
    /// Commands get an actuator and arguments where they have none, for subjects that cannot do without.
    pub(crate) fills_in: bool,
}

/// What the subject says of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) versions: Vec<String>,
    pub(crate) profiles: Vec<String>,
    pub(crate) pairs: BTreeMap<String, Vec<String>>,
}

/// A conversation with a subject.
pub(crate) struct Session<'w> {
    wire: &'w mut dyn Wire,
    pub(crate) asked: Asked,
    pub(crate) facts: Facts,
    pub(crate) notes: Notes,
    /// Rules that were made and are to be taken back.
    made: Vec<i64>,
    n_requests: u64,
    /// The hosts on both sides of its filter, where the suite has them.
    pub(crate) field: Option<&'w mut Field>,
    /// Stops the subject and starts it again, where that is in our hands.
    pub(crate) restart: Option<&'w mut dyn FnMut() -> io::Result<()>>,
}

impl<'w> Session<'w> {
    pub(crate) fn new(wire: &'w mut dyn Wire, asked: Asked) -> Self {
        Self {
            wire,
            asked,
            facts: Facts::default(),
            notes: Notes::default(),
            made: Vec::new(),
            n_requests: 0,
            field: None,
            restart: None,
        }
    }

    pub(crate) fn transfer(&self) -> Transfer {
        self.wire.transfer()
    }

    pub(crate) fn has_tap(&self) -> bool {
        self.wire.tapped().is_some()
    }

    /// Whether the client of the subject speaks TLS to its broker.
    pub(crate) fn is_secured_tap(&self) -> bool {
        self.wire.tapped().is_some_and(|tap| !tap.hellos().is_empty())
    }

    pub(crate) fn tap(&self) -> io::Result<&oc2_tests_broker::Tap> {
        self.wire.tapped().ok_or_else(|| io::Error::other("there is no tap"))
    }

    pub(crate) fn field(&mut self) -> io::Result<&mut Field> {
        self.field.as_deref_mut().ok_or_else(|| io::Error::other("there are no packets"))
    }

    pub(crate) fn authority(&self) -> String {
        self.wire.authority()
    }

    /// Asks what the subject is. What it does not say is taken for what it cannot do.
    pub(crate) fn learn(&mut self) -> io::Result<()> {
        let features = json!(["versions", "profiles", "pairs"]);
        let got = self.ask(json!({"action": "query", "target": {"features": features}}))?;
        let results = got.results();
        let texts = |value: &Value| {
            value.as_array().into_iter().flatten().filter_map(|own| own.as_str().map(ToOwned::to_owned)).collect()
        };
        self.facts.versions = texts(&results["versions"]);
        self.facts.profiles = texts(&results["profiles"]);
        let pairs = results["pairs"].as_object().cloned().unwrap_or_default();
        self.facts.pairs = pairs.iter().map(|(action, targets)| (action.clone(), texts(targets))).collect();
        Ok(())
    }

    /// Whether the subject lists a pair.
    pub(crate) fn lists(&self, action: &str, target: &str) -> bool {
        self.facts.pairs.get(action).is_some_and(|targets| targets.iter().any(|own| own == target))
    }

    /// An action that the subject does not perform on this target, so that a Command with it is read and not performed.
    pub(crate) fn harmless_action(&self, target: &str) -> &'static str {
        HARMLESS.into_iter().find(|action| !self.lists(action, target)).unwrap_or(HARMLESS[0])
    }

    /// A request id that was not used before.
    pub(crate) fn fresh_id(&mut self) -> String {
        self.n_requests += 1;
        uuid::Uuid::new_v4().to_string()
    }

    /// Sends a Command in a message as everybody sends it.
    pub(crate) fn ask(&mut self, command: Value) -> io::Result<Exchange> {
        let id = self.fresh_id();
        self.ask_as(&id, command)
    }

    /// The same under this request id.
    pub(crate) fn ask_as(&mut self, id: &str, command: Value) -> io::Result<Exchange> {
        let command = if self.asked.fills_in { filled(command) } else { command };
        let silent = command.pointer("/args/response_requested") == Some(&json!("none"));
        let outgoing = Outgoing::new(message(id, &command).to_string()).id(id);
        self.send(&if silent { outgoing.silent() } else { outgoing })
    }

    /// Sends a Command in CBOR by id; what holds for every answer is looked at in JSON.
    pub(crate) fn ask_cbor(&mut self, command: Item) -> io::Result<Exchange> {
        let id = self.fresh_id();
        let created = i64::try_from(now()).unwrap_or(i64::MAX);
        let headers = Item::by_id([(1, Item::text(&id)), (2, Item::Integer(created)), (3, Item::text(FROM))]);
        let body = Item::by_id([(1, Item::by_id([(1, command)]))]);
        let octets = Item::List(vec![headers, body]).to_octets();
        let mut outgoing = Outgoing::new(octets).id(&id).field("Content-Type", MEDIA_TYPE).field("Accept", MEDIA_TYPE);
        let properties =
            [("payload format", "0"), ("content type", "application/openc2"), ("msgType", "req"), ("encoding", "cbor")];
        outgoing.properties = Some(properties.map(|(name, value)| (name, value.to_owned())).into());
        let got = self.wire.exchange(&outgoing)?;
        // Whatever it made is taken back, too.
        self.made.extend(got.rule_number());
        Ok(got)
    }

    /// A Command in a message, as it is sent in this run.
    pub(crate) fn whole(&self, id: &str, command: &Value) -> Value {
        let command = command.clone();
        message(id, &if self.asked.fills_in { filled(command) } else { command })
    }

    /// Sends what is said.
    pub(crate) fn send(&mut self, outgoing: &Outgoing) -> io::Result<Exchange> {
        let exchange = self.wire.exchange(outgoing)?;
        every::judge(self, outgoing, &exchange);
        self.remember(outgoing, &exchange);
        Ok(exchange)
    }

    /// Sends octets on a connection of their own.
    pub(crate) fn raw(&mut self, octets: &[u8]) -> io::Result<Exchange> {
        self.wire.raw(octets)
    }

    /// Sends several requests on one connection.
    pub(crate) fn sequence(&mut self, outgoing: &[Outgoing]) -> io::Result<Vec<Exchange>> {
        let exchanges = self.wire.sequence(outgoing)?;
        for (outgoing, exchange) in outgoing.iter().zip(&exchanges) {
            every::judge(self, outgoing, exchange);
        }
        Ok(exchanges)
    }

    pub(crate) fn probe(&mut self, probe: &Probe) -> io::Result<Exchange> {
        self.wire.probe(probe)
    }

    /// Notes that something was as expected, or not.
    pub(crate) fn note(&mut self, rows: &str, is_met: bool, point: &str, expected: &str, exchange: &Exchange) {
        let told = exchange.remark.clone().unwrap_or_else(|| exchange.told());
        self.note_told(rows, is_met, point, expected, &told, exchange);
    }

    /// The same, with other words for what was seen.
    pub(crate) fn note_told(
        &mut self,
        rows: &str,
        is_met: bool,
        point: &str,
        expected: &str,
        told: &str,
        exchange: &Exchange,
    ) {
        let fault = || {
            let [point, expected, told] = [point, expected, told].map(ToOwned::to_owned);
            Fault { point, expected, told, exchange: exchange.clone() }
        };
        let ids = self.concerned(rows);
        self.notes.note(ids, is_met, fault);
    }

    /// Notes that something could not be exercised.
    pub(crate) fn lacks(&mut self, rows: &str, reason: &str) {
        for id in self.concerned(rows) {
            self.notes.lack(id, reason);
        }
    }

    /// Those of these rows that have to do with the transfer that the subject is met over.
    fn concerned(&self, rows: &str) -> Vec<&'static str> {
        let other = if self.transfer().is_http() { "MQTT-" } else { "HTTPS-" };
        ids(rows).into_iter().filter(|id| !id.starts_with(other)).collect()
    }

    /// Whether any of these rows was asked for.
    pub(crate) fn wants<'i>(&self, mut rows: impl Iterator<Item = &'i str>) -> bool {
        self.asked.wanted.as_ref().is_none_or(|wanted| rows.any(|id| wanted.contains(id)))
    }

    /// Takes back the rules that checks have made, the newest first. How many could not be.
    pub(crate) fn undo(&mut self) -> io::Result<usize> {
        let mut n_left = 0;
        while let Some(number) = self.made.pop() {
            let command = json!({"action": "delete", "target": {"slpf:rule_number": number}});
            let id = self.fresh_id();
            let got = self.wire.exchange(&Outgoing::new(message(&id, &command).to_string()).id(&id))?;
            n_left += usize::from(!got.is_ok());
        }
        Ok(n_left)
    }

    /// That a rule is gone.
    pub(crate) fn forget(&mut self, number: i64) {
        self.made.retain(|own| *own != number);
    }

    fn remember(&mut self, outgoing: &Outgoing, exchange: &Exchange) {
        let sent = String::from_utf8_lossy(&outgoing.body).into_owned();
        let is_rule = sent.contains("\"deny\"") || sent.contains("\"allow\"");
        if let (true, Some(number)) = (is_rule, exchange.rule_number())
            && !self.made.contains(&number)
        {
            self.made.push(number);
        }
    }
}

/// A Command in the wrapper (HTTPS 3.3.2).
pub(crate) fn message(id: &str, command: &Value) -> Value {
    json!({"headers": {"request_id": id, "created": now(), "from": FROM}, "body": {"openc2": {"request": command}}})
}

/// The same Command with everything that LS 3.3.1 leaves optional.
fn filled(mut command: Value) -> Value {
    if let Some(members) = command.as_object_mut() {
        members.entry("args").or_insert_with(|| json!({"response_requested": "complete"}));
        members.entry("actuator").or_insert_with(|| json!({"slpf": {}}));
    }
    command
}

/// The same, of the octets of one, which may be none.
pub(crate) fn filled_octets(command: &[u8]) -> Vec<u8> {
    let mut command = command.trim_ascii_end().to_vec();
    let has = |name: &str| String::from_utf8_lossy(&command).contains(name);
    let parts =
        [("\"args\"", r#","args":{"response_requested":"complete"}"#), ("\"actuator\"", r#","actuator":{"slpf":{}}"#)];
    let missing: String = parts.into_iter().filter(|(name, _)| !has(name)).map(|(_, part)| part).collect();
    if command.ends_with(b"}") && command.len() > 2 {
        command.pop();
        command.extend(missing.bytes());
        command.push(b'}');
    }
    command
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Who we say we are.
pub(crate) const FROM: &str = "conformance";

/// Actions that no profile has for most targets, the least harmful first.
const HARMLESS: [&str; 8] = ["locate", "investigate", "scan", "copy", "set", "create", "contain", "redirect"];
