//! The one place that knows how a command gets from text to the profile.

use oc2_core::shape::read::{Context, Mode, Read};
use oc2_core::shape::write::Written;
use oc2_core::{Command, Form, Profile, Rejection};
use oc2_profile_slpf::{self as slpf, Slpf};

/// A command as the language reads it.
#[track_caller]
pub(crate) fn command(json: &str, mode: Mode) -> Command {
    let mut context = Context::new(mode);
    let mut deserializer = serde_json::Deserializer::from_str(json);
    match Command::read(&mut context, &mut deserializer) {
        Ok(command) => command,
        Err(error) => panic!("{json}: {}", context.fail(error.to_string())),
    }
}

/// What a Consumer does with a command: the row admits it, then the profile understands it.
pub(crate) fn understood(command: &Command) -> Result<slpf::Command, Rejection> {
    let Some(row) = Slpf::COMMANDS.iter().find(|row| row.pair() == command.pair()) else {
        return Err(Rejection::unsupported("no row"));
    };
    row.admit::<Slpf>(&command.args, &[])?;
    Slpf::interpret(command)
}

/// What the profile makes of a text, in both modes.
#[track_caller]
pub(crate) fn in_both_modes(json: &str) -> [Result<slpf::Command, String>; 2] {
    [Mode::Lenient, Mode::Strict].map(|mode| {
        understood(&command(json, mode)).map_err(|rejection| format!("{} {rejection}", rejection.status().as_u16()))
    })
}

/// The text of a command.
pub(crate) fn written(command: &Command) -> String {
    serde_json::to_string(&Written(command, Form::DEFAULT)).expect("a command")
}
