//! What a Producer must not and should not send, in so far as the language says so. Profiles have their own builders.

use oc2_core::profile::CommonArg;
use oc2_core::types::text::MimeType;
use oc2_core::{Action, Args, Command, Invalid, Nsid, ResponseType, Target};

/// Refuses what a Producer must not send, and remarks on what it should not.
pub(crate) fn check(command: &Command) -> Result<Vec<String>, Invalid> {
    if let (Action::Query, Target::Features(_)) = (command.action, &command.target) {
        only_complete(&command.args)?;
    }
    let mut remarks = unregistered(command);
    match &command.target {
        Target::Artifact(artifact) => {
            if let Some(mime_type) = artifact.mime_type() {
                MimeType::new(mime_type)
                    .map_err(|error| Invalid::new(format!("target.artifact.mime_type: {error}")))?;
            }
        }
        Target::File(file) => remarks.extend(file.path().filter(|path| !is_absolute(path)).map(|path| {
            format!("target.file.path: {path:?} is not an absolute path on the Consumer's host (LS 3.4.1.6)")
        })),
        _ => {}
    }
    Ok(remarks)
}

/// `query features` goes with `response_requested` complete and nothing else (LS 4.1).
fn only_complete(args: &Args) -> Result<(), Invalid> {
    let refuse = |name: &str| {
        Err(Invalid::new(format!(
            "query features takes no argument but response_requested complete (LS 4.1), not {name}"
        )))
    };
    if args.start_time().is_some() {
        return refuse(CommonArg::StartTime.name());
    }
    if args.stop_time().is_some() {
        return refuse(CommonArg::StopTime.name());
    }
    if args.duration().is_some() {
        return refuse(CommonArg::Duration.name());
    }
    if args.response_wanted() != ResponseType::Complete {
        return refuse(&format!("{} {}", CommonArg::ResponseRequested.name(), args.response_wanted()));
    }
    match args.namespaces().iter().next() {
        Some((key, _)) => refuse(&key.text()),
        None => Ok(()),
    }
}

/// Profiles that are neither registered nor marked as private (LS 3.1.4, DECISIONS L23).
fn unregistered(command: &Command) -> Vec<String> {
    let target = match &command.target {
        Target::Extended(extended) => Some(extended.nsid()),
        _ => None,
    };
    let actuator = command.actuator.as_ref().map(|actuator| actuator.nsid());
    let args = command.args.namespaces().iter().filter_map(|(key, _)| key.as_name()?.parse().ok());
    let mut unregistered: Vec<Nsid> =
        args.chain(target).chain(actuator).filter(|nsid: &Nsid| !nsid.is_registered() && !nsid.is_private()).collect();
    unregistered.sort();
    unregistered.dedup();
    let remark = |nsid| format!("{nsid} is not a registered profile; one of your own is spelled x-{nsid} (LS 3.1.4)");
    unregistered.into_iter().map(remark).collect()
}

/// Whether the path starts at a root, of whatever system the Consumer runs on.
fn is_absolute(path: &str) -> bool {
    path.starts_with(['/', '\\']) || path.get(1..3).is_some_and(|rest| matches!(rest, ":\\" | ":/"))
}

#[cfg(test)]
mod tests {
    use oc2_core::shape::read::{Context, Mode, Read};

    use super::*;

    fn command(json: &str) -> Command {
        Command::read(&mut Context::new(Mode::Strict), &mut serde_json::Deserializer::from_str(json)).unwrap()
    }

    fn refuses(json: &str, reason: &str) {
        assert_eq!(check(&command(json)).unwrap_err().to_string(), reason, "{json}");
    }

    fn remarks(json: &str, expected: &[&str]) {
        assert_eq!(check(&command(json)).unwrap(), expected, "{json}");
    }

    // LS-206, LS-207
    #[test]
    fn query_features_may_ask_for_a_complete_response() {
        remarks(r#"{"action":"query","target":{"features":[]}}"#, &[]);
        remarks(r#"{"action":"query","target":{"features":["pairs","versions"]}}"#, &[]);
        remarks(r#"{"action":"query","target":{"features":[]},"args":{"response_requested":"complete"}}"#, &[]);
        remarks(r#"{"action":"query","target":{"features":[]},"actuator":{"slpf":{}},"command_id":"a"}"#, &[]);
    }

    // LS-208
    #[test]
    fn query_features_with_any_other_argument_is_refused() {
        for (args, name) in [
            (r#"{"start_time":1}"#, "start_time"),
            (r#"{"stop_time":1}"#, "stop_time"),
            (r#"{"duration":1}"#, "duration"),
            (r#"{"response_requested":"none"}"#, "response_requested none"),
            (r#"{"response_requested":"ack"}"#, "response_requested ack"),
            (r#"{"response_requested":"status"}"#, "response_requested status"),
            (r#"{"response_requested":"complete","slpf":{}}"#, "slpf"),
        ] {
            refuses(
                &format!(r#"{{"action":"query","target":{{"features":[]}},"args":{args}}}"#),
                &format!("query features takes no argument but response_requested complete (LS 4.1), not {name}"),
            );
        }
    }

    // LS-153, DECISIONS L37
    #[test]
    fn a_media_type_that_is_none_is_refused() {
        refuses(
            r#"{"action":"scan","target":{"artifact":{"mime_type":"a text"}}}"#,
            r#"target.artifact.mime_type: "a text" is not a media type: it has no slash"#,
        );
        remarks(r#"{"action":"scan","target":{"artifact":{"mime_type":"text/plain"}}}"#, &[]);
    }

    // LS-163
    #[test]
    fn a_relative_path_is_remarked_on() {
        let expected = r#"target.file.path: "rules/a" is not an absolute path on the Consumer's host (LS 3.4.1.6)"#;
        remarks(r#"{"action":"scan","target":{"file":{"path":"rules/a"}}}"#, &[expected]);
        remarks(r#"{"action":"scan","target":{"file":{"path":"/etc/a"}}}"#, &[]);
        remarks(r#"{"action":"scan","target":{"file":{"path":"C:\\a"}}}"#, &[]);
    }

    // LS-033, L23
    #[test]
    fn a_profile_nobody_registered_is_remarked_on_once() {
        remarks(
            r#"{"action":"scan","target":{"acme:thing":1},"args":{"acme":{},"x-b":{}},"actuator":{"acme":{}}}"#,
            &["acme is not a registered profile; one of your own is spelled x-acme (LS 3.1.4)"],
        );
        remarks(r#"{"action":"delete","target":{"slpf:rule_number":1},"args":{"x-acme":{}}}"#, &[]);
    }
}
