//! What holds for every answer, whatever was asked.

use serde_json::Value;

use super::{Session, now};
use crate::exchange::{Answer, Exchange};
use crate::schema::Fault;
use crate::wire::{MEDIA_TYPE, Outgoing, Transfer};
use crate::{ijson, schema};

/// The rows that are looked at in every answer.
#[cfg_attr(not(test), expect(dead_code, reason = "the test that no row is forgotten looks here"))]
pub(crate) const ROWS: [&str; 5] = [
    "HTTPS-003 HTTPS-013 HTTPS-030 HTTPS-038 HTTPS-045 HTTPS-047 HTTPS-052..HTTPS-054 HTTPS-066 HTTPS-067",
    "LS-003 LS-016 LS-043..LS-045 LS-066 LS-067 LS-132 LS-133 LS-136 LS-224 LS-225 LS-230 ARCH-006",
    "LS-012 LS-029 LS-069 LS-077 LS-134 LS-135 LS-146..LS-150 LS-184 LS-185 LS-203",
    "LS-078 LS-079 LS-084 HTTPS-032..HTTPS-034 HTTPS-036 HTTPS-039",
    "MQTT-011 MQTT-022..MQTT-026 MQTT-028..MQTT-031 MQTT-033 MQTT-037 MQTT-074 MQTT-075 MQTT-077 MQTT-079 MQTT-081 \
     MQTT-083..MQTT-085",
];

/// Judges every answer of an exchange.
pub(crate) fn judge(session: &mut Session<'_>, outgoing: &Outgoing, exchange: &Exchange) {
    if exchange.answers.is_empty() && session.transfer().is_http() && outgoing.method == "POST" {
        let expected = "an HTTP response on the connection of the request";
        session.note("HTTPS-003", false, "Every request is answered", expected, exchange);
    }
    for answer in &exchange.answers {
        let mut judge = Judge { session: &mut *session, exchange, answer };
        judge.transfer(outgoing);
        if !answer.body.is_empty() && outgoing.method == "POST" {
            judge.content(outgoing);
        }
    }
}

struct Judge<'j, 's> {
    session: &'j mut Session<'s>,
    exchange: &'j Exchange,
    answer: &'j Answer,
}

impl Judge<'_, '_> {
    fn met(&mut self, rows: &str) {
        self.session.note(rows, true, "", "", self.exchange);
    }

    fn note(&mut self, rows: &str, is_met: bool, point: &str, expected: &str, told: &str) {
        self.session.note_told(rows, is_met, point, expected, told, self.exchange);
    }

    fn transfer(&mut self, outgoing: &Outgoing) {
        if self.session.transfer() == Transfer::Mqtt {
            return self.mqtt();
        }
        let code = self.answer.code.unwrap_or_default();
        let nine = [102, 200, 400, 401, 403, 404, 500, 501, 503].contains(&code);
        let expected = "one of the nine codes of LS 3.3.2.1";
        self.note("HTTPS-066", nine, "The code of HTTP", expected, &format!("HTTP {code}"));
        let date = self.field("Date");
        let expected = "Date: as in `Sun, 06 Nov 1994 08:49:37 GMT`";
        self.note("HTTPS-053 HTTPS-054", is_imf_fixdate(&date), "The header field Date", expected, &date);
        if self.answer.body.is_empty() {
            return;
        }
        self.met("HTTPS-003");
        let cache = self.field("Cache-Control");
        let is_met = cache.to_lowercase().contains("no-cache");
        self.note("HTTPS-013", is_met, "The header field Cache-Control", "Cache-control: no-cache", &cache);
        let media_type = self.field("Content-Type");
        let is_met = media_type == MEDIA_TYPE;
        self.note("HTTPS-030 HTTPS-052", is_met, "The header field Content-Type", MEDIA_TYPE, &media_type);
        if let Some(status) = self.answer.response().and_then(|response| response["status"].as_u64()) {
            let is_same = u64::from(code) == status || (status == 102 && code == 200);
            let told = format!("HTTP {code} and status {status}");
            let expected = "the same, but 200 for the status 102";
            self.note("HTTPS-067", is_same, "The code of HTTP and the status", expected, &told);
        }
        let own = outgoing.fields.iter().find(|(name, _)| *name == "X-Request-ID");
        if let Some(id) = own.map_or_else(|| outgoing.request_id.clone(), |(_, value)| value.clone()) {
            let echoed = self.field("X-Request-ID");
            let expected = format!("{id:?}, as it was sent");
            self.note("HTTPS-047", echoed == id, "The header field X-Request-ID", &expected, &echoed);
        }
    }

    fn field(&self, name: &str) -> String {
        self.answer.field(name).unwrap_or("none").to_owned()
    }

    fn mqtt(&mut self) {
        let topic = self.answer.topic.clone().unwrap_or_default();
        let is_response = topic == "oc2/rsp" || topic.starts_with("oc2/rsp/");
        let expected = "oc2/rsp or oc2/rsp/[producer_id]";
        self.note("MQTT-011", is_response, "The topic of the response", expected, &topic);
        for (rows, name, value) in [
            ("MQTT-023", "payload format", "1"),
            ("MQTT-024 MQTT-077", "content type", "application/openc2"),
            ("MQTT-025 MQTT-079", "msgType", "rsp"),
            ("MQTT-026 MQTT-081", "encoding", "json"),
            ("MQTT-075", "retain", "false"),
        ] {
            let own = self.answer.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
            let told = own.unwrap_or_else(|| "none".into());
            self.note(rows, told == value, &format!("The property {name}"), value, &told);
        }
        let qos = self.field("qos");
        let point = "The QoS of the response, as the broker passes it on";
        self.note("MQTT-074", qos != "0", point, "at least 1", &qos);
        self.met("MQTT-022 LS-077");
        let from = self.answer.header("from");
        let is_named = from.as_ref().and_then(Value::as_str).is_some_and(|from| !from.is_empty());
        let expected = "the identifier of the Consumer";
        self.note("MQTT-033 MQTT-085", is_named, "The header `from`", expected, &shown(from.as_ref()));
    }

