//! What a Command acts on (LS 3.3.1.2).

mod artifact;
mod device;
mod extended;
mod file;
mod name;
mod net;
mod process;
mod properties;

pub use artifact::{Artifact, ArtifactBuilder};
pub use device::{Device, DeviceBuilder};
pub use extended::{Extended, NoTarget};
pub use file::{File, FileBuilder};
pub use name::TargetName;
pub use net::{Ipv4Connection, Ipv4ConnectionBuilder, Ipv4Net, Ipv6Connection, Ipv6ConnectionBuilder, Ipv6Net};
pub use process::{Parent, Pid, Process, ProcessBuilder};
pub use properties::Properties;

use crate::choice;
use crate::feature::Features;
use crate::invalid::Invalid;
use crate::profile::Profile;
use crate::shape::Choice;
use crate::shape::read::ReadError;
use crate::types::mac::MacAddr;
use crate::types::text::{CommandId, DomainName, EmailAddr, IdnDomainName, IdnEmailAddr, Iri, Uri};

choice! {
    /// The object of an action (LS 3.3.1.2): one of the standard's targets, or one that a profile defines.
    pub enum Target: "Target" in "LS 3.3.1.2 (LS-097)", named by TargetKind, extended by Extended {
        /// Bytes, or where they lie.
        Artifact(Box<Artifact>) = 1 "artifact",
        /// A Command that was issued before.
        Command(CommandId) = 2 "command",
        /// Something with an address.
        Device(Box<Device>) = 3 "device",
        /// A network domain name.
        DomainName(DomainName) = 7 "domain_name",
        /// An email address.
        EmailAddr(EmailAddr) = 8 "email_addr",
        /// What a Consumer can tell about itself.
        Features(Features) = 9 "features",
        /// A file.
        File(Box<File>) = 10 "file",
        /// An internationalized domain name.
        IdnDomainName(IdnDomainName) = 11 "idn_domain_name",
        /// An internationalized email address.
        IdnEmailAddr(IdnEmailAddr) = 12 "idn_email_addr",
        /// IPv4 addresses.
        Ipv4Net(Ipv4Net) = 13 "ipv4_net",
        /// IPv6 addresses.
        Ipv6Net(Ipv6Net) = 14 "ipv6_net",
        /// A connection over IPv4.
        Ipv4Connection(Ipv4Connection) = 15 "ipv4_connection",
        /// A connection over IPv6.
        Ipv6Connection(Ipv6Connection) = 16 "ipv6_connection",
        /// A hardware address.
        MacAddr(MacAddr) = 17 "mac_addr",
        /// A running process.
        Process(Process) = 18 "process",
        /// A uniform resource identifier.
        Uri(Uri) = 19 "uri",
        /// An internationalized resource identifier.
        Iri(Iri) = 20 "iri",
        /// Attributes of an actuator.
        Properties(Properties) = 25 "properties",
    }
}

impl Target {
    /// A target that the profile `P` defines.
    ///
    /// # Errors
    /// The value has no row in the profile's table, which the macros do not produce.
    pub fn extended<P: Profile>(target: P::Target) -> Result<Self, Invalid> {
        Extended::new::<P>(target).map(Self::Extended)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> TargetName {
        match self {
            Self::Extended(extended) => TargetName::Extended(extended.nsid(), extended.name()),
            standard => {
                match standard.field().and_then(|field| TargetKind::ALL.iter().find(|kind| kind.id() == field.id)) {
                    Some(kind) => TargetName::Standard(*kind),
                    // Every row of the table has a kind: both come from the declaration above.
                    None => TargetName::Standard(TargetKind::Features),
                }
            }
        }
    }

    /// Its name as the profile `P` has it: one that came by its id has a name only in the profile's table.
    #[must_use]
    pub fn name_in<P: Profile>(&self) -> TargetName {
        match self {
            Self::Extended(extended) => TargetName::Extended(extended.nsid(), extended.name_in::<P>()),
            _ => self.name(),
        }
    }

    /// The target as one of the profile `P`; `None` if it is not one.
    ///
    /// # Errors
    /// It is one and ill-typed.
    pub fn of<P: Profile>(&self) -> Result<Option<P::Target>, ReadError> {
        match self {
            Self::Extended(extended) => extended.of::<P>(),
            _ => Ok(None),
        }
    }
}

impl From<Ipv4Net> for Target {
    fn from(net: Ipv4Net) -> Self {
        Self::Ipv4Net(net)
    }
}

impl From<Ipv6Net> for Target {
    fn from(net: Ipv6Net) -> Self {
        Self::Ipv6Net(net)
    }
}

impl From<Ipv4Connection> for Target {
    fn from(connection: Ipv4Connection) -> Self {
        Self::Ipv4Connection(connection)
    }
}

impl From<Ipv6Connection> for Target {
    fn from(connection: Ipv6Connection) -> Self {
        Self::Ipv6Connection(connection)
    }
}

impl From<Features> for Target {
    fn from(features: Features) -> Self {
        Self::Features(features)
    }
}

impl From<Artifact> for Target {
    fn from(artifact: Artifact) -> Self {
        Self::Artifact(Box::new(artifact))
    }
}

impl From<Device> for Target {
    fn from(device: Device) -> Self {
        Self::Device(Box::new(device))
    }
}

impl From<Process> for Target {
    fn from(process: Process) -> Self {
        Self::Process(process)
    }
}

impl From<File> for Target {
    fn from(file: File) -> Self {
        Self::File(Box::new(file))
    }
}
