//! Commands through a broker against bare clients through the same broker: `cargo xtask bench mqtt`.
//!
//! Everything is measured in turns, ours and the floor, and the medians of the ratios are told; above 1 we are faster. The floor
//! is a pair of clients of rumqttc that echo what they get, with TCP_NODELAY and the broker's own `set_tcp_nodelay`: without
//! them each of its steps takes 40 ms. They do not encode, correlate, remember or decide anything.

use std::env;
use std::fs;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use oc2_consumer::Consumer;
use oc2_core::target::Target;
use oc2_core::{Action, Command, Feature, Nsid};
use oc2_producer::Producer;
use oc2_tests_broker::Mosquitto;
use oc2_transfer::{Listener, Outgoing, Transfer};
use oc2_transfer_mqtt::{Destination, MqttListener, MqttTransfer, Options, Session, Settings};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, PublishOptions, QoS};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

fn main() {
    if !env::args().any(|arg| arg == "--bench") {
        return;
    }
    // As with criterion, words choose what is measured.
    let words: Vec<_> = env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let is_chosen = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let Some(broker) = Mosquitto::with().line("set_tcp_nodelay true").line("max_inflight_messages 0").start() else {
        return;
    };
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        if is_chosen("round trips") {
            round_trips(broker.port()).await;
        }
        if is_chosen("fleet") {
            fleet(broker.port()).await;
        }
        if is_chosen("memory") {
            memory(broker.port()).await;
        }
        if is_chosen("growth") {
            growth(broker.port()).await;
        }
    });
    runtime.shutdown_background();
}

