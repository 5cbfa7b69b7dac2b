//! `cargo xtask tidy`: the house rules that a program can check.

mod named_tests;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cargo::{self, workspace};
use crate::failure::{Failure, Place, Result};
use crate::files::{self, is_rust};
use crate::process::Interrupt;
use crate::tokens::Tokens;

/// Checks every Rust file of the workspace, the dependencies of the language crate, and the tests that are named elsewhere.
pub(crate) fn run(interrupt: &Interrupt) -> Result<()> {
    let mut findings = Vec::new();
    let mut files = files::below(workspace())?;
    files.retain(|file| is_rust(file));
    for file in &files {
        let text = fs::read_to_string(workspace().join(file)).place(file.display())?;
        findings.extend(check_file(file, &text));
    }
    let tree = cargo::output(&CORE_DEPENDENCIES.split(' ').collect::<Vec<_>>(), interrupt)?;
    findings.extend(check_core_dependencies(&tree));

    let security = fs::read_to_string(workspace().join(SECURITY)).place(SECURITY)?;
    let read = |file: &str| fs::read_to_string(workspace().join(file)).ok();
    findings.extend(named_tests::check(Path::new(SECURITY), &security, read));

    let (errors, warnings): (Vec<_>, Vec<_>) = findings.iter().partition(|finding| finding.is_error);
    for finding in warnings.iter().chain(&errors) {
        println!("{finding}");
    }
    println!("tidy: {} files, {} errors, {} warnings", files.len(), errors.len(), warnings.len());
    if errors.is_empty() { Ok(()) } else { Err(Failure::Reported) }
}

/// A place where a rule is broken.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    file: PathBuf,
    line: usize,
    is_error: bool,
    text: String,
}

impl Finding {
    fn error(file: &Path, line: usize, text: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, is_error: true, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = if self.is_error { "error" } else { "warning" };
        write!(f, "{}:{}: {level}: {}", self.file.display(), self.line, self.text)
    }
}

/// Checks one Rust file; its path is relative to the workspace.
fn check_file(file: &Path, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut error = |line, text: String| findings.push(Finding::error(file, line, text));
    if file.ends_with("mod.rs") {
        error(1, "no `mod.rs`: name the file after the module, beside its folder".to_owned());
    }
    match Tokens::read(text) {
        Err((line, reason)) => error(line, format!("not Rust: {reason}")),
        Ok(tokens) => {
            for (line, name) in tokens.unfinished() {
                error(line, format!("no `{name}!(..)`: finish it, or return an error that says what is not supported"));
            }
            for line in tokens.ignored_without_reason() {
                error(line, "no `#[ignore]` without a reason: write `#[ignore = \"why\"]`".to_owned());
            }
            if file.ends_with("src/lib.rs") {
                for line in tokens.not_only_modules() {
                    error(line, "`lib.rs` holds docs, `mod` and `use` only: move this to a module".to_owned());
                }
            }
            if file.starts_with(CORE) {
                for (line, name) in tokens.serde_shortcuts() {
                    error(line, format!("no `#[serde({name})]` here: it forgets the form and the place of errors"));
                }
            }
        }
    }
    let n_lines = text.lines().count();
    if n_lines > LONG {
        let text = format!("{n_lines} lines: a file above {LONG} usually hides a second noun");
        findings.push(Finding { file: file.to_owned(), line: n_lines, is_error: false, text });
    }
    findings.sort_by_key(|finding| finding.line);
    findings
}

/// Checks what `cargo tree` says the language crate depends on.
fn check_core_dependencies(tree: &str) -> Vec<Finding> {
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    let mut forbidden: Vec<_> = names.filter(|name| NOT_IN_CORE.contains(name)).collect();
    forbidden.sort_unstable();
    forbidden.dedup();
    let manifest = Path::new(CORE).join("Cargo.toml");
    let text = |name| format!("depends on `{name}`: the language has no runtime and no logging");
    forbidden.into_iter().map(|name| Finding::error(&manifest, 1, text(name))).collect()
}

