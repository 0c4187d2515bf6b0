//! The executable `beamship`.

use std::process::ExitCode;

fn main() -> ExitCode {
    beamship::main()
}