/// One producer and one consumer.
async fn round_trips(port: u16) {
    println!("{:<44}{:>14}{:>14}{:>10}", "round trips a second", "ours", "bare echo", "ratio");
    let ours = Pair::start(port).await;
    let bare = BarePair::start(port).await;
    for in_flight in [1, 64] {
        let (mut rates, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let (mut costs, mut floors_of_costs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let before = processor_time();
            let rate = rate(in_flight, || ours.round_trip()).await;
            let between = processor_time();
            let floor = rate_of_bare(&bare, in_flight).await;
            rates.push(rate);
            floors.push(floor);
            ratios.push(rate / floor);
            costs.push((between - before) / n_times(in_flight) as f64);
            floors_of_costs.push((processor_time() - between) / n_times(in_flight) as f64);
        }
        let name = format!("{in_flight} in flight");
        println!("{name:<44}{:>14.0}{:>14.0}{:>10.2}", median(rates), median(floors), median(ratios));
        let (cost, floor) = (median(costs), median(floors_of_costs));
        println!("{:<44}{cost:>14.1}{floor:>14.1}{:>10.2}", "  \u{b5}s of CPU each, without the broker", floor / cost);
    }
    ours.stop().await;
}

/// One command to many consumers, until the last response.
async fn fleet(port: u16) {
    println!("\n{:<44}{:>14}{:>14}{:>10}", "one command to all, ms to the last response", "ours", "bare echo", "ratio");
    let consumers = Consumers::start(port, N_FLEET).await;
    let transfer = transfer(port, Destination::All);
    let producer = Producer::builder(transfer.clone()).identity("bench").timeout(PATIENCE).build();
    let bare = BareFleet::start(port, N_FLEET).await;
    let (mut times, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS_OF_FLEET {
        let ours = ask_all(&producer, &transfer, N_FLEET).await.as_secs_f64() * 1000.0;
        let floor = bare.ask_all().await.as_secs_f64() * 1000.0;
        // The first round finds nothing ready.
        if round > 0 {
            times.push(ours);
            floors.push(floor);
            ratios.push(floor / ours);
        }
    }
    let name = format!("{N_FLEET} consumers");
    println!("{name:<44}{:>14.1}{:>14.1}{:>10.2}", median(times), median(floors), median(ratios));
    consumers.stop().await;
}

/// What an idle consumer's connection costs.
async fn memory(port: u16) {
    let before = resident();
    let consumers = Consumers::start(port, N_FLEET).await;
    let kilobytes = (resident() - before) / N_FLEET as f64;
    println!("\nmemory of an idle consumer and its connection: {kilobytes:.1} kB ({N_FLEET} of them)");
    consumers.stop().await;
}

/// Whether memory grows with the number of commands.
async fn growth(port: u16) {
    let ours = Pair::start(port).await;
    // What is remembered for an hour is full after 10,000.
    rate_over(N_COMMANDS / 5, 64, || ours.round_trip()).await;
    let before = resident();
    rate_over(N_COMMANDS, 64, || ours.round_trip()).await;
    println!("memory after {N_COMMANDS} more commands: {:+.0} kB, of {before:.0}", resident() - before);
    ours.stop().await;
}

/// Our producer and our consumer.
struct Pair {
    producer: Producer,
    consumers: Consumers,
}

impl Pair {
    async fn start(port: u16) -> Self {
        let consumers = Consumers::start(port, 1).await;
        let transfer = transfer(port, Destination::Device(device(0).parse().expect("a level")));
        let pair =
            Self { producer: Producer::builder(transfer).identity("bench").timeout(PATIENCE).build(), consumers };
        pair.round_trip().await;
        pair
    }

    async fn round_trip(&self) {
        let received = self.producer.features([Feature::Profiles]).await.expect("an answer");
        assert!(received.response.status.is_success());
    }

    async fn stop(self) {
        self.consumers.stop().await;
    }
}

fn transfer(port: u16, destination: Destination) -> MqttTransfer {
    MqttTransfer::new(options(port), "bench".parse().expect("a level"), destination).expect("a transfer")
}

fn options(port: u16) -> Options {
    Options::new(&format!("mqtt://127.0.0.1:{port}"), Session::ephemeral()).expect("options")
}

fn device(number: usize) -> String {
    format!("device{number}")
}

/// Consumers that run until they are stopped.
struct Consumers {
    running: JoinSet<()>,
    stops: Vec<oneshot::Sender<()>>,
}

impl Consumers {
    /// Starts so many, and waits until the last of them answers.
    async fn start(port: u16, n_consumers: usize) -> Self {
        let mut consumers = Self { running: JoinSet::new(), stops: Vec::new() };
        for number in 0..n_consumers {
            let consumer = Consumer::builder(device(number)).dangerous().without_policy().build();
            let settings = Settings::new(device(number).parse().expect("a level"), [Nsid::SLPF]);
            let listener = MqttListener::new(options(port), settings).expect("a listener");
            let (stop, stopped) = oneshot::channel::<()>();
            consumers.stops.push(stop);
            consumers.running.spawn(async move {
                let shutdown = async { stopped.await.unwrap_or_default() };
                listener.serve(consumer, shutdown).await.expect("it serves");
            });
        }
        let transfer = transfer(port, Destination::All);
        let producer = Producer::builder(transfer.clone()).identity("ready").timeout(PATIENCE).build();
        while count_answers(&producer, &transfer, n_consumers, Duration::from_secs(2)).await < n_consumers {}
        consumers
    }

    async fn stop(mut self) {
        self.stops.drain(..).for_each(|stop| stop.send(()).unwrap_or_default());
        while self.running.join_next().await.is_some() {}
    }
}

async fn ask_all(producer: &Producer, transfer: &MqttTransfer, n_consumers: usize) -> Duration {
    let start = Instant::now();
    assert_eq!(count_answers(producer, transfer, n_consumers, PATIENCE).await, n_consumers);
    start.elapsed()
}

async fn count_answers(producer: &Producer, transfer: &MqttTransfer, expected: usize, timeout: Duration) -> usize {
    let features = [Feature::Profiles].into_iter().collect();
    let prepared = producer.prepare(Command::new(Action::Query, Target::Features(features))).expect("a message");
    let mut outgoing = Outgoing::new(Bytes::copy_from_slice(prepared.bytes()), "application/openc2+json;version=1.0");
    outgoing.request_id = Some(prepared.request_id().to_string());
    outgoing.timeout = timeout;
    outgoing.expected = Some(expected);
    let Ok(mut answers) = transfer.exchange(outgoing).await else { return 0 };
    let mut n_answers = 0;
    while let Some(Ok(_)) = answers.next().await {
        n_answers += 1;
    }
    n_answers
}

/// How many times a second it can be done, with so many under way.
async fn rate<F: Future<Output = ()>>(in_flight: usize, round_trip: impl Fn() -> F) -> f64 {
    rate_over(n_times(in_flight), in_flight, round_trip).await
}

fn n_times(in_flight: usize) -> usize {
    if in_flight == 1 { 1000 } else { 5000 }
}

async fn rate_over<F: Future<Output = ()>>(n_times: usize, in_flight: usize, round_trip: impl Fn() -> F) -> f64 {
    let start = Instant::now();
    let one_after_another = || async {
        for _ in 0..n_times / in_flight {
            round_trip().await;
        }
    };
    // All in one task: the bare client is one as well.
    futures_of((0..in_flight).map(|_| one_after_another())).await;
    (n_times / in_flight * in_flight) as f64 / start.elapsed().as_secs_f64()
}

/// Runs them all to their ends.
async fn futures_of<F: Future<Output = ()>>(futures: impl Iterator<Item = F>) {
    let mut running: Vec<_> = futures.map(Box::pin).map(Some).collect();
    std::future::poll_fn(|context| {
        for slot in &mut running {
            if slot.as_mut().is_some_and(|future| future.as_mut().poll(context).is_ready()) {
                *slot = None;
            }
        }
        if running.iter().all(Option::is_none) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

/// Two bare clients, of which one echoes.
struct BarePair {
    client: AsyncClient,
    arrivals: tokio::sync::Mutex<mpsc::UnboundedReceiver<()>>,
    message: Bytes,
    _tasks: [JoinHandle<()>; 2],
}

impl BarePair {
    async fn start(port: u16) -> Self {
        let (client, events) = bare(port, "bench/rsp").await;
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let ours = tokio::spawn(drive(events, move |_| arrived.send(()).unwrap_or_default()));
        let echo = spawn_echo(port).await;
        // As long as a message of ours.
        let message = Bytes::from(vec![b'x'; 230]);
        Self { client, arrivals: tokio::sync::Mutex::new(arrivals), message, _tasks: [ours, echo] }
    }

    async fn publish(&self) {
        publish(&self.client, "bench/req", self.message.clone()).await;
    }
}

async fn rate_of_bare(pair: &BarePair, in_flight: usize) -> f64 {
    let n_times = n_times(in_flight);
    let mut arrivals = pair.arrivals.lock().await;
    let start = Instant::now();
    for _ in 0..in_flight {
        pair.publish().await;
    }
    for n_arrived in 1..=n_times {
        arrivals.recv().await.expect("the echo");
        if n_arrived + in_flight <= n_times {
            pair.publish().await;
        }
    }
    n_times as f64 / start.elapsed().as_secs_f64()
}

/// Many bare clients that echo, and one that asks them.
struct BareFleet {
    client: AsyncClient,
    arrivals: tokio::sync::Mutex<mpsc::UnboundedReceiver<()>>,
    _tasks: Vec<JoinHandle<()>>,
}

impl BareFleet {
    async fn start(port: u16, n_clients: usize) -> Self {
        let (client, events) = bare(port, "bench/rsp").await;
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let mut tasks = vec![tokio::spawn(drive(events, move |_| arrived.send(()).unwrap_or_default()))];
        for _ in 0..n_clients {
            tasks.push(spawn_echo_on(port, "bench/all").await);
        }
        Self { client, arrivals: tokio::sync::Mutex::new(arrivals), _tasks: tasks }
    }

    async fn ask_all(&self) -> Duration {
        let mut arrivals = self.arrivals.lock().await;
        let start = Instant::now();
        publish(&self.client, "bench/all", Bytes::from(vec![b'x'; 230])).await;
        for _ in 1..self._tasks.len() {
            arrivals.recv().await.expect("the echo");
        }
        start.elapsed()
    }
}

async fn spawn_echo(port: u16) -> JoinHandle<()> {
    spawn_echo_on(port, "bench/req").await
}

async fn spawn_echo_on(port: u16, topic: &str) -> JoinHandle<()> {
    let (client, events) = bare(port, topic).await;
    let client = Arc::new(client);
    tokio::spawn(drive(events, move |message| {
        let client = client.clone();
        // Never in the task that polls.
        tokio::spawn(async move { publish(&client, "bench/rsp", message).await });
    }))
}

/// A client that has its subscription.
async fn bare(port: u16, topic: &str) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(uuid(), ("127.0.0.1", port));
    options.set_keep_alive(60).set_outgoing_inflight_upper_limit(64);
    options.set_socket_connector(|host, _| async move {
        let stream = tokio::net::TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    });
    let (client, mut events) = AsyncClient::builder(options).capacity(64).build();
    client.subscribe(topic, QoS::AtLeastOnce).await.expect("room");
    while !matches!(events.poll().await.expect("the broker"), Event::Incoming(Packet::SubAck(_))) {}
    (client, events)
}

async fn drive(mut events: EventLoop, mut take: impl FnMut(Bytes)) {
    while let Ok(event) = events.poll().await {
        if let Event::Incoming(Packet::Publish(publish)) = event {
            take(publish.payload);
        }
    }
}

async fn publish(client: &AsyncClient, topic: &str, message: Bytes) {
    client.publish(topic, message, PublishOptions::new(QoS::AtLeastOnce)).await.expect("it runs");
}

fn uuid() -> String {
    Session::ephemeral().client_id().as_str().to_owned()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The time that the processors gave to this process, in microseconds.
fn processor_time() -> f64 {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux");
    let of_task = |task: std::io::Result<fs::DirEntry>| {
        let schedstat = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        schedstat.split_whitespace().next()?.parse::<f64>().ok()
    };
    tasks.filter_map(of_task).sum::<f64>() / 1000.0
}

/// The memory of this process, in kB.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the memory");
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse().ok()).expect("a number")
}

const ROUNDS: usize = 15;
const ROUNDS_OF_FLEET: usize = 9;
const N_FLEET: usize = 1000;
const N_COMMANDS: usize = 100_000;
const PATIENCE: Duration = Duration::from_secs(60);
