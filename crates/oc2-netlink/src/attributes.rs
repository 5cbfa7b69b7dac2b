//! Netlink attributes: a length, a kind, and octets, which may be attributes again.

/// Writes messages and what is in them. Lengths are filled in when a part ends.
#[derive(Debug, Default)]
pub struct Writer {
    /// What is written so far.
    pub octets: Vec<u8>,
}

impl Writer {
    /// A message, with the header of netfilter.
    pub fn message(&mut self, header: Header, write: impl FnOnce(&mut Self)) {
        let start = self.octets.len();
        self.octets.extend(0_u32.to_ne_bytes());
        self.octets.extend(header.kind.to_ne_bytes());
        self.octets.extend(header.flags.to_ne_bytes());
        self.octets.extend(header.sequence.to_ne_bytes());
        self.octets.extend(0_u32.to_ne_bytes());
        // nfgenmsg: the family, the version, a resource.
        self.octets.extend([header.family, 0]);
        self.octets.extend(header.resource.to_be_bytes());
        write(self);
        let len = u32::try_from(self.octets.len() - start).unwrap_or(u32::MAX);
        self.octets[start..start + 4].copy_from_slice(&len.to_ne_bytes());
    }

    /// An attribute of these octets.
    ///
    /// # Panics
    /// They are too many for an attribute, which are 65,531.
    pub fn put(&mut self, kind: u16, value: &[u8]) {
        self.attribute(kind, |writer| writer.octets.extend(value));
    }

    /// A number as netfilter wants it, highest octet first.
    pub fn put_u32(&mut self, kind: u16, value: u32) {
        self.put(kind, &value.to_be_bytes());
    }

    /// A text with its end.
    ///
    /// # Panics
    /// It is too long for an attribute.
    pub fn put_text(&mut self, kind: u16, text: &str) {
        self.attribute(kind, |writer| {
            writer.octets.extend(text.as_bytes());
            writer.octets.push(0);
        });
    }

    /// An attribute of octets, highest first, that says so: a number, or an address.
    ///
    /// # Panics
    /// They are too many for an attribute.
    pub fn put_net_order(&mut self, kind: u16, value: &[u8]) {
        self.put(kind | NET_ORDER, value);
    }

    /// An attribute of attributes.
    ///
    /// # Panics
    /// They are too long for an attribute.
    pub fn nest(&mut self, kind: u16, write: impl FnOnce(&mut Self)) {
        self.attribute(kind | NESTED, write);
    }

    fn attribute(&mut self, kind: u16, write: impl FnOnce(&mut Self)) {
        let start = self.octets.len();
        self.octets.extend(0_u16.to_ne_bytes());
        self.octets.extend(kind.to_ne_bytes());
        write(self);
        let len = u16::try_from(self.octets.len() - start).expect("who writes many elements writes several lists");
        self.octets[start..start + 2].copy_from_slice(&len.to_ne_bytes());
        self.octets.resize(self.octets.len().next_multiple_of(ALIGNMENT), 0);
    }
}

/// What stands before the attributes of a message.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// The subsystem and what it is asked.
    pub kind: u16,
    /// How it is asked.
    pub flags: u16,
    /// The number of the message, by which an answer names it.
    pub sequence: u32,
    /// The family of addresses.
    pub family: u8,
    /// Means something to a subsystem.
    pub resource: u16,
}

/// A message that came.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The subsystem and what it says.
    pub kind: u16,
    /// What is said of the message.
    pub flags: u16,
    /// The number of the request it answers.
    pub sequence: u32,
    /// The socket whose request it is about.
    pub port: u32,
    /// The rest.
    pub body: &'a [u8],
}