/// The threat model, where each defence names its tests.
const SECURITY: &str = "SECURITY.md";
const CORE: &str = "crates/oc2-core";
const CORE_DEPENDENCIES: &str = "tree --package oc2-core --edges normal,build --all-features --prefix none";
const NOT_IN_CORE: [&str; 2] = ["tokio", "tracing"];
/// Files with more lines are listed.
const LONG: usize = 600;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, text: &str, expected: &[(usize, &str)]) {
        let findings = check_file(Path::new(file), text);
        let found: Vec<_> = findings.iter().map(|finding| (finding.line, finding.text.as_str())).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((line, text), (expected_line, part)) in found.into_iter().zip(expected) {
            assert!(line == *expected_line && text.contains(part), "{line}: {text}");
        }
    }

    #[test]
    fn mod_rs_is_refused() {
        check("crates/a/src/b/mod.rs", "", &[(1, "mod.rs")]);
        check("crates/a/src/b.rs", "", &[]);
    }

    #[test]
    fn lib_rs_holds_docs_and_modules_only() {
        let good = "//! Docs.\n#![allow(x)]\nmod a;\n#[cfg(test)]\npub(crate) mod b;\npub use a::{B, C as D};\nuse e::f;\n\
                    extern crate g as h;\n#[doc = \"read me\"]\nmod doctests {}\n";
        check("crates/a/src/lib.rs", good, &[]);
        check("crates/a/src/lib.rs", "mod a;\n/// Docs.\npub fn b() { c(); }\nmod d;\n", &[(3, "lib.rs")]);
        check(
            "crates/a/src/lib.rs",
            "mod a { fn b() {} }\nimpl C for D {}\nmacro_rules! e { () => {} }\n",
            &[(1, "lib.rs"), (2, "lib.rs"), (3, "lib.rs")],
        );
        check("crates/a/src/other.rs", "pub fn b() {}", &[]);
    }

    #[test]
    fn unfinished_code_is_refused_outside_comments_and_strings() {
        check("a.rs", "fn a() {\n    todo!()\n}\n", &[(2, "todo")]);
        check("a.rs", "m! { fn a() { dbg!(b); unimplemented!(\"c\") } }", &[(1, "dbg"), (1, "unimplemented")]);
        check("a.rs", "// todo!()\n/// dbg!(x)\nfn a() { let todo = \"todo!()\"; b(todo != c) }", &[]);
    }

    #[test]
    fn ignoring_needs_a_reason() {
        check("a.rs", "#[test]\n#[ignore]\nfn a() {}", &[(2, "ignore")]);
        check("a.rs", "#[ignore = \"ahead of the code\"]\nfn a() {}", &[]);
        check("a.rs", "#[cfg_attr(x, ignore)]\nfn a() {}", &[(1, "ignore")]);
        check("a.rs", "#[cfg_attr(x, ignore = \"why\")]\nfn a() { ignore(b) }", &[]);
    }

    #[test]
    fn serde_shortcuts_stay_out_of_the_language() {
        let text =
            "#[derive(D)]\nstruct A {\n    #[serde(default, flatten)]\n    b: B,\n}\n#[serde(untagged)]\nenum C {}\n";
        check("crates/oc2-core/src/a.rs", text, &[(3, "flatten"), (6, "untagged")]);
        check("crates/oc2-consumer/src/a.rs", text, &[]);
        check("crates/oc2-core/src/a.rs", "fn a() { b.into_iter().flatten() }", &[]);
        check("crates/oc2-core/src/a.rs", "#[cfg_attr(x, serde(flatten))]\nstruct A;", &[(1, "flatten")]);
        check("crates/oc2-core/src/a.rs", "#[serde(rename = \"flatten\")]\nstruct A;", &[]);
    }

    #[test]
    fn a_runtime_below_the_language_is_found() {
        let findings =
            check_core_dependencies("oc2-core v0.1.0 (/x)\nserde v1.0.0\ntracing v0.1.0\ntracing v0.1.0 (*)\n");
        assert_eq!(findings.len(), 1);
        assert!(findings[0].to_string().contains("`tracing`"));
        assert!(check_core_dependencies("oc2-core v0.1.0 (/x)\nserde v1.0.0\n").is_empty());
    }

    #[test]
    fn a_long_file_is_a_warning() {
        let findings = check_file(Path::new("a.rs"), &"//\n".repeat(LONG + 1));
        assert_eq!(findings.len(), 1);
        assert!(!findings[0].is_error);
    }

    #[test]
    fn what_is_no_rust_is_said_with_its_place() {
        check("a.rs", "fn a() {\n", &[(1, "not Rust")]);
    }
}
