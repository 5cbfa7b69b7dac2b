//! A Consumer with actuators that do as they are told, and a Producer that speaks JSON.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oc2_actuator::{Actuator, Context, Receipt};
use oc2_consumer::{Consumer, ConsumerBuilder, Settings, WantsActuators};
use oc2_core::types::time::DateTime;
use oc2_core::{CommandRow, Mode, Nsid, Profile, Rejection};
use oc2_encoding::{Encoding, Json};
use oc2_profile_slpf::{Command, Packets, Refusal, Results, RuleNumber, Slpf, Specifiers};
use oc2_transfer::{Handler, Peer, Reply, Request, Scope};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub(crate) const JSON: &str = "application/openc2+json;version=1.0";

/// An slpf actuator that records, waits, fails and panics on demand.
#[derive(Clone)]
pub(crate) struct Recorder(Arc<State>);

struct State {
    asset_id: String,
    without: Vec<String>,
    left_out: Option<String>,
    performed: Mutex<Vec<Command>>,
    n_started: AtomicUsize,
    undoes: bool,
    undone: Mutex<Vec<Vec<u8>>>,
    gate: Option<Semaphore>,
    fault: Fault,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    Fails,
    Panics,
    PanicsWhenAsked,
    /// Says so once, then performs.
    IsBusyOnce,
    /// Never says whether it would perform.
    NeverDecides,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self::with("30", &[], None, Fault::None)
    }

    pub(crate) fn named(asset_id: &str) -> Self {
        Self::with(asset_id, &[], None, Fault::None)
    }

    /// Performs nothing until it is told to go on.
    pub(crate) fn slow() -> Self {
        Self::with("30", &[], Some(Semaphore::new(0)), Fault::None)
    }

    pub(crate) fn faulty(fault: Fault) -> Self {
        Self::with("30", &[], None, fault)
    }

    pub(crate) fn without(args: &[&str]) -> Self {
        Self::with("30", args, None, Fault::None)
    }

    /// Implements every pair of the profile but this one, such as `deny ipv4_net`.
    pub(crate) fn all_but(pair: &str) -> Self {
        let mut recorder = Self::new();
        Arc::get_mut(&mut recorder.0).expect("nobody else has it").left_out = Some(pair.into());
        recorder
    }

    /// Can undo what it did.
    pub(crate) fn undoing(mut self) -> Self {
        Arc::get_mut(&mut self.0).expect("nobody else has it").undoes = true;
        self
    }

    /// What it has undone: the first by its note, and so on.
    pub(crate) fn undone(&self) -> Vec<String> {
        let undone = self.0.undone.lock().unwrap();
        undone.iter().map(|note| String::from_utf8(note.clone()).expect("a note of ours")).collect()
    }

    fn with(asset_id: &str, without: &[&str], gate: Option<Semaphore>, fault: Fault) -> Self {
        Self(Arc::new(State {
            asset_id: asset_id.into(),
            without: without.iter().map(ToString::to_string).collect(),
            left_out: None,
            performed: Mutex::default(),
            n_started: AtomicUsize::new(0),
            undoes: false,
            undone: Mutex::default(),
            gate,
            fault,
        }))
    }

    pub(crate) fn go_on(&self) {
        self.0.gate.as_ref().expect("a slow one").add_permits(1);
    }

    pub(crate) fn n_performed(&self) -> usize {
        self.0.performed.lock().unwrap().len()
    }

    /// The nets it allowed or denied, in order.
    pub(crate) fn nets(&self) -> Vec<String> {
        let net = |command: &Command| match command {
            Command::Allow(rule) | Command::Deny { rule, .. } => match &rule.packets {
                Packets::Ipv4Net(net) => Some(net.to_string()),
                _ => None,
            },
            _ => None,
        };
        self.0.performed.lock().unwrap().iter().filter_map(net).collect()
    }

    pub(crate) fn n_started(&self) -> usize {
        self.0.n_started.load(Ordering::SeqCst)
    }
}

impl Actuator for Recorder {
    type Profile = Slpf;

