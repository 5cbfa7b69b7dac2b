//! What the readers are fed at first: the corpus and the vectors, wrapped and rewritten as each reader takes them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use oc2_core::{Form, Message, Mode, Notation};
use oc2_encoding::{Cbor, Encoding, Json, JsonIn};
use serde_json::Value;

use crate::slpf::{FORMS, choice, typed};
use crate::texts::KINDS;

pub(crate) fn json() -> Vec<Vec<u8>> {
    let mut seeds = documents();
    seeds.extend(vectors("json"));
    // In lenient mode these are read as well.
    seeds.extend(vectors("json_compact"));
    seeds.extend(vectors("json_concise"));
    distinct(seeds)
}

pub(crate) fn json_compact() -> Vec<Vec<u8>> {
    let mut seeds = vectors("json_compact");
    seeds.extend(rewritten(&JsonIn(Notation::Compact), Notation::Compact));
    distinct(seeds)
}

pub(crate) fn json_concise() -> Vec<Vec<u8>> {
    let mut seeds = vectors("json_concise");
    seeds.extend(rewritten(&JsonIn(Notation::Concise), Notation::Concise));
    distinct(seeds)
}

pub(crate) fn cbor() -> Vec<Vec<u8>> {
    let mut seeds = vectors("cbor_hex");
    seeds.extend(vectors("verbose_cbor_hex"));
    seeds.extend(rewritten(&Cbor, Notation::Concise));
    seeds.extend(rewritten(&Cbor, Notation::Verbose));
    distinct(seeds)
}

/// Those documents in which SLPF has a part, in every form.
pub(crate) fn slpf() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let mut add = |choice, bytes: &[u8]| seeds.push([&[choice], bytes].concat());
    for document in documents() {
        if document.windows(4).any(|four| four == b"slpf") {
            add(choice(0, Mode::Lenient), &document);
            for (i, (encoding, notation)) in (0..).zip(FORMS) {
                if let Some(bytes) = rewrite(&document, *encoding, *notation) {
                    add(choice(i, Mode::Strict), &bytes);
                    add(choice(i, Mode::Lenient), &bytes);
                }
            }
        }
    }
    distinct(seeds)
}

/// Texts of the corpus as each type, those that are of it and those that are not.
pub(crate) fn texts() -> Vec<Vec<u8>> {
    let mut texts = BTreeSet::new();
    for document in documents() {
        if let Ok(value) = serde_json::from_slice(&document) {
            gather(&value, &mut texts);
        }
    }
    for text in HARD_TEXTS {
        texts.insert((*text).to_owned());
    }
    texts.retain(|text| text.len() <= LONGEST_TEXT);
    let mut seeds = Vec::new();
    for (choice, is_one) in (0_u8..).zip(KINDS) {
        let (good, bad): (Vec<_>, Vec<_>) = texts.iter().partition(|text| is_one(text));
        for texts in [good, bad] {
            // A few dozen tell as much as thousands.
            let step = texts.len().div_ceil(TEXTS_OF_A_KIND).max(1);
            seeds.extend(texts.iter().step_by(step).map(|text| [&[choice], text.as_bytes()].concat()));
        }
    }
    distinct(seeds)
}

pub(crate) fn media_types() -> Vec<Vec<u8>> {
    distinct(MEDIA_TYPES.iter().map(|text| text.as_bytes().to_vec()).collect())
}

pub(crate) fn http() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for request in REQUESTS {
        seeds.push(request.as_bytes().to_vec());
    }
    for media_type in MEDIA_TYPES {
        for name in ["Content-Type", "Accept"] {
            seeds.push(format!("POST {PATH} HTTP/1.1\r\nHost: a\r\n{name}: {media_type}\r\n\r\n").into_bytes());
        }
    }
    distinct(seeds)
}

