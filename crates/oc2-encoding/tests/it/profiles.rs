//! Two profiles that SLPF is not like: one with an id in the registry, one without.

use oc2_core::any::KEPT_IN_LENIENT;
use oc2_core::target::TargetKind;
use oc2_core::types::port::Port;
use oc2_core::{Action, Command, CommandRow, Content, Message, Nsid, Profile, Rejection, TargetName};
use oc2_core::{choice, map, record};
use oc2_profile_slpf::Slpf;

/// Declares a profile of which only the types matter.
macro_rules! profile {
    ($(#[$meta:meta])* $name:ident: $nsid:literal in $module:ident) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub(crate) struct $name;

        impl Profile for $name {
            const NSID: Nsid = Nsid::constant($nsid);
            const NAME: &'static str = $nsid;
            const COMMANDS: &'static [CommandRow] = &[CommandRow {
                action: Action::Scan,
                target: TargetName::Standard(TargetKind::Device),
                common: &[],
                own: &[],
                unsupported: "no",
            }];

            type Target = $module::Target;
            type Args = $module::Args;
            type Specifiers = $module::Specifiers;
            type Results = $module::Results;
            type Command = ();

            fn interpret(_: &Command) -> Result<(), Rejection> {
                Ok(())
            }
        }
    };
}

profile! {
    /// In the registry under 9001.
    Blinky: "blinky" in types
}

profile! {
    /// In no registry.
    Acme: "x-acme" in types
}

/// What both of them have: ids of their own from 1 on, and one of everything.
pub(crate) mod types {
    use super::*;

    choice! {
        pub enum Target: "Target" {
            Led(Led) = 1 "led",
            Port(Port) = 1025 "port",
        }
    }

    record! {
        #[derive(Default)]
        pub struct Led: "Led" {
            optional color: String = 1,
            optional is_on: bool = 2,
            optional level: i64 = 3,
        }
    }

    map! {
        #[derive(Default)]
        pub struct Args: "Args" {
            optional led: Led = 1,
            optional port: Port = 7,
        }
    }

    map! {
        #[derive(Default)]
        pub struct Specifiers: "Specifiers" {
            optional room: String = 2,
        }
    }

    map! {
        #[derive(Default)]
        pub struct Results: "Results" {
            optional leds: Vec<Led> = 3,
        } others others: KEPT_IN_LENIENT
    }
}

/// The same message with what the three profiles define typed.
pub(crate) fn typed(message: Message) -> Message {
    let Message { headers, signature, .. } = message.clone();
    let message = match message.into_content() {
        Content::Request(command) => {
            let typed = command.typed::<Slpf>().and_then(Command::typed::<Blinky>).and_then(Command::typed::<Acme>);
            Message::request(headers, typed.expect("well typed"))
        }
        Content::Response(response) => {
            let typed = response.typed::<Slpf>().and_then(oc2_core::Response::typed::<Blinky>);
            Message::response(headers, typed.and_then(oc2_core::Response::typed::<Acme>).expect("well typed"))
        }
        other @ Content::Notification(_) => panic!("{other:?}"),
    };
    Message { signature, ..message }
}
