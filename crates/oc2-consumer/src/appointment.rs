//! A Command that was sent ahead of its time, as it is kept until then, also over a restart.

use bytes::Bytes;
#[cfg(any(feature = "durable", test))]
use oc2_core::types::time::DateTime;
use oc2_core::types::time::Window;
use oc2_transfer::{Peer, Scope};

use crate::key::Fingerprint;
#[cfg(any(feature = "durable", test))]
use crate::octets::{get, get_text, put, take, take_u64};

/// A message as it came, who brought it, and when what it commands is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Appointment {
    /// What its request is known by; made up if that has no id.
    pub(crate) key: Fingerprint,
    pub(crate) window: Window,
    pub(crate) peer: Peer,
    pub(crate) scope: Scope,
    /// The request id beside the message, if there is one.
    pub(crate) request_id: Option<String>,
    pub(crate) media_type: String,
    pub(crate) body: Bytes,
}

#[cfg(any(feature = "durable", test))]
impl Appointment {
    /// As bytes: key, start, stop (none is 2^64 - 1), kind of the peer, kind of the scope; then name of the peer, profile of the
    /// scope, request id, media type, message.
    pub(crate) fn write(&self) -> Vec<u8> {
        let Self { key, window, peer, scope, request_id, media_type, body } = self;
        let is_proved = matches!(peer, Peer::Authenticated(_));
        let (kind, profile) = match scope {
            Scope::Device => (1, None),
            Scope::Broadcast => (2, None),
            Scope::Profile(nsid) => (3, Some(nsid.as_str())),
            // There is no other.
            _ => (0, None),
        };
        let mut bytes = Vec::with_capacity(128 + body.len());
        bytes.extend(key.0);
        bytes.extend(window.start.as_millis().to_be_bytes());
        bytes.extend(window.stop.map_or(u64::MAX, DateTime::as_millis).to_be_bytes());
        bytes.extend([u8::from(is_proved), kind, u8::from(request_id.is_some())]);
        put(&mut bytes, peer.name().as_bytes());
        put(&mut bytes, profile.unwrap_or_default().as_bytes());
        put(&mut bytes, request_id.as_deref().unwrap_or_default().as_bytes());
        put(&mut bytes, media_type.as_bytes());
        put(&mut bytes, body);
        bytes
    }

    /// From bytes; none if they were not written so.
    pub(crate) fn read(mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let key = Fingerprint(*take(bytes)?);
        let start = DateTime::from_millis(take_u64(bytes)?).ok()?;
        let stop = match take_u64(bytes)? {
            u64::MAX => None,
            stop => Some(DateTime::from_millis(stop).ok()?),
        };
        let [is_proved, kind, has_id] = *take(bytes)?;
        let name = get_text(bytes)?.into();
        let peer = if is_proved == 1 { Peer::Authenticated(name) } else { Peer::Unauthenticated(name) };
        let profile = get_text(bytes)?;
        let scope = match kind {
            0 => Scope::Direct,
            1 => Scope::Device,
            2 => Scope::Broadcast,
            3 => Scope::Profile(profile.parse().ok()?),
            _ => return None,
        };
        let request_id = Some(get_text(bytes)?.to_owned()).filter(|_| has_id == 1);
        let media_type = get_text(bytes)?.to_owned();
        let body = Bytes::copy_from_slice(get(bytes)?);
        let window = Window { start, stop };
        bytes.is_empty().then_some(Self { key, window, peer, scope, request_id, media_type, body })
    }
}

#[cfg(test)]
mod tests {
    use oc2_core::Nsid;

    use super::*;

    fn appointments() -> Vec<Appointment> {
        let at = |milliseconds| DateTime::from_millis(milliseconds).unwrap();
        let whole = Appointment {
            key: Fingerprint([7; 32]),
            window: Window { start: at(1), stop: Some(at(2)) },
            peer: Peer::Authenticated("soc-1".into()),
            scope: Scope::Profile(Nsid::constant("slpf")),
            request_id: Some("an id".into()),
            media_type: "application/openc2+json;version=1.0".into(),
            body: Bytes::from_static(b"{}"),
        };
        let rest = [Scope::Direct, Scope::Device, Scope::Broadcast].map(|scope| Appointment {
            window: Window { start: at(0), stop: None },
            peer: Peer::Unauthenticated("".into()),
            scope,
            request_id: None,
            ..whole.clone()
        });
        rest.into_iter().chain([whole]).collect()
    }

    #[test]
    fn what_was_written_is_read_back() {
        for appointment in appointments() {
            assert_eq!(Appointment::read(&appointment.write()), Some(appointment));
        }
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_refused() {
        for appointment in appointments() {
            let mut bytes = appointment.write();
            for length in 0..bytes.len() {
                assert_eq!(Appointment::read(&bytes[..length]), None, "{length}");
            }
            bytes.push(0);
            assert_eq!(Appointment::read(&bytes), None);
        }
    }
}