/// The documents of the corpus as messages, and the Commands and Responses as they are.
fn documents() -> Vec<Vec<u8>> {
    let index = read(&corpus().join("corpus.tsv"));
    let index = String::from_utf8_lossy(&index);
    let mut documents = Vec::new();
    for row in index.lines().skip(1) {
        let mut columns = row.split('\t');
        let (Some(path), Some(kind)) = (columns.next(), columns.next()) else { continue };
        let bytes = read(&corpus().join(path));
        let member = match kind {
            "command" => "request",
            "response" => "response",
            _ => {
                documents.push(bytes);
                continue;
            }
        };
        let before = format!(r#"{{"headers":{{"request_id":"a"}},"body":{{"openc2":{{"{member}":"#);
        documents.push([before.as_bytes(), &bytes, b"}}}"].concat());
        documents.push(bytes);
    }
    documents
}

/// The documents of the corpus that can be written in this form.
fn rewritten(encoding: &dyn Encoding, notation: Notation) -> impl Iterator<Item = Vec<u8>> {
    documents().into_iter().filter_map(move |document| rewrite(&document, encoding, notation))
}

fn rewrite(document: &[u8], encoding: &dyn Encoding, notation: Notation) -> Option<Vec<u8>> {
    let decoded = Json.decode(document, Mode::Lenient).ok()?;
    let as_it_is = decoded.message.clone();
    let message: Message = typed(decoded.message).unwrap_or(as_it_is);
    let form: Form = decoded.form.with_notation(notation);
    encoding.encode(&message, form).ok()
}

/// The vectors in one of the forms they state.
fn vectors(form: &str) -> Vec<Vec<u8>> {
    let file: Value =
        serde_json::from_slice(&read(&tests().join("../crates/oc2-encoding/tests/data/cbor-vectors.json")))
            .expect("the vectors are JSON");
    let vectors = file["vectors"].as_array().expect("the vectors are a list").iter();
    vectors
        .map(|vector| match &vector[form] {
            Value::String(hex) => HEXLOWER.decode(hex.as_bytes()).expect("the vectors are hexadecimal"),
            json => json.to_string().into_bytes(),
        })
        .collect()
}

fn gather(value: &Value, texts: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            texts.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Object(members) => {
            texts.extend(members.keys().cloned());
            members.values().for_each(|value| gather(value, texts));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Each once, short ones first, and none that takes long for what it is worth.
fn distinct(mut seeds: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    seeds.retain(|seed| seed.len() <= LONGEST);
    seeds.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    seeds.dedup();
    seeds
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn corpus() -> PathBuf {
    tests().join("corpus")
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

const LONGEST: usize = 4096;
const LONGEST_TEXT: usize = 300;
const TEXTS_OF_A_KIND: usize = 40;
const PATH: &str = "/.well-known/openc2";

const HARD_TEXTS: &[&str] = &[
    "",
    "a.example.",
    "xn--bcher-kva.example",
    "b\u{fc}cher.example",
    "b\u{fc}cher@b\u{fc}cher.example",
    "\"a b\\\"c\"@[IPv6:2001:db8::1]",
    "a.b+c@[192.0.2.1]",
    "http://[2001:db8::1]:80/a%20b?c=d#e",
    "http://[v1.a]/",
    "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "\u{2f8}:a",
    "::ffff:192.0.2.1/96",
    "2001:db8::/32",
    "0.0.0.0/0",
    "00:1a:2B:3c:4d:5e:6f:70",
    "application/vnd.oasis.openc2+json",
    "deny x-acme:thing",
];

const MEDIA_TYPES: &[&str] = &[
    "application/openc2+json;version=1.0",
    " Application/OpenC2+JSON ; charset=\"a;b\\\"c\"; Version=\"1.0\" ",
    "application/openc2+json;version=1.0;version=2.0",
    "application/openc2-cmd+json;version=1.0",
    "application/openc2-rsp+json",
    "application/openc2+cbor;version=1.0",
    "application/json",
    "application/*;q=0.5, text/html;q=0, */*;q=0.000",
    "application/openc2+json;version=1.0;q=1.0,application/json",
    "*/*",
    "",
    ",,",
];

const REQUESTS: &[&str] = &[
    "POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nContent-Type: application/openc2+json;version=1.0\r\nContent-Length: 2\r\n\r\n{}",
    "POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\naPOST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nb",
    "POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nT: c\r\n\r\n",
    "POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
    "POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nX-Request-ID: b\r\n\r\n",
    "POST /.well-known/openc2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 9\r\n\r\ncut",
    "POST http://a/.well-known/openc2 HTTP/1.1\r\nHost: [::1]:80\r\nContent-Encoding: gzip\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "HEAD /.well-known/openc2?a=b HTTP/1.1\r\nHost: a\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "rubbish\r\nX-Request-ID: a\r\n\r\n",
    "\r\n\r\n",
    "\x16\x03\x01",
];
