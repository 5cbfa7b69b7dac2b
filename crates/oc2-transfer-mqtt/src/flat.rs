//! The flat layout that some deployed peers use in place of the standard's: content and headers side by side. Read and answered
//! in kind in lenient mode; otherwise written by a Producer only, for peers that it was told know nothing else.

use std::fmt;

use bytes::Bytes;
use serde_json::value::RawValue;

/// From `{"content": {"request": ..}, "request_id": .., "created": .., "from": .., "to": ..}` to the layout of MQTT 2.4.2; `None`
/// if it is anything else. What is in the members is not looked at.
pub(crate) fn unfold(payload: &[u8]) -> Option<Bytes> {
    let members = members(payload)?;
    let content = member(&members, CONTENT)?;
    if member(&members, BODY).is_some() || member(&members, HEADERS).is_some() {
        return None;
    }
    let headers = members.iter().filter(|(name, value)| name != CONTENT && value.get() != "null");
    let headers = headers.map(|(name, value)| (name.as_str(), value.get()));
    let headers = Object(headers.collect()).to_string();
    let body = Object(vec![("openc2", content)]).to_string();
    let members = if headers == "{}" { vec![(BODY, &*body)] } else { vec![(HEADERS, &*headers), (BODY, &*body)] };
    Some(Object(members).to_string().into())
}

/// From the layout of the standard to the flat one; `None` if it is not the layout of the standard. Of the headers those are kept
/// that the peers know: they refuse a message with others.
pub(crate) fn fold(payload: &[u8]) -> Option<Bytes> {
    let message = members(payload)?;
    let body = members(member(&message, BODY)?.as_bytes())?;
    let headers = match member(&message, HEADERS) {
        Some(headers) => members(headers.as_bytes())?,
        None => Vec::new(),
    };
    let mut flat = vec![(CONTENT, member(&body, "openc2")?)];
    flat.extend(KNOWN.iter().filter_map(|name| Some((*name, member(&headers, name)?))));
    Some(Object(flat).to_string().into())
}

/// The members of an object, none of them twice.
fn members(json: &[u8]) -> Option<Vec<(String, Box<RawValue>)>> {
    let Members(members) = serde_json::from_slice(json).ok()?;
    Some(members)
}

fn member<'m>(members: &'m [(String, Box<RawValue>)], name: &str) -> Option<&'m str> {
    members.iter().find(|(own, _)| own == name).map(|(_, value)| value.get())
}

/// Members as they are written.
struct Object<'v>(Vec<(&'v str, &'v str)>);

impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (position, (name, value)) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            write!(f, "{comma}{}:{value}", serde_json::Value::from(*name))?;
        }
        f.write_str("}")
    }
}

struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfObject)
    }
}

struct OfObject;

impl<'de> serde::de::Visitor<'de> for OfObject {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::<(String, Box<RawValue>)>::new();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            if members.len() == MAX_MEMBERS || members.iter().any(|(own, _)| *own == name) {
                return Err(serde::de::Error::custom("too many members, or one of them twice"));
            }
            members.push((name, value));
        }
        Ok(Members(members))
    }
}

const CONTENT: &str = "content";
const HEADERS: &str = "headers";
const BODY: &str = "body";
const KNOWN: [&str; 4] = ["request_id", "created", "from", "to"];
/// No layout has so many.
const MAX_MEMBERS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_unfold(flat: &str, expected: Option<&str>) {
        assert_eq!(unfold(flat.as_bytes()).as_deref().map(|bytes| str::from_utf8(bytes).unwrap()), expected, "{flat}");
    }

    #[test]
    fn a_flat_message_is_laid_out_as_the_standard_has_it() {
        check_unfold(
            r#"{"content":{"request":{"action":"query"}},"request_id":"a","created":1,"from":"p","to":["c"]}"#,
            Some(
                r#"{"headers":{"request_id":"a","created":1,"from":"p","to":["c"]},"body":{"openc2":{"request":{"action":"query"}}}}"#,
            ),
        );
        check_unfold(r#"{"content": {"request": {}}}"#, Some(r#"{"body":{"openc2":{"request": {}}}}"#));
        check_unfold(r#"{"content":{},"to":null}"#, Some(r#"{"body":{"openc2":{}}}"#));
    }

    #[test]
    fn anything_else_is_left_alone() {
        for other in [
            r#"{"headers":{},"body":{"openc2":{}}}"#,
            r#"{"content":{},"body":{}}"#,
            r#"{"content":{},"content":{}}"#,
            r#"{"action":"query"}"#,
            r#"{"content":"#,
            "[]",
            "",
        ] {
            check_unfold(other, None);
        }
    }

    #[test]
    fn an_answer_in_kind_has_only_what_the_peers_know() {
        let message = br#"{"headers":{"request_id":"a","created":1,"from":"c","x":1},"body":{"openc2":{"response":{"status":200}}},"signature":"s"}"#;
        let flat = fold(message).unwrap();
        assert_eq!(flat, r#"{"content":{"response":{"status":200}},"request_id":"a","created":1,"from":"c"}"#);
        assert_eq!(fold(b"{}"), None);
    }
}
