//! Something that listens like a broker and answers as a test likes: for what no real broker does on request.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::packet::{Kind, Packet};
use crate::wait::wait_until;

/// Something that listens like a broker.
#[derive(Debug)]
pub struct Impostor {
    port: u16,
    heard: Arc<Mutex<Vec<(usize, Packet)>>>,
}

impl Impostor {
    /// Answers each packet of each connection, counted from 0 on, with these bytes; empty is silence.
    ///
    /// # Panics
    /// There is no free port.
    #[must_use]
    pub fn start(answer: impl Fn(usize, &Packet) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (heard, answer) = (Arc::<Mutex<_>>::default(), Arc::new(answer));
        let impostor = Self { port, heard: Arc::clone(&heard) };
        thread::spawn(move || {
            for (connection, mut stream) in listener.incoming().flatten().enumerate() {
                let (heard, answer) = (Arc::clone(&heard), Arc::clone(&answer));
                thread::spawn(move || {
                    let (mut chunk, mut unread) = ([0; 16 << 10], Vec::new());
                    while let Ok(n_read @ 1..) = stream.read(&mut chunk) {
                        unread.extend_from_slice(&chunk[..n_read]);
                        while let Some(packet) = Packet::take(&mut unread) {
                            let bytes = answer(connection, &packet);
                            heard.lock().unwrap_or_else(PoisonError::into_inner).push((connection, packet));
                            if stream.write_all(&bytes).is_err() {
                                return;
                            }
                        }
                    }
                });
            }
        });
        impostor
    }

    /// What a broker at its defaults answers: welcome, everything granted at QoS 1, everything acknowledged.
    #[must_use]
    pub fn usual(packet: &Packet) -> Vec<u8> {
        let id = |packet: &Packet| packet.id().to_be_bytes();
        match packet.kind {
            Kind::Connect => vec![0x20, 3, 0, 0, 0],
            Kind::Subscribe => {
                let granted = vec![1; packet.subscribe().filters.len()];
                let length = u8::try_from(granted.len() + 3).expect("there are few");
                [&[0x90, length][..], &id(packet), &[0], &granted].concat()
            }
            Kind::Publish => packet.publish().id.map_or(Vec::new(), |id| [&[0x40, 2][..], &id.to_be_bytes()].concat()),
            Kind::PingReq => vec![0xd0, 0],
            _ => Vec::new(),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it heard, and on which connection.
    #[must_use]
    pub fn heard(&self) -> Vec<(usize, Packet)> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it has heard so many packets of a type, and gives them.
    ///
    /// # Panics
    /// They do not come.
    #[track_caller]
    #[must_use]
    pub fn wait_for(&self, kind: Kind, n_packets: usize) -> Vec<(usize, Packet)> {
        let of_kind = || self.heard().into_iter().filter(|(_, packet)| packet.kind == kind).collect::<Vec<_>>();
        wait_until(&format!("{n_packets} times {kind:?}"), || of_kind().len() >= n_packets);
        of_kind()
    }
}
