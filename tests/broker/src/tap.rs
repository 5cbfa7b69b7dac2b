//! A wire to a broker that hears every packet, and can be cut or go dead.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use crate::packet::{Kind, Packet};
use crate::wait::wait_until;

/// A wire to a broker. Clones are the same wire.
#[derive(Clone, Debug)]
pub struct Tap {
    port: u16,
    shared: Arc<Shared>,
}

/// Which way a packet went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client.
    ToBroker,
    /// From the broker.
    ToClient,
}

/// A packet that went over the wire.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which connection it was, from 0 on.
    pub connection: usize,
    /// Which way it went.
    pub direction: Direction,
    /// When.
    pub at: Instant,
    /// The packet.
    pub packet: Packet,
}

#[derive(Debug)]
struct Shared {
    target: AtomicUsize,
    is_cut: AtomicBool,
    seen: Mutex<Vec<Seen>>,
    hellos: Mutex<Vec<Vec<u8>>>,
    wires: Mutex<Vec<Wire>>,
}

#[derive(Debug)]
struct Wire {
    streams: [TcpStream; 2],
    is_dead: Arc<AtomicBool>,
}

impl Tap {
    /// A wire to the broker on this port.
    ///
    /// # Panics
    /// There is no free port.
    #[must_use]
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let shared = Arc::new(Shared {
            target: AtomicUsize::new(port.into()),
            is_cut: AtomicBool::new(false),
            seen: Mutex::default(),
            hellos: Mutex::default(),
            wires: Mutex::default(),
        });
        let tap = Self { port: listener.local_addr().expect("it is bound").port(), shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for (connection, client) in listener.incoming().flatten().enumerate() {
                shared.connect(connection, client);
            }
        });
        tap
    }

    /// Where clients connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts what is connected, and lets nobody connect until it is mended.
    pub fn cut(&self) {
        self.shared.is_cut.store(true, Ordering::SeqCst);
        for Wire { streams, .. } in lock(&self.shared.wires).drain(..) {
            // The other end may be gone.
            let _ = streams.map(|stream| stream.shutdown(Shutdown::Both));
        }
    }

    /// Lets clients connect again.
    pub fn mend(&self) {
        self.shared.is_cut.store(false, Ordering::SeqCst);
    }

    /// Lets what is connected go dead: nothing arrives any more, and neither end is told. New connections are not dead.
    pub fn deaden(&self) {
        for wire in lock(&self.shared.wires).iter() {
            wire.is_dead.store(true, Ordering::SeqCst);
        }
    }

    /// What went over the wire.
    #[must_use]
    pub fn packets(&self) -> Vec<Seen> {
        lock(&self.shared.seen).clone()
    }

    /// The first record of each client that spoke TLS: its hello, which nothing hides.
    #[must_use]
    pub fn hellos(&self) -> Vec<Vec<u8>> {
        lock(&self.shared.hellos).clone()
    }

    /// The packets of one type that went one way.
    #[must_use]
    pub fn of_kind(&self, direction: Direction, kind: Kind) -> Vec<Seen> {
        let seen = lock(&self.shared.seen);
        seen.iter().filter(|seen| seen.direction == direction && seen.packet.kind == kind).cloned().collect()
    }

    /// Waits until so many packets of a type went one way, and gives them.
    ///
    /// # Panics
    /// They do not come.
    #[track_caller]
    #[must_use]
    pub fn wait_for(&self, direction: Direction, kind: Kind, n_packets: usize) -> Vec<Seen> {
        wait_until(&format!("{n_packets} times {kind:?} {direction:?}"), || {
            self.of_kind(direction, kind).len() >= n_packets
        });
        self.of_kind(direction, kind)
    }
}

impl Shared {
    fn connect(self: &Arc<Self>, connection: usize, client: TcpStream) {
        let port = u16::try_from(self.target.load(Ordering::SeqCst)).expect("it is a port");
        // Dropped, a client is cut.
        let Ok(broker) = TcpStream::connect(("127.0.0.1", port)) else { return };
        if self.is_cut.load(Ordering::SeqCst) {
            return;
        }
        let is_dead = Arc::new(AtomicBool::new(false));
        for stream in [&client, &broker] {
            stream.set_nodelay(true).expect("the connection is new");
        }
        let ends = || [client.try_clone(), broker.try_clone()].map(|end| end.expect("there are file descriptors"));
        lock(&self.wires).push(Wire { streams: ends(), is_dead: Arc::clone(&is_dead) });
        let [from_client, from_broker] = ends();
        let [to_client, to_broker] = ends();
        self.carry(connection, Direction::ToBroker, from_client, to_broker, Arc::clone(&is_dead));
        self.carry(connection, Direction::ToClient, from_broker, to_client, is_dead);
    }

    fn carry(
        self: &Arc<Self>,
        connection: usize,
        direction: Direction,
        mut from: TcpStream,
        mut to: TcpStream,
        is_dead: Arc<AtomicBool>,
    ) {
        let shared = Arc::clone(self);
        thread::spawn(move || {
            let (mut chunk, mut unread) = ([0; 16 << 10], Vec::new());
            let mut ear = Ear::New;
            while let Ok(n_read @ 1..) = from.read(&mut chunk) {
                if is_dead.load(Ordering::SeqCst) {
                    continue;
                }
                unread.extend_from_slice(&chunk[..n_read]);
                shared.hear(connection, direction, &mut ear, &mut unread);
                if to.write_all(&chunk[..n_read]).is_err() {
                    break;
                }
            }
            if !is_dead.load(Ordering::SeqCst) {
                // The other end may be gone.
                let _ = to.shutdown(Shutdown::Both);
            }
        });
    }

    fn hear(&self, connection: usize, direction: Direction, ear: &mut Ear, unread: &mut Vec<u8>) {
        match (&ear, &unread[..]) {
            (Ear::New, [HANDSHAKE, _, _, high, low, rest @ ..]) => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                if rest.len() < length {
                    return;
                }
                if direction == Direction::ToBroker {
                    lock(&self.hellos).push(unread[..5 + length].to_vec());
                }
                *ear = Ear::Deaf;
            }
            (Ear::New, [HANDSHAKE, ..] | []) => return,
            (Ear::New, _) => *ear = Ear::Packets,
            (Ear::Packets | Ear::Deaf, _) => {}
        }
        if *ear == Ear::Deaf {
            return unread.clear();
        }
        let mut seen = lock(&self.seen);
        while let Some(packet) = Packet::take(unread) {
            seen.push(Seen { connection, direction, at: Instant::now(), packet });
        }
    }
}

/// What a wire carries, one way.
#[derive(Debug, PartialEq, Eq)]
enum Ear {
    /// Nothing yet.
    New,
    /// Packets of MQTT.
    Packets,
    /// TLS, behind its first record.
    Deaf,
}

/// A record of TLS that belongs to a handshake (RFC 8446 5.1); no packet of MQTT begins so.
const HANDSHAKE: u8 = 22;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
