//! Places for connections, so that nobody takes them all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Settings;

/// All places of a listener.
pub(super) struct Places {
    /// For connections that are served.
    served: Arc<Semaphore>,
    /// For connections that are told that there is no place.
    turned_away: Arc<Semaphore>,
    /// For handshakes.
    handshakes: Arc<Semaphore>,
    /// For octets of bodies.
    bodies: Arc<Octets>,
    visitors: Visitors,
}

/// A place for one connection, as long as it is held.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    visitor: Visitor,
    handshakes: Arc<Semaphore>,
    bodies: Arc<Octets>,
    /// Whether it is a place only to be told that there is none.
    pub(super) is_turned_away: bool,
}

impl Places {
    pub(super) fn new(settings: &Settings) -> Self {
        let semaphore = |n_places: usize| Arc::new(Semaphore::new(n_places.min(Semaphore::MAX_PERMITS)));
        Self {
            served: semaphore(settings.max_connections),
            turned_away: semaphore(MAX_TURNED_AWAY),
            handshakes: semaphore(settings.max_handshakes),
            bodies: Arc::new(Octets::at_most(settings.max_bodies)),
            visitors: Visitors {
                // One body fits, whatever the share.
                max_bodies: (settings.max_bodies / SHARE).max(settings.max_body),
                max_handshakes: settings.max_handshakes_per_address.min(Semaphore::MAX_PERMITS),
                by_origin: Arc::default(),
            },
        }
    }

    /// A place for a connection from this address; `None` if there is not even one to be turned away from.
    pub(super) fn take(&self, address: IpAddr, max_per_address: usize) -> Option<Place> {
        let visitor = self.visitors.welcome(address);
        let has_room = visitor.n_connections <= max_per_address;
        let served = if has_room { Arc::clone(&self.served).try_acquire_owned().ok() } else { None };
        let is_turned_away = served.is_none();
        let permit = served.or_else(|| Arc::clone(&self.turned_away).try_acquire_owned().ok())?;
        Some(Place {
            _permit: permit,
            visitor,
            handshakes: Arc::clone(&self.handshakes),
            bodies: Arc::clone(&self.bodies),
            is_turned_away,
        })
    }
}

impl Place {
    /// Waits until there is room for one more handshake. Who stalls handshakes waits for nobody but itself: an address has few
    /// places at once, and asks for one of all only when it has one of its own.
    pub(super) async fn handshake(&self) -> Option<impl Sized + use<>> {
        let own = Arc::clone(&self.visitor.handshakes).acquire_owned().await.ok()?;
        let common = Arc::clone(&self.handshakes).acquire_owned().await.ok()?;
        Some((own, common))
    }

    /// What bodies over this connection are counted with.
    pub(super) fn room(&self) -> Arc<Room> {
        Arc::new(Room { own: Arc::clone(&self.visitor.bodies), common: Arc::clone(&self.bodies) })
    }
}

/// Room for bodies: that of one origin, and that of all.
pub(super) struct Room {
    own: Arc<Octets>,
    common: Arc<Octets>,
}

/// Room for a body, as long as it is held.
pub(super) struct Held {
    room: Arc<Room>,
    n_octets: usize,
}

impl Room {
    /// Room for nothing yet.
    pub(super) fn hold(self: &Arc<Self>) -> Held {
        Held { room: Arc::clone(self), n_octets: 0 }
    }
}

impl Held {
    /// Takes so many octets more, if there is room for them.
    pub(super) fn take(&mut self, n_octets: usize) -> bool {
        let Room { own, common } = &*self.room;
        if !own.take(n_octets) {
            return false;
        }
        if !common.take(n_octets) {
            own.give_back(n_octets);
            return false;
        }
        self.n_octets += n_octets;
        true
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.own.give_back(self.n_octets);
        self.room.common.give_back(self.n_octets);
    }
}

/// Octets that are held, of so many. Nobody ever waits for them, so this is less than a semaphore.
struct Octets {
    most: usize,
    n_held: AtomicUsize,
}

impl Octets {
    fn at_most(most: usize) -> Self {
        Self { most, n_held: AtomicUsize::new(0) }
    }

    /// Of two that take at once the last that there is, both may go without, but never do both get it.
    fn take(&self, n_octets: usize) -> bool {
        let n_before = self.n_held.fetch_add(n_octets, Ordering::Relaxed);
        let is_taken = n_before.checked_add(n_octets).is_some_and(|n_held| n_held <= self.most);
        if !is_taken {
            self.give_back(n_octets);
        }
        is_taken
    }

    fn give_back(&self, n_octets: usize) {
        self.n_held.fetch_sub(n_octets, Ordering::Relaxed);
    }
}

/// Who is here, by where they come from. As large as there are connections.
struct Visitors {
    max_handshakes: usize,
    max_bodies: usize,
    by_origin: Arc<Mutex<HashMap<IpAddr, Presence>>>,
}

/// How much of one origin is here.
struct Presence {
    n_connections: usize,
    handshakes: Arc<Semaphore>,
    bodies: Arc<Octets>,
}