/// The messages of a datagram; what is cut off is left out.
pub fn messages(mut octets: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let (header, _) = octets.split_at_checked(HEADER_LEN)?;
        let len = usize::try_from(u32_of(&header[..4])?).ok()?;
        let body = octets.get(HEADER_LEN..len)?;
        let message = Message {
            kind: u16_of(&header[4..6])?,
            flags: u16_of(&header[6..8])?,
            sequence: u32_of(&header[8..12])?,
            port: u32_of(&header[12..16])?,
            body,
        };
        octets = octets.get(len.next_multiple_of(ALIGNMENT)..).unwrap_or_default();
        Some(message)
    })
}

/// The attributes in some octets; what is cut off is left out.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a>(
    /// The octets.
    pub &'a [u8],
);

impl<'a> Attributes<'a> {
    /// Those of a message of netfilter.
    pub fn of(message: &Message<'a>) -> Self {
        Self(message.body.get(NFGENMSG_LEN..).unwrap_or_default())
    }

    /// Each, with its kind.
    pub fn iter(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut octets = self.0;
        std::iter::from_fn(move || {
            let (header, _) = octets.split_at_checked(4)?;
            let len = usize::from(u16_of(&header[..2])?);
            let value = octets.get(4..len)?;
            octets = octets.get(len.next_multiple_of(ALIGNMENT)..).unwrap_or_default();
            Some((u16_of(&header[2..])? & !(NESTED | NET_ORDER), value))
        })
    }

    /// The octets of the first of a kind.
    #[must_use]
    pub fn get(self, kind: u16) -> Option<&'a [u8]> {
        self.iter().find(|(found, _)| *found == kind).map(|(_, value)| value)
    }

    /// The attributes in the first of a kind.
    #[must_use]
    pub fn nested(self, kind: u16) -> Option<Self> {
        self.get(kind).map(Self)
    }

    /// The number in the first of a kind.
    #[must_use]
    pub fn u32(self, kind: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.get(kind)?.try_into().ok()?))
    }

    /// The text in the first of a kind.
    #[must_use]
    pub fn text(self, kind: u16) -> Option<&'a str> {
        std::str::from_utf8(self.get(kind)?).ok().map(|text| text.trim_end_matches('\0'))
    }
}

pub(crate) fn u32_of(octets: &[u8]) -> Option<u32> {
    octets.try_into().ok().map(u32::from_ne_bytes)
}

fn u16_of(octets: &[u8]) -> Option<u16> {
    octets.try_into().ok().map(u16::from_ne_bytes)
}

const HEADER_LEN: usize = 16;
const NFGENMSG_LEN: usize = 4;
const ALIGNMENT: usize = 4;
const NESTED: u16 = 1 << 15;
const NET_ORDER: u16 = 1 << 14;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut writer = Writer::default();
        let header = Header { kind: 2560, flags: 5, sequence: 7, family: 1, resource: 0 };
        writer.message(header, |writer| {
            writer.put_text(1, "openc2");
            writer.nest(4, |writer| writer.put_u32(2, 9));
        });
        writer.message(header, |_| {});
        let found: Vec<_> = messages(&writer.octets).collect();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].kind, found[0].flags, found[0].sequence), (2560, 5, 7));
        let attributes = Attributes::of(&found[0]);
        assert_eq!(attributes.text(1), Some("openc2"));
        assert_eq!(attributes.nested(4).and_then(|nested| nested.u32(2)), Some(9));
        assert_eq!(Attributes::of(&found[1]).iter().count(), 0);
    }

    #[test]
    fn what_is_cut_off_or_makes_no_sense_is_left_out() {
        let mut writer = Writer::default();
        let header = Header { kind: 1, flags: 0, sequence: 0, family: 1, resource: 0 };
        writer.message(header, |writer| writer.put_text(1, "a longer text"));
        for len in 0..writer.octets.len() {
            assert_eq!(messages(&writer.octets[..len]).count(), 0, "{len}");
        }
        for octets in [&[0, 0, 1, 0][..], &[3, 0, 1, 0], &[9, 0, 1, 0, 1], &[255; 40]] {
            assert_eq!(Attributes(octets).iter().count(), 0, "{octets:?}");
            assert_eq!(messages(octets).count(), 0, "{octets:?}");
        }
    }
}