    fn commands(&self) -> Vec<&'static CommandRow> {
        let is_left_out =
            |row: &CommandRow| self.0.left_out.as_ref().is_some_and(|pair| *pair == row.pair().to_string());
        Slpf::COMMANDS.iter().filter(|row| !is_left_out(row)).collect()
    }

    fn unsupported_args(&self) -> &[String] {
        &self.0.without
    }

    fn is_addressed(&self, specifiers: &Specifiers) -> bool {
        specifiers.asset_id.as_ref().is_none_or(|id| *id == self.0.asset_id)
            && specifiers.hostname.is_none()
            && specifiers.named_group.is_none()
            && specifiers.asset_tuple.is_none()
    }

    async fn check(&self, _: &Command, _: &Context) -> Result<(), Rejection> {
        assert!(self.0.fault != Fault::PanicsWhenAsked, "on purpose");
        if self.0.fault == Fault::NeverDecides {
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    async fn undo(&self, note: &[u8], _: Option<Receipt>) -> Result<(), Rejection> {
        if !note.starts_with(self.0.asset_id.as_bytes()) {
            return Err(Rejection::not_found("no command of this actuator"));
        }
        let mut undone = self.0.undone.lock().unwrap();
        if undone.iter().any(|former| former == note) {
            return Err(Rejection::failed("undone before"));
        }
        undone.push(note.to_vec());
        Ok(())
    }

    async fn perform(&self, command: Command, context: Context) -> Result<Option<Results>, Rejection> {
        let n_before = self.0.n_started.fetch_add(1, Ordering::SeqCst);
        if self.0.undoes {
            context.undo.note(format!("{}-{n_before}", self.0.asset_id).into_bytes());
        }
        if let Some(gate) = &self.0.gate {
            gate.acquire().await.expect("never closed").forget();
        }
        match self.0.fault {
            Fault::Fails => return Err(Refusal::RuleNotInForce.with("on purpose")),
            Fault::Panics => panic!("on purpose"),
            Fault::IsBusyOnce if n_before == 0 => return Err(Rejection::unavailable("busy")),
            Fault::None | Fault::PanicsWhenAsked | Fault::IsBusyOnce | Fault::NeverDecides => {}
        }
        self.0.performed.lock().unwrap().push(command);
        Ok(Some(Results::rule(RuleNumber::new(1234).unwrap())))
    }
}

/// A second profile that also denies nets, and has a command of its own.
#[derive(Clone, Default)]
pub(crate) struct Doors(Arc<AtomicUsize>);

#[derive(Debug)]
pub(crate) struct DoorsProfile;

oc2_core::map! {
    /// Nothing to say.
    #[derive(Default)]
    pub(crate) struct Nothing: "Nothing" {
        /// A note.
        optional note: String = 1,
    }
}

impl Profile for DoorsProfile {
    const NSID: Nsid = Nsid::constant("x-doors");
    const NAME: &'static str = "example.net/doors";
    const COMMANDS: &'static [CommandRow] = &[
        CommandRow { own: &[], ..Slpf::COMMANDS[6] },
        CommandRow { action: oc2_core::Action::Scan, own: &[], ..Slpf::COMMANDS[6] },
    ];
    type Target = oc2_core::target::NoTarget;
    type Args = Nothing;
    type Specifiers = Nothing;
    type Results = Nothing;
    type Command = ();

    fn interpret(_: &oc2_core::Command) -> Result<(), Rejection> {
        Ok(())
    }
}

impl Doors {
    pub(crate) fn n_performed(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Actuator for Doors {
    type Profile = DoorsProfile;

    async fn perform(&self, (): (), _: Context) -> Result<Option<Nothing>, Rejection> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Some(Nothing { note: Some("shut".into()) }))
    }
}

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status beside the message.
    pub(crate) code: u16,
    /// The message; `None` if there is none.
    pub(crate) message: Option<Value>,
}

