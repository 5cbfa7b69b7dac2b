//! What went over the wire, and what it says.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cbor;

/// One exchange, octet for octet.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Exchange {
    pub(crate) sent: Vec<u8>,
    pub(crate) received: Vec<u8>,
    /// What came back, taken apart. Several over MQTT, if somebody answers twice.
    pub(crate) answers: Vec<Answer>,
    /// What became of the connection, where that is the point.
    pub(crate) remark: Option<String>,
}

/// An answer, over whatever transfer.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Answer {
    /// The code of HTTP.
    pub(crate) code: Option<u16>,
    /// Header fields of HTTP, or properties of MQTT, in order.
    pub(crate) fields: Vec<(String, String)>,
    /// Where it came from: the topic.
    pub(crate) topic: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Exchange {
    /// The first answer.
    pub(crate) fn answer(&self) -> Option<&Answer> {
        self.answers.first()
    }

    /// The status of OpenC2 (LS 3.3.2.1).
    pub(crate) fn status(&self) -> Option<u64> {
        self.answer()?.status()
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.status() == Some(200)
    }

    /// `status_text`
    pub(crate) fn text(&self) -> String {
        let text = self.answer().and_then(Answer::response);
        text.and_then(|response| response["status_text"].as_str().map(ToOwned::to_owned)).unwrap_or_default()
    }

    /// `results`
    pub(crate) fn results(&self) -> Value {
        self.answer().and_then(Answer::response).map_or(Value::Null, |response| response["results"].clone())
    }

    /// The number of the rule that was made.
    pub(crate) fn rule_number(&self) -> Option<i64> {
        self.results().pointer("/slpf/rule_number").and_then(Value::as_i64)
    }

    pub(crate) fn code(&self) -> Option<u16> {
        self.answer()?.code
    }

    /// Whether there is no Response of OpenC2 in it.
    pub(crate) fn is_silent(&self) -> bool {
        self.answers.iter().all(|answer| answer.body.is_empty())
    }

    /// What was answered, in a few words.
    pub(crate) fn told(&self) -> String {
        let Some(answer) = self.answer() else { return "nothing was answered".into() };
        let text = self.text();
        match (answer.code, answer.status()) {
            (_, Some(status)) if !text.is_empty() => format!("{status} \"{text}\""),
            (_, Some(status)) => format!("{status}"),
            (Some(code), None) => format!("HTTP {code} without a Response"),
            (None, None) => "an answer without a status".into(),
        }
    }
}

impl Answer {
    /// The message in it, if it is JSON, or a Response in CBOR.
    pub(crate) fn message(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok().or_else(|| cbor::message(&self.body))
    }

    /// The Response in it: in a wrapper, or alone.
    pub(crate) fn response(&self) -> Option<Value> {
        let message = self.message()?;
        if let Some(response) = message.pointer("/body/openc2/response") {
            return Some(response.clone());
        }
        message.get("status").is_some().then_some(message)
    }

    /// The status of the Response; where there is none, the code of HTTP (DECISIONS R5).
    pub(crate) fn status(&self) -> Option<u64> {
        match self.response() {
            Some(response) => response["status"].as_u64(),
            None => self.code.map(u64::from),
        }
    }

    /// A header of the message.
    pub(crate) fn header(&self, name: &str) -> Option<Value> {
        self.message()?.pointer("/headers")?.get(name).cloned()
    }

    /// The first field of this name; names are compared without case.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Octets as a person can read them: text as it is, whatever else in hexadecimal.
pub(crate) fn show(octets: &[u8]) -> String {
    let is_readable = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    let (octets, rest) = octets.split_at(octets.len().min(SHOWN));
    let mut shown = match str::from_utf8(octets) {
        Ok(text) if text.chars().all(is_readable) => text.replace('\r', ""),
        _ => octets.iter().map(|octet| octet.escape_ascii().to_string()).collect::<String>().replace("\\r\\n", "\n"),
    };
    if !rest.is_empty() {
        shown += &format!("... and {} octets", rest.len());
    }
    shown
}

/// More of an exchange says nothing more.
const SHOWN: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Exchange {
        let answer = Answer { code: Some(200), body: body.into(), ..Answer::default() };
        Exchange { answers: vec![answer], ..Exchange::default() }
    }

    #[test]
    fn the_status_of_the_content_goes_before_the_code() {
        let wrapped = answer(r#"{"body":{"openc2":{"response":{"status":501,"status_text":"no"}}}}"#);
        assert_eq!((wrapped.status(), &*wrapped.told()), (Some(501), "501 \"no\""));
        assert_eq!(answer(r#"{"status":404}"#).status(), Some(404));
        assert_eq!((answer("").status(), answer("").is_silent()), (Some(200), true));
    }

    #[test]
    fn octets_that_are_no_text_are_escaped() {
        assert_eq!(show(b"POST\r\n\r\n{}"), "POST\n\n{}");
        assert_eq!(show(&[0x16, 3, b'a']), "\\x16\\x03a");
    }
}
