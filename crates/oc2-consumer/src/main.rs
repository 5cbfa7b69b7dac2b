//! The OpenC2 Consumer daemon: see `oc2-consumer --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    oc2_consumer::daemon::main()
}
