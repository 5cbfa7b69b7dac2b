//! Documents a second, per form, and the ratio to floors measured in the same run: `cargo bench -p oc2-encoding --bench codec`.
//!
//! The documents are those of `tests/corpus` that are good for everybody. We read them strictly, with every check there is. The
//! floors: the syntax alone (`IgnoredAny`), a tree of the same library (`Value`), and the crate `openc2` on the documents that it
//! can read. Everything is measured in turns, many times, and the medians are told; use the ratios, machines are noisy. Above 1 we
//! are faster. Then come the same figures one by one, by criterion.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use oc2_core::shape::read::{Context, Mode, Read, ReadError};
use oc2_core::{Command, Content, Envelope, Form, Headers, Message, Notation, Response};
use oc2_encoding::{Cbor, Encoding, Json, read_cbor, read_json};
use oc2_profile_slpf::Slpf;
use serde::de::IgnoredAny;

fn main() {
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let documents = Document::all();
    println!("{} documents\n", documents.len());
    println!("{:<38}{:>14}{:>14}{:>14}{:>14}", "", "documents/s", "to syntax", "to Value", "to openc2");
    for form in FORMS {
        Bench::reading(&documents, form).report();
    }
    for form in FORMS {
        Bench::writing(&documents, form).report();
    }
    Bench::refusing(&documents).report();
    let mut criterion =
        Criterion::default().measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_secs(1));
    one_by_one(&mut criterion, &documents);
    criterion.final_summary();
}

/// A good document: its content, and its bytes in every form.
struct Document {
    message: Message,
    bytes: [Vec<u8>; FORMS.len()],
    /// The crate `openc2` can read it, too.
    is_of_peer: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Wire {
    Json,
    Cbor,
}

#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    index: usize,
    wire: Wire,
    notation: Notation,
}

const FORMS: [Kind; 5] = [
    Kind { name: "JSON by name", index: 0, wire: Wire::Json, notation: Notation::Verbose },
    Kind { name: "JSON compact", index: 1, wire: Wire::Json, notation: Notation::Compact },
    Kind { name: "JSON concise", index: 2, wire: Wire::Json, notation: Notation::Concise },
    Kind { name: "CBOR by id", index: 3, wire: Wire::Cbor, notation: Notation::Concise },
    Kind { name: "CBOR by name", index: 4, wire: Wire::Cbor, notation: Notation::Verbose },
];

impl Document {
    fn all() -> Vec<Self> {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus");
        let index = std::fs::read_to_string(corpus.join("corpus.tsv")).expect("the corpus");
        let rows = index.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
        let good = rows.filter(|row| row[2..5] == ["good"; 3] && row[1] != "message");
        good.filter_map(|row| Self::new(&std::fs::read(corpus.join(row[0])).expect("a document"), row[1])).collect()
    }

    /// One that nobody can type stays in its form: it is left out.
    fn new(json: &[u8], kind: &str) -> Option<Self> {
        let content = match kind {
            "command" => Content::Request(read_as::<Command>(json, FORMS[0]).ok()?.typed::<Slpf>().ok()?),
            _ => Content::Response(read_as::<Response>(json, FORMS[0]).ok()?.typed::<Slpf>().ok()?),
        };
        let is_of_peer = match kind {
            "command" => serde_json::from_slice::<openc2::json::Command>(json).is_ok(),
            _ => serde_json::from_slice::<openc2::json::Response>(json).is_ok(),
        };
        let message = match content {
            Content::Request(command) => Message::request(Headers::default(), command),
            Content::Response(response) => Message::response(Headers::default(), response),
            Content::Notification(_) => return None,
        };
        let mut bytes = FORMS.map(|_| Vec::new());
        for form in FORMS {
            bytes[form.index] = write(&message, form)?;
        }
        Some(Self { message, bytes, is_of_peer })
    }
}

fn read_as<T: Read>(bytes: &[u8], form: Kind) -> Result<T, ReadError> {
    let context = Context::new(Mode::Strict).in_notation(form.notation);
    match form.wire {
        Wire::Json => read_json(bytes, &mut { context }),
        Wire::Cbor => read_cbor(bytes, &mut context.of_binary()),
    }
}

