use std::fmt;

/// Where on its way through the host a packet meets a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hook {
    /// For this host.
    Input,
    /// From this host.
    Output,
    /// Through this host: of interest to a gateway only.
    Forward,
}

impl Hook {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Input, Self::Output, Self::Forward];

    /// The chain of iptables that is there anyway.
    #[must_use]
    pub fn built_in_chain(self) -> &'static str {
        match self {
            Self::Input => "INPUT",
            Self::Output => "OUTPUT",
            Self::Forward => "FORWARD",
        }
    }

    pub(super) fn has_in_interface(self) -> bool {
        self != Self::Output
    }

    pub(super) fn has_out_interface(self) -> bool {
        self != Self::Input
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.built_in_chain())
    }
}