/// One connection more from an origin, until it is dropped.
struct Visitor {
    origin: IpAddr,
    /// How many there were from the same origin when this one came, with this one.
    n_connections: usize,
    handshakes: Arc<Semaphore>,
    bodies: Arc<Octets>,
    by_origin: Arc<Mutex<HashMap<IpAddr, Presence>>>,
}

impl Visitors {
    fn welcome(&self, address: IpAddr) -> Visitor {
        let origin = origin(address);
        let mut by_origin = self.by_origin.lock().unwrap_or_else(PoisonError::into_inner);
        let presence = by_origin.entry(origin).or_insert_with(|| Presence {
            n_connections: 0,
            handshakes: Arc::new(Semaphore::new(self.max_handshakes)),
            bodies: Arc::new(Octets::at_most(self.max_bodies)),
        });
        presence.n_connections += 1;
        Visitor {
            origin,
            n_connections: presence.n_connections,
            handshakes: Arc::clone(&presence.handshakes),
            bodies: Arc::clone(&presence.bodies),
            by_origin: Arc::clone(&self.by_origin),
        }
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        let mut by_origin = self.by_origin.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(presence) = by_origin.get_mut(&self.origin) {
            presence.n_connections -= 1;
            if presence.n_connections == 0 {
                by_origin.remove(&self.origin);
            }
        }
    }
}

/// What counts as one address: of IPv6 the net, since whoever has one address of it has them all (RFC 4291 2.5.4).
fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// How many connections at once are told that there are too many.
const MAX_TURNED_AWAY: usize = 64;

/// One origin has at most this part of the room for bodies.
const SHARE: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> (Places, Settings) {
        let settings = Settings { max_connections: 3, max_connections_per_address: 2, ..Settings::default() };
        (Places::new(&settings), settings)
    }

    fn take(places: &Places, settings: &Settings, address: &str) -> Place {
        let address = address.parse().expect("an address");
        places.take(address, settings.max_connections_per_address).expect("it is heard")
    }

    #[test]
    fn one_address_does_not_take_all_places() {
        let (places, settings) = places();
        let [first, _second, third] = [(); 3].map(|()| take(&places, &settings, "192.0.2.1"));
        assert_eq!([first.is_turned_away, third.is_turned_away], [false, true]);
        assert!(!take(&places, &settings, "192.0.2.2").is_turned_away);
        drop(third);
        drop(first);
        assert!(!take(&places, &settings, "192.0.2.1").is_turned_away);
    }

    #[test]
    fn a_net_of_ipv6_is_one_address_and_a_mapped_address_another() {
        let (places, settings) = places();
        let held = ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:0:0:3", "2001:db8:0:1::1", "::ffff:192.0.2.1"]
            .map(|address| take(&places, &settings, address));
        assert_eq!(held.each_ref().map(|place| place.is_turned_away), [false, false, true, false, true]);
        assert_eq!(places.visitors.by_origin.lock().unwrap().len(), 3);
        drop(held);
        assert!(places.visitors.by_origin.lock().unwrap().is_empty(), "who left is not forgotten");
    }

    #[test]
    fn bodies_of_one_address_leave_room_for_others() {
        let settings = Settings { max_bodies: 400, max_body: 50, ..Settings::default() };
        let places = Places::new(&settings);
        let here = ["192.0.2.1", "192.0.2.1", "192.0.2.2"].map(|address| take(&places, &settings, address));
        let [greedy, again, other] = here.each_ref().map(Place::room);
        let [mut first, mut second, mut third] = [&greedy, &again, &other].map(Room::hold);
        assert!(first.take(60) && second.take(40));
        assert!(!first.take(1), "a quarter is what one address has");
        assert!(third.take(100));
        let n_held = || places.bodies.n_held.load(Ordering::Relaxed);
        assert_eq!(n_held(), 200);
        drop((first, second, third));
        assert_eq!(n_held(), 0);
        assert!(greedy.hold().take(100));
        assert!(!greedy.hold().take(101) && !greedy.hold().take(usize::MAX));
        assert_eq!((n_held(), greedy.own.n_held.load(Ordering::Relaxed)), (0, 0), "what was refused is not held");
    }

    #[test]
    fn bodies_of_all_addresses_together_have_a_limit() {
        let settings = Settings { max_bodies: 100, max_body: 60, ..Settings::default() };
        let places = Places::new(&settings);
        let here = ["192.0.2.1", "192.0.2.2"].map(|address| take(&places, &settings, address));
        let [one, other] = here.each_ref().map(Place::room);
        let [mut first, mut second] = [&one, &other].map(Room::hold);
        assert!(first.take(60) && !second.take(60) && second.take(40));
        drop(first);
        assert!(second.take(20));
    }

    #[test]
    fn who_finds_no_place_at_all_leaves_no_trace() {
        let (places, settings) = places();
        let address = "192.0.2.1".parse().expect("an address");
        let held: Vec<_> = std::iter::from_fn(|| places.take(address, settings.max_connections_per_address)).collect();
        assert_eq!(held.len(), 2 + MAX_TURNED_AWAY);
        assert_eq!(places.visitors.by_origin.lock().unwrap()[&address].n_connections, held.len());
    }
}
