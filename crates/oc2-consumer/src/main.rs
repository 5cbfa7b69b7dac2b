//! The OpenC2 Consumer daemon: see `oc2-consumer --help`.

mod daemon;

use std::process::ExitCode;

fn main() -> ExitCode {
    daemon::main()
}
