//! Packets of MQTT 5, taken apart as far as the tests look at them, by code that is no client's.

/// The types of packets (MQTT 5 2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Connect = 1,
    ConnAck = 2,
    Publish = 3,
    PubAck = 4,
    PubRec = 5,
    PubRel = 6,
    PubComp = 7,
    Subscribe = 8,
    SubAck = 9,
    Unsubscribe = 10,
    UnsubAck = 11,
    PingReq = 12,
    PingResp = 13,
    Disconnect = 14,
    Auth = 15,
}

/// A packet.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Its type.
    pub kind: Kind,
    /// The four flags beside it.
    pub flags: u8,
    /// What comes after the fixed header.
    pub body: Vec<u8>,
}

/// What a client says first.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of MQTT 5 3.1")]
pub struct Connect {
    pub level: u8,
    pub flags: u8,
    pub keep_alive: u16,
    pub properties: Vec<(u8, Vec<u8>)>,
    pub client_id: String,
    /// What is left behind the ClientID: of a Will, user name and password.
    pub rest: Vec<u8>,
}

/// A message on its way.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of MQTT 5 3.3")]
pub struct Publish {
    pub is_dup: bool,
    pub qos: u8,
    pub is_retained: bool,
    pub topic: String,
    pub id: Option<u16>,
    pub properties: Vec<(u8, Vec<u8>)>,
    pub payload: Vec<u8>,
}

/// What a client wants to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// Each topic filter with its options.
    pub filters: Vec<(String, u8)>,
}

impl Packet {
    /// Takes the first packet from these bytes, if it is whole.
    ///
    /// # Panics
    /// It is not one of MQTT.
    pub fn take(bytes: &mut Vec<u8>) -> Option<Self> {
        let (length, at) = number(bytes.get(1..)?)?;
        let end = 1 + at + length;
        if bytes.len() < end {
            return None;
        }
        let packet = bytes.drain(..end).collect::<Vec<_>>();
        Some(Self { kind: kind(packet[0] >> 4), flags: packet[0] & 15, body: packet[1 + at..].to_vec() })
    }

    /// As CONNECT.
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    pub fn connect(&self) -> Connect {
        assert_eq!(self.kind, Kind::Connect);
        let mut reader = Reader(&self.body);
        assert_eq!(reader.text(), "MQTT");
        let (level, flags, keep_alive) = (reader.octet(), reader.octet(), reader.short());
        let properties = reader.properties();
        let client_id = reader.text();
        Connect { level, flags, keep_alive, properties, client_id, rest: reader.0.to_vec() }
    }

    /// As PUBLISH.
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    pub fn publish(&self) -> Publish {
        assert_eq!(self.kind, Kind::Publish);
        let mut reader = Reader(&self.body);
        let qos = (self.flags >> 1) & 3;
        let topic = reader.text();
        let id = (qos > 0).then(|| reader.short());
        let properties = reader.properties();
        let payload = reader.0.to_vec();
        Publish { is_dup: self.flags & 8 != 0, qos, is_retained: self.flags & 1 != 0, topic, id, properties, payload }
    }

    /// The Server Keep Alive of a CONNACK, if the broker dictates one (MQTT 5 3.2.2.3.14).
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    pub fn server_keep_alive(&self) -> Option<u16> {
        assert_eq!(self.kind, Kind::ConnAck);
        let mut reader = Reader(&self.body);
        // Flags and reason code.
        reader.short();
        let properties = reader.properties();
        value(&properties, 0x13).and_then(|own| own.try_into().ok()).map(u16::from_be_bytes)
    }

    /// As SUBSCRIBE.
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    pub fn subscribe(&self) -> Subscribe {
        assert_eq!(self.kind, Kind::Subscribe);
        let mut reader = Reader(&self.body);
        reader.short();
        assert_eq!(reader.properties(), []);
        let mut filters = Vec::new();
        while !reader.0.is_empty() {
            filters.push((reader.text(), reader.octet()));
        }
        Subscribe { filters }
    }

    /// The id of a packet that begins with one: an acknowledgement, for example.
    #[must_use]
    pub fn id(&self) -> u16 {
        u16::from_be_bytes([self.body[0], self.body[1]])
    }
}