impl Answer {
    pub(crate) fn of(reply: Reply) -> Self {
        let message = reply.body.map(|body| {
            assert_eq!(body.media_type, JSON);
            let message: Value = serde_json::from_slice(&body.bytes).expect("answers are JSON");
            if message.get("body").is_some() {
                // Whatever a test is about: what is said is as the standard has it.
                Json.decode(&body.bytes, Mode::Strict).expect("answers conform");
            }
            message
        });
        Self { code: reply.status.as_u16(), message }
    }

    /// The Response, wrapped or bare.
    pub(crate) fn response(&self) -> &Value {
        let message = self.message.as_ref().expect("a message");
        message.pointer("/body/openc2/response").unwrap_or(message)
    }

    pub(crate) fn header(&self, name: &str) -> &Value {
        &self.message.as_ref().expect("a message")["headers"][name]
    }

    pub(crate) fn status(&self) -> u64 {
        self.response()["status"].as_u64().expect("a status")
    }

    pub(crate) fn text(&self) -> &str {
        self.response()["status_text"].as_str().unwrap_or_default()
    }

    /// Compares status and how the text begins; the code beside the message agrees (HTTPS-067).
    #[track_caller]
    pub(crate) fn expect(&self, status: u64, text: &str) {
        assert_eq!(self.status(), status, "{self:?}");
        assert_eq!(u64::from(self.code), status, "{self:?}");
        assert!(self.text().starts_with(text), "{:?} does not begin with {text:?}", self.text());
    }

    /// There is no message, and this code.
    #[track_caller]
    pub(crate) fn expect_silence(&self, code: u16) {
        assert_eq!((self.code, &self.message), (code, &None));
    }
}

pub(crate) fn builder() -> ConsumerBuilder<WantsActuators> {
    Consumer::builder("fw1").dangerous().without_policy()
}

/// A Consumer with one recorder.
pub(crate) fn recording() -> (Consumer, Recorder) {
    let recorder = Recorder::new();
    (builder().actuator(recorder.clone()).build(), recorder)
}

pub(crate) fn strict() -> Settings {
    let mut settings = Settings::default();
    settings.mode = Mode::Strict;
    settings
}

pub(crate) fn patient(max_wait: Duration) -> Settings {
    let mut settings = Settings::default();
    settings.max_wait = max_wait;
    settings
}

/// A message around a Command, with a fresh request id.
pub(crate) fn message(command: &Value) -> Value {
    static N: AtomicUsize = AtomicUsize::new(0);
    let id = format!("test-{}", N.fetch_add(1, Ordering::SeqCst));
    json!({"headers": {"request_id": id, "from": "soc-1"}, "body": {"openc2": {"request": command}}})
}

pub(crate) fn request(body: impl Into<Vec<u8>>) -> Request {
    Request {
        peer: Peer::Unauthenticated("192.0.2.7".into()),
        scope: Scope::Direct,
        content_type: Some(JSON.into()),
        request_id: None,
        body: body.into().into(),
        needs_answer: true,
    }
}

pub(crate) async fn send_request(consumer: &Consumer, request: Request) -> Answer {
    Answer::of(consumer.handle(request).await)
}

pub(crate) async fn send_raw(consumer: &Consumer, body: impl Into<Vec<u8>>) -> Answer {
    send_request(consumer, request(body)).await
}

pub(crate) async fn send_message(consumer: &Consumer, message: &Value) -> Answer {
    send_raw(consumer, message.to_string()).await
}

/// Sends a Command in a message of its own.
pub(crate) async fn send(consumer: &Consumer, command: Value) -> Answer {
    send_message(consumer, &message(&command)).await
}

/// Sends a Command to whoever hears it.
pub(crate) async fn broadcast(consumer: &Consumer, scope: Scope, command: Value) -> Answer {
    send_request(consumer, Request { scope, ..request(message(&command).to_string()) }).await
}

pub(crate) fn deny() -> Value {
    json!({"action": "deny", "target": {"ipv4_net": "198.51.100.0/24"}})
}

/// The same with arguments.
pub(crate) fn deny_with(args: Value) -> Value {
    json!({"action": "deny", "target": {"ipv4_net": "198.51.100.0/24"}, "args": args})
}