    fn content(&mut self, outgoing: &Outgoing) {
        let fault = ijson::fault(&self.answer.body);
        let rows = "LS-044 LS-045 LS-230 MQTT-084";
        let told = fault.clone().unwrap_or_default();
        self.note(rows, fault.is_none(), "The octets of the answer", "I-JSON (RFC 7493)", &told);
        let Some(message) = self.answer.message() else { return };
        self.message(&message, outgoing);
        match self.answer.response() {
            Some(response) => self.response(&response),
            None => {
                let expected = "a Response with a status";
                self.note("LS-133 LS-225 HTTPS-038", false, "The content of the answer", expected, "none");
            }
        }
    }

    fn message(&mut self, message: &Value, outgoing: &Outgoing) {
        let wrapped = message.pointer("/body/openc2/response").is_some();
        if String::from_utf8_lossy(&outgoing.body).contains("\"body\"") {
            let rows = "HTTPS-032 HTTPS-036 HTTPS-038 MQTT-030 MQTT-083";
            self.note(rows, wrapped, "The message around the Response", "body.openc2.response", "another form");
        }
        if !wrapped {
            return;
        }
        let faults = schema::faults("Message", message);
        let own: Vec<_> = faults.iter().filter(|fault| !fault.path.starts_with("body.openc2.response")).collect();
        let rows = "HTTPS-032..HTTPS-034 MQTT-028 MQTT-029";
        let expected = "a Message by HTTPS 3.3.2";
        self.note(rows, own.is_empty(), "The message around the Response", expected, &told(&own));
        if let Some(created) = self.answer.header("created") {
            let is_now = created.as_u64().is_some_and(|created| created.abs_diff(now()) < CLOCKS);
            let rows = "LS-079 HTTPS-039 MQTT-031";
            let expected = "the time of the answer in milliseconds since 1970";
            self.note(rows, is_now, "The header `created`", expected, &shown(Some(&created)));
        }
        // Of what cannot be read the id may be unknown too.
        let Some(id) = outgoing.request_id.as_ref().filter(|_| ijson::fault(&outgoing.body).is_none()) else { return };
        let own = self.answer.header("request_id");
        let is_same = own.as_ref().and_then(Value::as_str) == Some(id);
        let rows = "LS-078 LS-084 HTTPS-045 MQTT-037";
        let expected = format!("{id:?}, as it was sent");
        self.note(rows, is_same, "The request_id of the answer", &expected, &shown(own.as_ref()));
    }

    fn response(&mut self, response: &Value) {
        let faults = schema::faults("OpenC2-Response", response);
        let all: Vec<_> = faults.iter().collect();
        let rows = "LS-003 LS-067 LS-132 LS-224 ARCH-006";
        self.note(rows, faults.is_empty(), "The Response", "a Response by LS 3.3.2", &told(&all));
        for (rows, path) in [
            ("LS-016 LS-066 LS-133 LS-136 LS-225", "status"),
            ("LS-134", "status_text"),
            ("LS-029 LS-043 LS-135 LS-146", "results"),
            ("LS-147 LS-203", "results.versions"),
            ("LS-148", "results.profiles"),
            ("LS-012 LS-069 LS-149 LS-184 LS-185", "results.pairs"),
            ("LS-150", "results.rate_limit"),
        ] {
            let pointer = format!("/{}", path.replace('.', "/"));
            if response.pointer(&pointer).is_none() && path != "status" {
                continue;
            }
            let own: Vec<_> = faults.iter().filter(|fault| is_at_or_below(&fault.path, path)).collect();
            let point = format!("`{path}` of the Response");
            self.note(rows, own.is_empty(), &point, "as LS 3.3.2 and 3.4 define it", &told(&own));
        }
    }
}

fn is_at_or_below(path: &str, top: &str) -> bool {
    path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn told(faults: &[&Fault]) -> String {
    faults.iter().map(|fault| format!("{}: {}", fault.path, fault.reason)).collect::<Vec<_>>().join("; ")
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "none".into(), ToString::to_string)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 7231 7.1.1.1).
fn is_imf_fixdate(text: &str) -> bool {
    let form = "aaa, 00 aaa 0000 00:00:00 GMT";
    let is_right = |(own, form): (char, char)| match form {
        'a' => own.is_ascii_alphabetic(),
        '0' => own.is_ascii_digit(),
        _ => own == form,
    };
    text.len() == form.len() && text.chars().zip(form.chars()).all(is_right)
}

/// How far apart clocks may be before a time is none of now: an hour, of milliseconds.
const CLOCKS: u64 = 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_one_form() {
        assert!(is_imf_fixdate("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert!(!is_imf_fixdate("Sunday, 06-Nov-94 08:49:37 GMT"));
    }
}
