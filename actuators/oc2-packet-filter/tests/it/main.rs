//! The list of rules and what it is to the kernel, against the judge.

mod judged;