impl Connect {
    /// The value of a property, if it is there.
    #[must_use]
    pub fn property(&self, id: u8) -> Option<&[u8]> {
        value(&self.properties, id)
    }
}

impl Publish {
    /// The value of a property, if it is there.
    #[must_use]
    pub fn property(&self, id: u8) -> Option<&[u8]> {
        value(&self.properties, id)
    }

    /// The user properties, in their order.
    #[must_use]
    pub fn user_properties(&self) -> Vec<(String, String)> {
        let own = self.properties.iter().filter(|(id, _)| *id == 0x26);
        own.map(|(_, pair)| {
            let mut reader = Reader(pair);
            (reader.text(), reader.text())
        })
        .collect()
    }

    /// The payload as text.
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    pub fn text(&self) -> &str {
        str::from_utf8(&self.payload).expect("the payload is text")
    }
}

struct Reader<'p>(&'p [u8]);

impl Reader<'_> {
    fn octets(&mut self, n: usize) -> Vec<u8> {
        let (octets, rest) = self.0.split_at(n);
        self.0 = rest;
        octets.to_vec()
    }

    fn octet(&mut self) -> u8 {
        self.octets(1)[0]
    }

    fn short(&mut self) -> u16 {
        let octets = self.octets(2);
        u16::from_be_bytes([octets[0], octets[1]])
    }

    fn text(&mut self) -> String {
        let length = self.short();
        String::from_utf8(self.octets(length.into())).expect("texts are UTF-8")
    }

    fn number(&mut self) -> usize {
        let (number, n_octets) = number(self.0).expect("the number is whole");
        self.octets(n_octets);
        number
    }

    fn properties(&mut self) -> Vec<(u8, Vec<u8>)> {
        let length = self.number();
        let own = self.octets(length);
        let mut reader = Reader(&own);
        let mut properties = Vec::new();
        while !reader.0.is_empty() {
            let id = reader.octet();
            properties.push((id, reader.property(id)));
        }
        properties
    }

    /// The value of a property (MQTT 5 2.2.2.2); of texts without their length, of pairs with.
    fn property(&mut self, id: u8) -> Vec<u8> {
        match id {
            0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28 | 0x29 | 0x2a => self.octets(1),
            0x13 | 0x21 | 0x22 | 0x23 => self.octets(2),
            0x02 | 0x11 | 0x18 | 0x27 => self.octets(4),
            0x0b => self.number().to_be_bytes().to_vec(),
            0x26 => {
                let before = self.0;
                self.text();
                self.text();
                before[..before.len() - self.0.len()].to_vec()
            }
            0x03 | 0x08 | 0x09 | 0x12 | 0x15 | 0x16 | 0x1a | 0x1c | 0x1f => {
                let length = self.short();
                self.octets(length.into())
            }
            _ => panic!("{id:#x} is no property"),
        }
    }
}

fn value(properties: &[(u8, Vec<u8>)], id: u8) -> Option<&[u8]> {
    properties.iter().find(|(own, _)| *own == id).map(|(_, value)| value.as_slice())
}

/// A number of variable length, and how many octets it takes (MQTT 5 1.5.5).
fn number(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut number = 0;
    for (position, octet) in bytes.iter().enumerate().take(4) {
        number |= usize::from(octet & 0x7f) << (7 * position);
        if octet & 0x80 == 0 {
            return Some((number, position + 1));
        }
    }
    None
}

fn kind(number: u8) -> Kind {
    use Kind::{
        Auth, ConnAck, Connect, Disconnect, PingReq, PingResp, PubAck, PubComp, PubRec, PubRel, Publish, SubAck,
        Subscribe, UnsubAck, Unsubscribe,
    };
    let kinds = [
        Connect,
        ConnAck,
        Publish,
        PubAck,
        PubRec,
        PubRel,
        PubComp,
        Subscribe,
        SubAck,
        Unsubscribe,
        UnsubAck,
        PingReq,
        PingResp,
        Disconnect,
        Auth,
    ];
    kinds[usize::from(number) - 1]
}
