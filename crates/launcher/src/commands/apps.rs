//! `apps`: the applications that run.

use std::ffi::OsString;
use std::process::ExitCode;

use diagnosis::json;
use node::Deadline;

use super::options::Options;
use crate::control::{Route, SETUP_TIMEOUT, connect};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output;
use crate::readiness::{RunningApplication, running_applications};
use crate::release::Release;
use crate::virtual_machine;

const EXPRESSION: &str = "for {name, _, version} <- Enum.sort(Application.started_applications()), \
                          do: IO.puts(\"#{name} #{version}\")";

/// Prints them, sorted by name.
pub(super) fn run(
    release: &Release,
    environment: &Environment,
    arguments: &[OsString],
) -> Result<ExitCode, Failure> {
    let options = Options::parse("apps", arguments, &["--json"], None)?;
    let mut connection = match Route::find(release, environment)? {
        Route::Native { address, cookie } => connect(&address, &cookie, Deadline::after(SETUP_TIMEOUT))?,
        Route::VirtualMachine { protocol } if options.json => {
            return Err(Failure::new(format!("apps --json does not work over `{protocol}`")));
        }
        Route::VirtualMachine { protocol } => {
            return virtual_machine::rpc(release, environment, EXPRESSION, &protocol);
        }
    };
    let running = running_applications(&mut connection, Deadline::after(SETUP_TIMEOUT))?;
    let text = if options.json { objects(&running) } else { table(&running) };
    output::print(text.as_bytes())
}

fn table(running: &[RunningApplication]) -> String {
    let width = running.iter().map(|application| application.name.chars().count()).max().unwrap_or(0);
    running
        .iter()
        .map(|application| format!("{:width$}  {}\n", application.name, application.version))
        .collect()
}

fn objects(running: &[RunningApplication]) -> String {
    let objects: Vec<String> = running
        .iter()
        .map(|application| {
            format!(
                "{{\"name\":{},\"version\":{},\"description\":{}}}",
                json::string(&application.name),
                json::string(&application.version),
                json::string(&application.description)
            )
        })
        .collect();
    format!("[{}]\n", objects.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applications_are_a_table_or_json() {
        let running = [("a_b", "1.0", "say \"x\"\n"), ("c", "2", "")].map(|(name, version, description)| {
            RunningApplication {
                name: name.to_owned(),
                version: version.to_owned(),
                description: description.to_owned(),
            }
        });
        assert_eq!(table(&running), "a_b  1.0\nc    2\n");
        assert_eq!(
            objects(&running),
            "[{\"name\":\"a_b\",\"version\":\"1.0\",\"description\":\"say \\\"x\\\"\\u000a\"},\
             {\"name\":\"c\",\"version\":\"2\",\"description\":\"\"}]\n"
        );
    }
}
