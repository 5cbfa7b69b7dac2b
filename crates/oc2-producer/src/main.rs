//! The OpenC2 Producer on the command line: see `oc2-producer --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    oc2_producer::program::main()
}
