//! The place of a rule in the list, as the kernel compares it.

use oc2_profile_slpf::RuleNumber;

use crate::octets::Octets;

/// Where a rule stands: the lower, the earlier packets meet it. It is the number of the rule, moved so that it is not
/// negative, so it never changes and no other rule has to move for it. People who list the table see the number in its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Rank(pub(crate) u64);

impl Rank {
    /// Before all rules.
    pub(crate) const FIRST: Self = Self(0);
    /// Behind all rules: that of no rule. All before it have one prefix in common; the kernel cuts ranges into prefixes, and takes
    /// long for those that are many.
    pub(crate) const NONE: Self = Self(1 << 63);

    /// That of the rule of the list with this number.
    pub(crate) fn of(number: RuleNumber) -> Self {
        Self(number.as_i64().saturating_add(OFFSET).cast_unsigned())
    }

    /// As the kernel compares it, from the left.
    pub(crate) fn octets(self) -> [u8; Self::LEN] {
        self.0.to_be_bytes()
    }

    /// As a map answers it: behind four octets that nobody looks at.
    ///
    /// The kernel could do without; but `nft` 1.0.6 ends with a failed assertion when it lists a rule that looks up what
    /// another lookup wrote into the very register, and would do so for all who list their own rules.
    pub(crate) fn answer(self) -> [u8; Self::ANSWER_LEN] {
        let mut answer = [0; Self::ANSWER_LEN];
        answer[Self::ANSWER_LEN - Self::LEN..].copy_from_slice(&self.octets());
        answer
    }

    /// What a map answered.
    pub(crate) fn answered(octets: &[u8]) -> Option<Self> {
        let rank = octets.strip_prefix(&[0; Self::ANSWER_LEN - Self::LEN])?;
        Some(Self(u64::from_be_bytes(rank.try_into().ok()?)))
    }

    /// Two, as they are looked up when both were answered one behind the other.
    pub(crate) fn pair(one: Self, other: Self) -> Octets {
        let mut pair = Octets::from(one.octets());
        pair.push(&other.answer());
        pair
    }

    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    pub(crate) fn previous(self) -> Self {
        Self(self.0 - 1)
    }

    pub(crate) const LEN: usize = 8;
    pub(crate) const ANSWER_LEN: usize = 12;
}

/// More than 2^53, which no number goes beyond.
const OFFSET: i64 = 10_000_000_000_000_000;
