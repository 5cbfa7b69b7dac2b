//! An edit of a chain as lines of `iptables-restore`.
//!
//! A sequence of changes is not what the kernel is told. With the nft flavor a rule inserted before another of the same
//! transaction is tied to it by a number, and when the other is deleted again, iptables 1.8.9 numbers it anew and fails
//! (`RULE_INSERT failed (No such file or directory)`). In an edit what came and went has never been, and a new rule is
//! placed by an old one or by an end of the chain.

use std::fmt::Write;

/// A line that goes.
#[derive(Debug)]
pub(super) struct Removed {
    /// Where it was before the edit, counted from 0.
    pub(super) position: usize,
    /// What it says; none if a line before it says the same.
    pub(super) specification: Option<String>,
}

/// Writes an edit of a chain that had `len` lines; `added` are positions after the edit. Both ascend.
pub(super) fn write(chain: &str, len: usize, removed: &[Removed], added: &[(usize, String)], script: &mut String) {
    write_deletes(chain, removed, script);
    write_inserts(chain, len.saturating_sub(removed.len()), added, script);
}

/// From the last to the first, so that no delete moves what another one means.
///
/// A rule is deleted by what it says where that names it, because then a foreign hand in our chain makes the
/// transaction fail instead of making it delete the wrong rule. By its position where an equal one stands before it.
fn write_deletes(chain: &str, removed: &[Removed], script: &mut String) {
    for Removed { position, specification } in removed.iter().rev() {
        match specification {
            Some(specification) => line(script, format_args!("-D {chain} {specification}")),
            None => line(script, format_args!("-D {chain} {}", position + 1)),
        }
    }
}

/// `len` is the length of the chain after the deletes.
///
/// The nft flavor has to fetch the whole chain from the kernel to insert anywhere but at its ends. So what ends up at
/// the top goes there last and in reverse, each rule above the one before.
fn write_inserts(chain: &str, mut len: usize, added: &[(usize, String)], script: &mut String) {
    let n_top = added.iter().enumerate().take_while(|&(i, &(position, _))| i == position).count();
    let (top, rest) = added.split_at(n_top);
    for (position, specification) in rest {
        let position = position - n_top;
        if position == len {
            line(script, format_args!("-A {chain} {specification}"));
        } else {
            line(script, format_args!("-I {chain} {} {specification}", position + 1));
        }
        len += 1;
    }
    for (_, specification) in top.iter().rev() {
        line(script, format_args!("-I {chain} 1 {specification}"));
    }
}

fn line(script: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(script, "{line}").expect("a String takes what is written to it");
}