fn read(document: &Document, bytes: &[u8], form: Kind) -> bool {
    match document.message.content() {
        Content::Request(_) => black_box(read_as::<Command>(bytes, form)).is_ok(),
        _ => black_box(read_as::<Response>(bytes, form)).is_ok(),
    }
}

fn write(message: &Message, form: Kind) -> Option<Vec<u8>> {
    let bare = Form::DEFAULT.with_envelope(Envelope::Bare).with_notation(form.notation);
    match form.wire {
        Wire::Json => Json.encode(message, bare).ok(),
        Wire::Cbor => Cbor.encode(message, bare).ok(),
    }
}

/// One measurement: what we do, and the floors, each over its own documents.
struct Bench<'d> {
    name: String,
    n_documents: usize,
    ours: Box<dyn Fn() + 'd>,
    syntax: Option<Box<dyn Fn() + 'd>>,
    value: Option<Box<dyn Fn() + 'd>>,
    /// Ours and theirs, over the documents that both read.
    peer: Option<[Box<dyn Fn() + 'd>; 2]>,
}

impl<'d> Bench<'d> {
    fn reading(documents: &'d [Document], form: Kind) -> Self {
        let bytes = move |document: &'d Document| document.bytes[form.index].as_slice();
        let of_peer: Vec<_> = documents.iter().filter(|document| document.is_of_peer).collect();
        let each = |read: fn(&[u8]) -> bool| -> Option<Box<dyn Fn() + 'd>> {
            Some(Box::new(move || documents.iter().for_each(|document| assert!(read(bytes(document))))))
        };
        let (syntax, value) = match form.wire {
            Wire::Json => (
                each(|bytes| serde_json::from_slice::<IgnoredAny>(black_box(bytes)).is_ok()),
                each(|bytes| black_box(serde_json::from_slice::<serde_json::Value>(black_box(bytes))).is_ok()),
            ),
            Wire::Cbor => (
                each(|bytes| serde_cbor::from_slice::<IgnoredAny>(black_box(bytes)).is_ok()),
                each(|bytes| black_box(serde_cbor::from_slice::<serde_cbor::Value>(black_box(bytes))).is_ok()),
            ),
        };
        let theirs = of_peer.clone();
        Self {
            name: format!("read {}", form.name),
            n_documents: documents.len(),
            ours: Box::new(move || {
                documents.iter().for_each(|document| assert!(read(document, black_box(bytes(document)), form)));
            }),
            syntax,
            value,
            // The crate reads JSON by name; what the same documents cost us in this form is compared with that.
            peer: Some([
                Box::new(move || {
                    of_peer.iter().for_each(|document| assert!(read(document, black_box(bytes(document)), form)));
                }),
                Box::new(move || theirs.iter().for_each(|document| read_as_peer(document))),
            ]),
        }
    }

    fn writing(documents: &'d [Document], form: Kind) -> Self {
        let of_peer: Vec<_> = documents.iter().filter(|document| document.is_of_peer).collect();
        let theirs: Vec<_> = of_peer.iter().map(|document| PeerContent::of(document)).collect();
        let values: Vec<serde_json::Value> =
            documents.iter().map(|document| serde_json::from_slice(&document.bytes[0]).expect("JSON")).collect();
        Self {
            name: format!("write {}", form.name),
            n_documents: documents.len(),
            ours: Box::new(move || {
                documents.iter().for_each(|document| assert!(black_box(write(&document.message, form)).is_some()));
            }),
            syntax: None,
            value: Some(Box::new(move || {
                values.iter().for_each(|value| assert!(black_box(serde_json::to_vec(black_box(value))).is_ok()));
            })),
            peer: Some([
                Box::new(move || {
                    of_peer.iter().for_each(|document| assert!(black_box(write(&document.message, form)).is_some()));
                }),
                Box::new(move || theirs.iter().for_each(PeerContent::write)),
            ]),
        }
    }

    /// A bad document beside the good one it was made of: its last byte but one is another.
    fn refusing(documents: &'d [Document]) -> Self {
        let bad: Vec<(&Document, Vec<u8>)> = documents
            .iter()
            .map(|document| {
                let mut bytes = document.bytes[0].clone();
                let end = bytes.len() - 1;
                bytes.truncate(end);
                bytes.extend_from_slice(b",\"x\":0}");
                (document, bytes)
            })
            .collect();
        let good = FORMS[0];
        Self {
            name: "refuse JSON by name (to good: value)".to_owned(),
            n_documents: documents.len(),
            ours: Box::new(move || {
                for (document, bytes) in &bad {
                    assert!(!read(document, black_box(bytes), good));
                }
            }),
            syntax: None,
            value: Some(Box::new(move || {
                documents.iter().for_each(|document| assert!(read(document, black_box(&document.bytes[0]), good)));
            })),
            peer: None,
        }
    }

    fn report(&self) {
        let mut measured = [(); 5].map(|()| Vec::with_capacity(ROUNDS));
        let peers = self.peer.as_ref().map(|[ours, theirs]| (ours, theirs));
        let runs: [Option<&dyn Fn()>; 5] = [
            Some(&*self.ours),
            self.syntax.as_deref(),
            self.value.as_deref(),
            peers.map(|(ours, _)| &**ours),
            peers.map(|(_, theirs)| &**theirs),
        ];
        for _ in 0..ROUNDS {
            for (run, times) in runs.iter().zip(&mut measured) {
                if let Some(run) = run {
                    let start = Instant::now();
                    for _ in 0..REPEATED {
                        run();
                    }
                    times.push(start.elapsed());
                }
            }
        }
        let [ours, syntax, value, with_peer, peer] = measured.map(median);
        let rate = (self.n_documents * REPEATED) as f64 / ours.expect("measured").as_secs_f64();
        let ratio = |floor: Option<Duration>, ours: Option<Duration>| match (floor, ours) {
            (Some(floor), Some(ours)) => format!("{:.2}", floor.as_secs_f64() / ours.as_secs_f64()),
            _ => "-".to_owned(),
        };
        println!(
            "{:<38}{rate:>14.0}{:>14}{:>14}{:>14}",
            self.name,
            ratio(syntax, ours),
            ratio(value, ours),
            ratio(peer, with_peer)
        );
    }
}

fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

/// Content as the crate `openc2` has it.
enum PeerContent {
    Command(openc2::json::Command),
    Response(openc2::json::Response),
}

impl PeerContent {
    fn of(document: &Document) -> Self {
        match document.message.content() {
            Content::Request(_) => Self::Command(serde_json::from_slice(&document.bytes[0]).expect("it reads it")),
            _ => Self::Response(serde_json::from_slice(&document.bytes[0]).expect("it reads it")),
        }
    }

    fn write(&self) {
        match self {
            Self::Command(command) => assert!(black_box(serde_json::to_vec(black_box(command))).is_ok()),
            Self::Response(response) => assert!(black_box(serde_json::to_vec(black_box(response))).is_ok()),
        }
    }
}

fn read_as_peer(document: &Document) {
    let bytes = black_box(document.bytes[0].as_slice());
    match document.message.content() {
        Content::Request(_) => assert!(black_box(serde_json::from_slice::<openc2::json::Command>(bytes)).is_ok()),
        _ => assert!(black_box(serde_json::from_slice::<openc2::json::Response>(bytes)).is_ok()),
    }
}

fn one_by_one(criterion: &mut Criterion, documents: &[Document]) {
    let mut group = criterion.benchmark_group("corpus");
    group.throughput(Throughput::Elements(documents.len() as u64));
    for form in FORMS {
        let bytes = |document: &Document| document.bytes[form.index].clone();
        let inputs: Vec<_> = documents.iter().map(|document| (document, bytes(document))).collect();
        group.bench_function(format!("read {}", form.name), |bencher| {
            bencher
                .iter(|| inputs.iter().for_each(|(document, bytes)| assert!(read(document, black_box(bytes), form))));
        });
        group.bench_function(format!("write {}", form.name), |bencher| {
            bencher.iter(|| documents.iter().for_each(|document| assert!(write(&document.message, form).is_some())));
        });
    }
    group.finish();
}

const ROUNDS: usize = 31;
const REPEATED: usize = 20;
