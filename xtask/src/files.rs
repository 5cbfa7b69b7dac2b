//! The files of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Place, Result};

/// All files below a folder, relative to it and sorted, without build output and hidden folders.
pub(crate) fn below(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).place(folder.display())? {
            let entry = entry.place(folder.display())?;
            let (path, name) = (entry.path(), entry.file_name());
            let is_folder = entry.file_type().place(path.display())?.is_dir();
            if is_folder && !is_skipped(&name.to_string_lossy(), &path) {
                folders.push(path);
            } else if !is_folder {
                files.push(path.strip_prefix(root).unwrap_or(&path).to_owned());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a file holds Rust.
pub(crate) fn is_rust(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "rs")
}

/// Hidden folders, and build output, which cargo marks.
fn is_skipped(name: &str, path: &Path) -> bool {
    name.starts_with('.') || path.join("CACHEDIR.TAG").exists()
}
