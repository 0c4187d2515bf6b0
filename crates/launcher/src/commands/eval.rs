//! `eval`: one expression in a virtual machine of its own.

use std::ffi::OsString;
use std::process::ExitCode;

use super::start::run_or_become;
use crate::configuration::Configuration;
use crate::environment::Environment;
use crate::exposure::Exposure;
use crate::failure::Failure;
use crate::program::Program;
use crate::release::Release;
use crate::virtual_machine::command;

/// Evaluates the first argument; the others become `System.argv()`.
pub(super) fn run(
    release: &Release,
    environment: &Environment,
    arguments: &[OsString],
) -> Result<ExitCode, Failure> {
    if arguments.first().is_none_or(|expression| expression.is_empty()) {
        return Err(Failure::new("eval expects an expression as argument")
            .hint("put it between quotes: eval 'IO.puts(:hello)'"));
    }
    let configuration = Configuration::prepare(release, environment)?;
    let program = Program::Eval(arguments.to_vec());
    let command = command(release, environment, Some(&configuration), &program, &Exposure::default())?;
    run_or_become(command, &configuration)
}
