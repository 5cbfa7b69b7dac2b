//! `oc2-consumer audit verify`

use std::path::{Path, PathBuf};

use oc2_consumer::{AuditFile, verify_audit_against};

use super::Failure;
use super::config::Config;

/// Says whether the chain holds, or which line is wrong first.
pub(crate) fn verify(files: Vec<PathBuf>, config: Option<&Path>, kept: &[(u64, String)]) -> Result<(), Failure> {
    let files = if files.is_empty() { configured(config)? } else { files };
    let report = verify_audit_against(&files, kept)?;
    for remark in &report.remarks {
        println!("note: {remark}");
    }
    let n_files = if files.len() == 1 { "a file".to_owned() } else { format!("{} files", files.len()) };
    println!("ok: records {} to {} in {n_files}", report.first, report.last);
    println!("Keep this elsewhere; with --kept it shows later that nothing up to here was changed or removed:");
    println!("{}:{}", report.last, report.sha256);
    Ok(())
}

fn configured(config: Option<&Path>) -> Result<Vec<PathBuf>, Failure> {
    let config = config.ok_or("say which files, or --config FILE, which says where they are")?;
    let audit = Config::load(config)?.audit.ok_or("the configuration has no table [audit]")?;
    Ok(AuditFile::files(&audit.file.0)?)
}
