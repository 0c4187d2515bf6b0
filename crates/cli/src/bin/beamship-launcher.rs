//! The executable `beamship-launcher`: `bin/NAME` of every release.

use std::process::ExitCode;

fn main() -> ExitCode {
    launcher::main()
}
