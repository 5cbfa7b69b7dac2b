use std::process::Command as Process;

use clap::Command;
use tempfile::TempDir;

use super::*;

/// Everything, in a folder that goes with the test.
fn written() -> (TempDir, Vec<PathBuf>) {
    let folder = TempDir::new().unwrap();
    let files = write(folder.path()).unwrap();
    (folder, files)
}

/// Each command that is shown, with the section of its page.
fn commands() -> Vec<(Command, &'static str)> {
    let mut commands: Vec<_> = programs()
        .into_iter()
        .map(|program| {
            let mut command = program.command.disable_help_subcommand(true);
            command.build();
            (command, program.section)
        })
        .collect();
    let mut n_seen = 0;
    while let Some((command, section)) = commands.get(n_seen).cloned() {
        commands.extend(command.get_subcommands().map(|subcommand| (subcommand.clone(), section)));
        n_seen += 1;
    }
    commands
}

/// The long options of a command.
fn options(command: &Command) -> Vec<String> {
    let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
    shown.filter_map(|argument| argument.get_long().map(ToOwned::to_owned)).collect()
}

/// Runs a tool that judges a file; whether it ran, and what it complained of.
fn complaints(tool: &str, arguments: &[&str], file: &Path) -> Option<String> {
    let output = Process::new(tool).args(arguments).arg(file).env("LC_ALL", "C.UTF-8").output().ok()?;
    let failure = if output.status.success() { String::new() } else { output.status.to_string() };
    Some(String::from_utf8_lossy(&output.stderr).into_owned() + &failure)
}

#[test]
fn every_command_has_a_page_with_every_option() {
    let (folder, _) = written();
    let commands = commands();
    assert!(commands.len() >= 6, "both programs and what oc2-consumer can be told: {}", commands.len());
    for (command, section) in commands {
        let name = page::full_name(&command);
        let page = fs::read_to_string(folder.path().join(format!("man/{name}.{section}"))).expect(name);
        let options = options(&command);
        assert!(!options.is_empty(), "--help at least");
        for option in options {
            let written = format!(r"\-\-{}\fR", option.replace('-', r"\-"));
            assert!(page.contains(&written), "{name}: --{option}");
        }
    }
}

#[test]
fn pages_keep_the_lines_of_examples_and_say_how_to_call() {
    let (folder, _) = written();
    let page = fs::read_to_string(folder.path().join("man/oc2-consumer.8")).unwrap();
    assert!(page.contains(".SH SYNOPSIS\n.nf\noc2\\-consumer <COMMAND>\n.fi\n"), "{page}");
    assert!(page.contains("\n  oc2\\-consumer check \\-\\-config /etc/oc2/consumer.toml\n"), "{page}");
    let page = fs::read_to_string(folder.path().join("man/oc2-producer.1")).unwrap();
    assert!(page.contains("\noc2\\-producer validate \\-\\-batch < LIST\n"), "{page}");
}

#[test]
fn groff_has_nothing_to_say_against_the_pages() {
    let (_folder, files) = written();
    let pages = files.iter().filter(|file| file.parent().is_some_and(|folder| folder.ends_with("man")));
    for page in pages {
        match complaints("groff", &["-man", "-Tutf8", "-ww", "-z"], page) {
            Some(complaints) => assert_eq!(complaints, "", "{}", page.display()),
            None => println!("not tested: there is no groff here"),
        }
    }
}

#[test]
fn completions_name_every_option() {
    let (_folder, files) = written();
    let scripts: Vec<_> =
        files.iter().filter(|file| file.parent().is_some_and(|folder| folder.ends_with("completions"))).collect();
    assert_eq!(scripts.len(), 2 * completions::SHELLS.len(), "{scripts:?}");
    for script in scripts {
        let text = fs::read_to_string(script).unwrap();
        let is_of_consumer = script.to_string_lossy().contains("oc2-consumer");
        for (command, _) in commands() {
            let is_of_it = page::full_name(&command).starts_with("oc2-consumer") == is_of_consumer;
            for option in options(&command).into_iter().filter(|_| is_of_it) {
                // fish writes `-l name`.
                let found = text.contains(&format!("--{option}")) || text.contains(&format!("-l {option} "));
                assert!(found, "{}: --{option}", script.display());
            }
        }
    }
}

#[test]
fn bash_proposes_the_options_of_a_subcommand() {
    let (folder, _) = written();
    let script = folder.path().join("completions/oc2-consumer.bash");
    let asked = "source \"$1\" && COMP_WORDS=(oc2-consumer check --c) COMP_CWORD=2 \
                 && _oc2-consumer oc2-consumer --c check && printf '%s\\n' \"${COMPREPLY[@]}\"";
    let output = Process::new("bash").args(["--norc", "-c", asked, "bash"]).arg(script).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
    assert_eq!(stdout.lines().collect::<Vec<_>>(), ["--config", "--command"]);
}
