//! Deterministic mutations of seeds, for runs without libFuzzer.

/// Makes new inputs from old ones; the same number makes the same inputs on every machine.
#[derive(Clone, Debug)]
pub struct Mutations(u64);

impl Mutations {
    /// Starts with this number.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // The generator below stays at 0.
        Self(seed.max(1))
    }

    /// One of the seeds, changed in one to four places.
    pub fn next_of(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = self.one_of(seeds).cloned().unwrap_or_default();
        for _ in 0..=self.below(4) {
            self.change(&mut bytes, seeds);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(bytes.len());
        match self.below(8) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
            1 if !bytes.is_empty() => bytes[at] = self.byte(),
            2 => bytes.insert(at, self.byte()),
            3 => bytes.truncate(at),
            4 => {
                let end = self.end_of(bytes, at);
                bytes.drain(at..end);
            }
            5 => {
                let part = bytes[at..self.end_of(bytes, at)].to_vec();
                bytes.splice(at..at, part);
            }
            6 => {
                let part = self.one_of(SPICES).copied().unwrap_or_default();
                bytes.splice(at..at, part.iter().copied());
            }
            _ => {
                let Some(other) = self.one_of(seeds) else { return };
                let from = self.below(other.len());
                let part = &other[from..self.end_of(other, from)];
                let end = self.end_of(bytes, at);
                bytes.splice(at..end, part.iter().copied());
            }
        }
    }

    /// Where a part ends that begins here; short parts are more likely.
    fn end_of(&mut self, bytes: &[u8], start: usize) -> usize {
        let longest = if self.below(4) == 0 { bytes.len() } else { 16 };
        start + self.below((bytes.len() - start).min(longest) + 1)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }

    /// A number below `end`; 0 if there is none.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or(0)
    }

    /// Xorshift64* (Vigna 2016).
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

/// What readers trip over.
const SPICES: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"{}",
    b"[]",
    b"null",
    b"-",
    b"-0",
    b".0",
    b"e1",
    b"9007199254740992",
    b"\\u0000",
    b"\\ud800",
    b":",
    b",",
    b"\"slpf\":{}",
    b"\"1\":",
    b"\xef\xbf\xbf",
    b"\xff",
    b"\x00",
    b"\xf7",
    b"\xf9\x7e\x00",
    b"\xd9\xd9\xf7",
    b"\x9f",
    b"\xbf",
    b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\r\n",
    b"\r\n\r\n",
    b";q=0",
    b"/",
    b"%",
    b"@",
    b".",
    b"xn--",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_makes_the_same_inputs() {
        let seeds = [b"abc".to_vec(), Vec::new()];
        let inputs = |n| {
            let mut mutations = Mutations::new(n);
            (0..1000).map(|_| mutations.next_of(&seeds)).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
    }

    #[test]
    fn without_seeds_there_are_inputs_all_the_same() {
        let mut mutations = Mutations::new(0);
        assert!((0..1000).any(|_| !mutations.next_of(&[]).is_empty()));
    }
}
