//! A test kit: what every actuator must do, checked through the same path that a Consumer takes.

use oc2_core::any::Any;
use oc2_core::types::time::DateTime;
use oc2_core::{Action, Command, CommandRow, Features, Profile, Rejection, StatusCode};

use crate::actuator::{Actuator, Context};
use crate::erased::{AnyActuator, Outcome};

/// Prepares and performs a Command as a Consumer would, at once.
///
/// # Errors
/// The Command was refused or failed.
pub async fn perform(actuator: &AnyActuator, command: &Command) -> Outcome {
    let window = command.args.window(DateTime::now()).map_err(|error| Rejection::malformed(error.to_string()))?;
    actuator.prepare(command, Context::new("testing", window)).await?.perform().await
}

/// Performs a Command and compares what becomes of it: 200 with these results, or a status and how its text begins.
///
/// # Panics
/// It differs.
pub async fn check<R: oc2_core::any::Extension + PartialEq>(
    actuator: &AnyActuator,
    command: &Command,
    expected: Result<Option<R>, (StatusCode, &str)>,
) {
    let outcome = perform(actuator, command).await;
    match (outcome, expected) {
        (Ok(results), Ok(expected)) => {
            assert_eq!(results, expected.map(Any::typed), "{}", command.pair());
        }
        (Err(rejection), Err((status, text))) => {
            assert_eq!(rejection.status(), status, "{}: {rejection}", command.pair());
            assert!(rejection.text().starts_with(text), "{}: {rejection}", command.pair());
        }
        (outcome, expected) => panic!("{}: {outcome:?}, where {expected:?} was expected", command.pair()),
    }
}

/// Checks an actuator against the rows of its profile, without performing anything: what it supports is in the profile,
/// each pair once; what it leaves out of the arguments is in a row; and every action it does not have is refused as
/// unsupported.
///
/// # Panics
/// It does not keep one of these rules.
pub async fn matrix<A: Actuator>(actuator: A) {
    let rows = actuator.commands();
    for (position, row) in rows.iter().enumerate() {
        assert!(A::Profile::COMMANDS.contains(row), "{} is not a row of the profile", row.pair());
        assert!(rows[..position].iter().all(|other| other.pair() != row.pair()), "{} is there twice", row.pair());
    }
    for arg in actuator.unsupported_args() {
        let has_it = |row: &CommandRow| row.own.contains(&arg.as_str());
        assert!(A::Profile::COMMANDS.iter().any(has_it), "{arg} is not an argument of the profile");
    }
    let any = AnyActuator::new(actuator);
    for action in Action::ALL.iter().filter(|action| rows.iter().all(|row| row.action != **action)) {
        let command = Command::new(*action, Features::default());
        let refused = perform(&any, &command).await.map_err(|rejection| rejection.status());
        assert_eq!(refused, Err(StatusCode::NotImplemented), "{}", command.pair());
    }
}
