//! Documents with one thing in them changed: almost messages, in more ways than flipped bits find.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_cbor::Value;

/// A change, and where.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    place: Index,
    kind: Kind,
    atom: Atom,
    key: Key,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Replace,
    Remove,
    Insert,
    Wrap,
}

#[derive(Clone, Debug)]
struct Atom(Value);

#[derive(Clone, Debug)]
struct Key(Value);

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let kinds = prop::sample::select(&[Kind::Replace, Kind::Remove, Kind::Insert, Kind::Wrap][..]);
    (any::<Index>(), kinds, prop::sample::select(atoms()), prop::sample::select(keys()))
        .prop_map(|(place, kind, atom, key)| Change { place, kind, atom: Atom(atom), key: Key(key) })
}

/// What stands where something else is due.
fn atoms() -> Vec<Value> {
    let text = |text: &str| Value::Text(text.to_owned());
    let map = |key: Value, value: Value| Value::Map(BTreeMap::from([(key, value)]));
    vec![
        Value::Null,
        Value::Bool(true),
        Value::Integer(0),
        Value::Integer(-1),
        Value::Integer(1024),
        Value::Integer(900),
        Value::Integer(1 << 53),
        Value::Float(80.0),
        Value::Float(0.5),
        text(""),
        text("deny"),
        text("AQIDBA"),
        text("1.2.3.4"),
        Value::Bytes(vec![1, 2, 3, 4]),
        Value::Array(Vec::new()),
        Value::Array(vec![Value::Null]),
        Value::Map(BTreeMap::new()),
        map(text("a"), Value::Integer(1)),
        map(Value::Integer(1024), Value::Integer(7)),
        map(Value::Integer(1), Value::Integer(7)),
        map(text("rule_number"), Value::Integer(7)),
    ]
}

fn keys() -> Vec<Value> {
    let names = [
        "x-a",
        "slpf",
        "pf",
        "blinky",
        "x-acme:led",
        "pf:a",
        "slpf:rule_number",
        "status",
        "action",
        "body",
        "headers",
        "from",
        "args",
        "results",
        "1",
        "7",
        "1024",
        "1034",
        "",
    ];
    let ids = [0, 1, 3, 4, 7, 900, 1024, 1025, 1034, 9001, 4_294_967_295];
    names.iter().map(|name| Value::Text((*name).to_owned())).chain(ids.map(Value::Integer)).collect()
}

impl Change {
    pub(crate) fn apply(&self, document: &mut Value) {
        let place = self.place.index(count(document));
        self.at(document, &mut { place });
    }

    /// Counts down to the place, depth first.
    fn at(&self, value: &mut Value, left: &mut usize) -> bool {
        if *left == 0 {
            self.here(value);
            return true;
        }
        *left -= 1;
        match value {
            Value::Array(items) => items.iter_mut().any(|item| self.at(item, left)),
            Value::Map(members) => members.values_mut().any(|member| self.at(member, left)),
            _ => false,
        }
    }

    fn here(&self, value: &mut Value) {
        let (Atom(atom), Key(key)) = (&self.atom, &self.key);
        match (self.kind, &mut *value) {
            (Kind::Remove, Value::Array(items)) if !items.is_empty() => {
                items.remove(self.place.index(items.len()));
            }
            (Kind::Remove, Value::Map(members)) if !members.is_empty() => {
                let key = members.keys().nth(self.place.index(members.len())).cloned().expect("a key");
                members.remove(&key);
            }
            (Kind::Insert, Value::Array(items)) => items.insert(self.place.index(items.len() + 1), atom.clone()),
            (Kind::Insert, Value::Map(members)) => {
                members.insert(key.clone(), atom.clone());
            }
            (Kind::Wrap, _) => *value = Value::Array(vec![value.clone()]),
            _ => *value = atom.clone(),
        }
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Map(members) => 1 + members.values().map(count).sum::<usize>(),
        _ => 1,
    }
}
