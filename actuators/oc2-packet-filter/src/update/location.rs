//! Where the file of an update lies.

use std::path::{Component, Path, PathBuf};

use oc2_profile_slpf::UpdateFile;

use super::Inaccessible;

/// The file that is meant, links resolved. It lies in `dir` or below.
pub(super) fn of(file: &UpdateFile, dir: &Path) -> Result<PathBuf, Inaccessible> {
    let name = plain_name(&file.name).ok_or(Inaccessible::Name)?;
    let dir = dir.canonicalize()?;
    let path = match &file.path {
        None => dir.join(name),
        Some(path) => asked_for(Path::new(path), name, &dir).ok_or(Inaccessible::Path)?,
    };
    let path = path.canonicalize()?;
    // A link in the directory may lead anywhere.
    if path.starts_with(&dir) { Ok(path) } else { Err(Inaccessible::Path) }
}

/// What a path means: the directory the file is in, or the file. Whether a path elsewhere exists is not told.
fn asked_for(path: &Path, name: &Path, dir: &Path) -> Option<PathBuf> {
    if !path.is_absolute() {
        return None;
    }
    if let Ok(below) = path.canonicalize()
        && below.starts_with(dir)
        && below.is_dir()
    {
        return Some(below.join(name));
    }
    let parent = path.parent()?.canonicalize().ok()?;
    (path.file_name() == Some(name.as_os_str()) && parent.starts_with(dir)).then(|| parent.join(name))
}

/// A name that is one step down and nothing else.
fn plain_name(name: &str) -> Option<&Path> {
    let path = Path::new(name);
    let mut components = path.components();
    match (components.next(), components.next()) {
        // `a/` has one component too.
        (Some(Component::Normal(only)), None) if only == name && !name.contains('\0') => Some(path),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_step_down() {
        for name in ["rules.json", ".hidden", "a b", "\u{e9}", "...", "a\\b"] {
            assert_eq!(plain_name(name), Some(Path::new(name)));
        }
        for name in ["", ".", "..", "/", "/a", "a/", "a/b", "../a", "./a", "a/..", "a\0b"] {
            assert_eq!(plain_name(name), None, "{name:?}");
        }
    }
}
