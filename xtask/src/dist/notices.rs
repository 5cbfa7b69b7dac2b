//! The notices that licences of others ask for, of all that is linked into a program.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cargo;
use crate::failure::{Place, Result};
use crate::process::Interrupt;

/// Writes a file for each program; its name is that of the program.
pub(super) fn write(folder: &Path, programs: &[&str], interrupt: &Interrupt) -> Result<()> {
    fs::create_dir_all(folder).place(folder.display())?;
    let metadata = cargo::output(&["metadata", "--format-version=1", "--locked"], interrupt)?;
    let metadata: Value = serde_json::from_str(&metadata).place("cargo metadata")?;
    for program in programs {
        let tree = ["tree", "--package", program, "--edges=normal", "--prefix=none", "--format={p}", "--locked"];
        let linked = linked(&cargo::output(&tree, interrupt)?);
        let file = folder.join(format!("{program}.txt"));
        fs::write(&file, notices(&others(&metadata, &linked))?).place(file.display())?;
        println!("{}", file.display());
    }
    Ok(())
}

/// Name and version of each line of a tree: `name v1.2.3 (more)`.
fn linked(tree: &str) -> BTreeSet<(String, String)> {
    let named = tree.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned()))
    });
    named.collect()
}

/// What somebody else wrote.
struct Package {
    name: String,
    licence: String,
    folder: PathBuf,
}

/// Those of the linked packages that come from elsewhere.
fn others(metadata: &Value, linked: &BTreeSet<(String, String)>) -> Vec<Package> {
    let text = |package: &Value, key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let packages = packages.filter(|package| !package["source"].is_null()).filter_map(|package| {
        let (name, version) = (text(package, "name"), text(package, "version"));
        let folder = Path::new(package["manifest_path"].as_str()?).parent()?.to_owned();
        let is_linked = linked.contains(&(name.clone(), version.clone()));
        is_linked.then(|| Package { name: format!("{name} {version}"), licence: text(package, "license"), folder })
    });
    packages.collect()
}

/// A list of packages, and the texts of their licences, each once with whose it is.
fn notices(packages: &[Package]) -> Result<String> {
    let mut notices = "What others wrote of this program, each under its own licence.\n\n".to_owned();
    let mut texts: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for package in packages {
        // A string takes anything.
        let _ = writeln!(notices, "{}: {}", package.name, package.licence);
        for text in licences(&package.folder)? {
            texts.entry(text).or_default().push(&package.name);
        }
    }
    for (text, names) in texts {
        let _ = write!(notices, "\n{}\n{}:\n\n{text}\n", "-".repeat(78), names.join(", "));
    }
    Ok(notices)
}

/// The texts in a package that are about its licence.
fn licences(folder: &Path) -> Result<BTreeSet<String>> {
    let mut texts = BTreeSet::new();
    for entry in fs::read_dir(folder).place(folder.display())? {
        let path = entry.place(folder.display())?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if path.is_file() && NAMES.iter().any(|begin| name.starts_with(begin)) {
            let text = fs::read(&path).place(path.display())?;
            texts.insert(String::from_utf8_lossy(&text).replace('\r', "").trim().to_owned());
        }
    }
    Ok(texts)
}

/// How files about licences begin.
const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_those_linked_that_others_wrote() {
        let linked = linked("ours v0.1.0 (/x)\na v1.0.0\nb v2.0.0 (proc-macro)\na v1.0.0 (*)\n");
        let package = |name: &str, version: &str, source: Value| serde_json::json!({"name": name, "version": version, "source": source, "license": "MIT", "manifest_path": "/r/Cargo.toml"});
        let packages = [
            package("ours", "0.1.0", Value::Null),
            package("a", "1.0.0", "registry".into()),
            package("a", "0.9.0", "registry".into()),
        ];
        let others = others(&serde_json::json!({"packages": packages}), &linked);
        let names: Vec<_> = others.iter().map(|package| (package.name.as_str(), package.licence.as_str())).collect();
        assert_eq!(names, [("a 1.0.0", "MIT")]);
    }

    #[test]
    fn a_text_stands_once_with_all_whose_it_is() {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let package = |name: &str| Package { name: name.into(), licence: "MIT".into(), folder: own.to_owned() };
        let notices = notices(&[package("a 1.0.0"), package("b 1.0.0")]).unwrap();
        assert!(notices.contains("a 1.0.0: MIT\nb 1.0.0: MIT\n"), "{notices}");
        assert_eq!(notices.matches("a 1.0.0, b 1.0.0:\n").count(), 2, "both licences of ours: {notices}");
        assert_eq!(notices.matches("Permission is hereby granted").count(), 1);
    }
}
