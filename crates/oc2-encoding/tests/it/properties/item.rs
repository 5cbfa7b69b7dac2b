//! CBOR item by item: a second reader that knows nothing of ours, and a writer that writes as foreign encoders do.

/// A data item (RFC 8949).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Unsigned(u64),
    Negative(u64),
    Octets(Vec<u8>),
    Text(Vec<u8>),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Simple(u8),
    Float(f64),
}

/// Reads deterministic CBOR and nothing else (RFC 8949 4.2.1): shortest heads, definite lengths, keys that ascend; and of
/// JADN 4.4 that floats have 64 bits and no item a tag.
pub(crate) fn deterministic(bytes: &[u8]) -> Result<Item, String> {
    let mut reader = Reader { bytes, at: 0 };
    let item = reader.item()?;
    if reader.at == bytes.len() { Ok(item) } else { Err(format!("{} bytes behind", bytes.len() - reader.at)) }
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, n: usize) -> Result<Vec<u8>, String> {
        let taken = self.bytes.get(self.at..self.at + n).ok_or("cut")?.to_vec();
        self.at += n;
        Ok(taken)
    }

    fn item(&mut self) -> Result<Item, String> {
        let initial = self.take(1)?[0];
        if initial >> 5 == 7 {
            return match initial {
                0xf4..=0xf6 => Ok(Item::Simple(initial & 0x1f)),
                0xfb => Ok(Item::Float(f64::from_be_bytes(self.take(8)?.try_into().expect("8 octets")))),
                _ => Err(format!("{initial:02x} at byte {}", self.at - 1)),
            };
        }
        let argument = self.argument(initial & 0x1f)?;
        let n = usize::try_from(argument).map_err(|_| "too long")?;
        match initial >> 5 {
            0 => Ok(Item::Unsigned(argument)),
            1 => Ok(Item::Negative(argument)),
            2 => self.take(n).map(Item::Octets),
            3 => self.take(n).map(Item::Text),
            4 => (0..n).map(|_| self.item()).collect::<Result<_, _>>().map(Item::List),
            5 => self.members(n).map(Item::Map),
            _ => Err(format!("a tag at byte {}", self.at)),
        }
    }

    fn argument(&mut self, info: u8) -> Result<u64, String> {
        let (n_octets, least) = match info {
            0..24 => return Ok(info.into()),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            _ => return Err(format!("an indefinite length at byte {}", self.at)),
        };
        let argument = self.take(n_octets)?.iter().fold(0, |value, octet| value << 8 | u64::from(*octet));
        if argument < least { Err(format!("{argument} in {n_octets} octets")) } else { Ok(argument) }
    }

    fn members(&mut self, n: usize) -> Result<Vec<(Item, Item)>, String> {
        let mut members = Vec::new();
        let mut last = Vec::new();
        for _ in 0..n {
            let start = self.at;
            let key = self.item()?;
            let encoded = self.bytes[start..self.at].to_vec();
            if encoded <= last {
                return Err(format!("{key:?} behind a key that is greater"));
            }
            last = encoded;
            members.push((key, self.item()?));
        }
        Ok(members)
    }
}

/// Choices that a foreign encoder makes, each of them taken from a list that runs in circles.
pub(crate) struct Foreign<'c> {
    choices: std::iter::Cycle<std::slice::Iter<'c, u8>>,
}

impl<'c> Foreign<'c> {
    /// At least one choice is due.
    pub(crate) fn new(choices: &'c [u8]) -> Self {
        Self { choices: choices.iter().cycle() }
    }

    fn choose(&mut self, n: u8) -> u8 {
        self.choices.next().map_or(0, |choice| choice % n)
    }

    /// The same item: heads of any length, lengths that are told or not, keys in any order.
    pub(crate) fn write(&mut self, item: &Item, into: &mut Vec<u8>) {
        match item {
            Item::Unsigned(value) => self.head(0, *value, into),
            Item::Negative(value) => self.head(1, *value, into),
            Item::Octets(octets) => self.string(2, octets.chunks(3), octets.len(), into),
            // A chunk of a text is a text (RFC 8949 3.2.3).
            Item::Text(octets) => {
                let text = String::from_utf8(octets.clone()).expect("UTF-8");
                let characters: Vec<String> = text.chars().map(String::from).collect();
                self.string(3, characters.iter().map(|character| character.as_bytes()), octets.len(), into);
            }
            Item::List(items) => {
                let is_definite = self.start(4, items.len(), into);
                items.iter().for_each(|item| self.write(item, into));
                self.stop(is_definite, into);
            }
            Item::Map(members) => {
                let is_definite = self.start(5, members.len(), into);
                let mut members: Vec<_> = members.iter().collect();
                if !members.is_empty() {
                    let n = usize::from(self.choose(8)) % members.len();
                    members.rotate_left(n);
                }
                for (key, value) in members {
                    self.write(key, into);
                    self.write(value, into);
                }
                self.stop(is_definite, into);
            }
            Item::Simple(value) => into.push(0xe0 | value),
            Item::Float(value) => self.float(*value, into),
        }
    }

    fn head(&mut self, major: u8, argument: u64, into: &mut Vec<u8>) {
        let least = match argument {
            0..24 => 0,
            24..0x100 => 1,
            0x100..0x1_0000 => 2,
            0x1_0000..0x1_0000_0000 => 3,
            _ => 4,
        };
        let octets = argument.to_be_bytes();
        match least + self.choose(5 - least) {
            0 => into.push(major << 5 | octets[7]),
            width => {
                into.push(major << 5 | (23 + width));
                into.extend_from_slice(&octets[8 - (1 << (width - 1))..]);
            }
        }
    }

    fn string<'s>(&mut self, major: u8, chunks: impl Iterator<Item = &'s [u8]>, n: usize, into: &mut Vec<u8>) {
        if self.choose(3) > 0 {
            self.head(major, n as u64, into);
            chunks.for_each(|chunk| into.extend_from_slice(chunk));
            return;
        }
        into.push(major << 5 | 31);
        for chunk in chunks {
            self.head(major, chunk.len() as u64, into);
            into.extend_from_slice(chunk);
        }
        into.push(0xff);
    }

    fn start(&mut self, major: u8, n: usize, into: &mut Vec<u8>) -> bool {
        let is_definite = self.choose(2) == 0;
        if is_definite {
            self.head(major, n as u64, into);
        } else {
            into.push(major << 5 | 31);
        }
        is_definite
    }

    fn stop(&mut self, is_definite: bool, into: &mut Vec<u8>) {
        if !is_definite {
            into.push(0xff);
        }
    }

    fn float(&mut self, value: f64, into: &mut Vec<u8>) {
        if f64::from(value as f32) == value && self.choose(2) == 0 {
            into.push(0xfa);
            into.extend_from_slice(&(value as f32).to_be_bytes());
        } else {
            into.push(0xfb);
            into.extend_from_slice(&value.to_be_bytes());
        }
    }
}