/// Runs a test with a start that is ahead when the Command is read. On a machine that is slow the nearest may be over by then,
/// which the test tells by `false`; then it is run anew with more time to spare.
pub(crate) async fn with_a_start_ahead(test: impl AsyncFn(Value) -> bool) {
    for milliseconds in [100, 1_000, 10_000] {
        if test(json!(DateTime::now().as_millis() + milliseconds)).await {
            return;
        }
    }
    panic!("no Command was ever ahead of its time");
}

/// Waits until a condition holds that another task makes true.
pub(crate) async fn eventually(condition: impl Fn() -> bool) {
    for _ in 0..6000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never came true");
}

/// What was written to the audit log while this lived, on this thread.
pub(crate) struct AuditLog {
    events: Arc<Mutex<Vec<AuditEvent>>>,
    _guard: tracing::subscriber::DefaultGuard,
}

/// An event: its level, and its fields as text.
#[derive(Clone, Debug)]
pub(crate) struct AuditEvent {
    pub(crate) level: tracing::Level,
    pub(crate) fields: Vec<(&'static str, String)>,
}

impl AuditLog {
    pub(crate) fn start() -> Self {
        let events = Arc::default();
        let collector = Collector(Arc::clone(&events));
        Self { events, _guard: tracing::subscriber::set_default(collector) }
    }

    /// What was written since the last look.
    pub(crate) fn take(&self) -> Vec<AuditEvent> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }

    pub(crate) fn len(&self) -> usize {
        self.events.lock().unwrap().len()
    }
}

impl AuditEvent {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }
}

struct Collector(Arc<Mutex<Vec<AuditEvent>>>);

impl tracing::Subscriber for Collector {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "oc2::audit"
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::Id {
        tracing::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::Id, _: &tracing::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields(Vec::new());
        event.record(&mut fields);
        self.0.lock().unwrap().push(AuditEvent { level: *event.metadata().level(), fields: fields.0 });
    }

    fn enter(&self, _: &tracing::Id) {}

    fn exit(&self, _: &tracing::Id) {}
}

struct Fields(Vec<(&'static str, String)>);

impl tracing::field::Visit for Fields {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        self.0.push((field.name(), format!("{value:?}")));
    }

    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        self.0.push((field.name(), value.to_owned()));
    }
}

/// A profile whose results cannot be written.
#[derive(Debug)]
pub(crate) struct Bombs;

/// Performs commands of that profile.
pub(crate) struct Bomb;

/// Panics when it is written.
#[derive(Clone, Debug)]
pub(crate) struct Explosive;

impl oc2_core::shape::read::Read for Explosive {
    fn shape() -> &'static oc2_core::shape::Shape {
        const SHAPE: oc2_core::shape::Shape =
            oc2_core::shape::Shape::plain("Explosive", "", oc2_core::shape::Kind::Any);
        &SHAPE
    }

    fn read<'de, D: oc2_core::serde::Deserializer<'de>>(
        _: &mut oc2_core::shape::read::Context,
        _: D,
    ) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

impl oc2_core::shape::write::Write for Explosive {
    fn write<S: oc2_core::serde::Serializer>(&self, _: oc2_core::Form, _: S) -> Result<S::Ok, S::Error> {
        panic!("on purpose")
    }
}

impl Profile for Bombs {
    const NSID: Nsid = Nsid::constant("x-bombs");
    const NAME: &'static str = "example.net/bombs";
    const COMMANDS: &'static [CommandRow] = &[CommandRow { own: &[], ..Slpf::COMMANDS[6] }];
    type Target = oc2_core::target::NoTarget;
    type Args = Nothing;
    type Specifiers = Nothing;
    type Results = Explosive;
    type Command = ();

    fn interpret(_: &oc2_core::Command) -> Result<(), Rejection> {
        Ok(())
    }
}

impl Actuator for Bomb {
    type Profile = Bombs;

    async fn perform(&self, (): (), _: Context) -> Result<Option<Explosive>, Rejection> {
        Ok(Some(Explosive))
    }
}
