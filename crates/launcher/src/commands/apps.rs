//! `apps` and `ready`: what runs, and whether that is everything.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use diagnosis::json;
use etf::{RawTerm, Term};
use node::{Address, Connection, Cookie, Deadline, Reply};

use super::options::Options;
use super::rpc::failed;
use crate::control::{Route, SETUP, broken, connect};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::readiness;
use crate::release::Release;
use crate::virtual_machine;

/// An application that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Running {
    name: String,
    version: String,
    description: String,
}

const APPS_EXPRESSION: &str = "for {name, _, version} <- Enum.sort(Application.started_applications()), \
                               do: IO.puts(\"#{name} #{version}\")";

const READY_EXPRESSION: &str = "case :init.get_status() do {:started, _} -> :ok; status -> \
                                IO.puts(:stderr, inspect(status)); exit({:shutdown, 1}) end";

/// Prints the applications that run, sorted by name.
pub(super) fn run(
    release: &Release,
    environment: &Environment,
    arguments: &[OsString],
) -> Result<ExitCode, Failure> {
    let options = Options::parse("apps", arguments, &["--json"], None)?;
    let mut connection = match Route::find(release, environment)? {
        Route::Native { address, cookie } => connect(&address, &cookie, Deadline::after(SETUP))?,
        Route::VirtualMachine { protocol } if options.json => {
            return Err(Failure::new(format!("apps --json does not work over `{protocol}`")));
        }
        Route::VirtualMachine { protocol } => {
            return virtual_machine::rpc_instead(release, environment, APPS_EXPRESSION, &protocol);
        }
    };
    let running = running(&mut connection, Deadline::after(SETUP))?;
    let text = if options.json { objects(&running) } else { table(&running) };
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::new(format!("cannot write the output: {error}")))?;
    Ok(ExitCode::SUCCESS)
}

fn table(running: &[Running]) -> String {
    let width = running.iter().map(|application| application.name.chars().count()).max().unwrap_or(0);
    running
        .iter()
        .map(|application| format!("{:width$}  {}\n", application.name, application.version))
        .collect()
}

fn objects(running: &[Running]) -> String {
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

/// Exits with 0 once the system's start is complete and all its permanent applications run.
pub(super) fn ready(
    release: &Release,
    environment: &Environment,
    arguments: &[OsString],
) -> Result<ExitCode, Failure> {
    let options = Options::parse("ready", arguments, &["--wait"], None)?;
    let patience = options.wait.map(Deadline::after);
    if options.wait.is_some()
        && let Ok(Route::VirtualMachine { protocol }) = Route::find(release, environment)
    {
        return Err(Failure::new(format!("ready --wait does not work over `{protocol}`"))
            .hint("use `ready`, and ask again"));
    }
    loop {
        match look(release, environment) {
            Ok(code) => return Ok(code),
            Err(failure) => {
                let Some(left) = patience.and_then(Deadline::remaining) else { return Err(failure) };
                std::thread::sleep(left.min(readiness::INTERVAL));
            }
        }
    }
}

fn look(release: &Release, environment: &Environment) -> Result<ExitCode, Failure> {
    match Route::find(release, environment)? {
        Route::Native { address, cookie } => {
            look_natively(release, environment, &address, &cookie).map(|()| ExitCode::SUCCESS)
        }
        Route::VirtualMachine { protocol } => {
            virtual_machine::rpc_instead(release, environment, READY_EXPRESSION, &protocol)
        }
    }
}

/// Why the system is not ready, if it is not.
pub(crate) fn look_natively(
    release: &Release,
    environment: &Environment,
    address: &Address,
    cookie: &Cookie,
) -> Result<(), Failure> {
    let deadline = Deadline::after(SETUP);
    let mut connection = connect(address, cookie, deadline)?;
    let status = status(&mut connection, deadline)?;
    if !is_started(&status) {
        return Err(Failure::new(format!(
            "`{}` is not ready: its status is {}",
            address.node(),
            etf::text::plain(&status)
        )));
    }
    let running = running(&mut connection, deadline)?;
    let mut missing = release.permanent_applications(environment)?;
    missing.retain(|name| !running.iter().any(|application| application.name == *name));
    if missing.is_empty() && release.has_fast_start() {
        return all_code_loads(&mut connection, address, deadline);
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "`{}` is not ready: these applications do not run: {}",
        address.node(),
        missing.join(", ")
    )))
}

/// `init:get_status()`.
pub(super) fn status(connection: &mut Connection, deadline: Deadline) -> Result<Term, Failure> {
    value(connection, ("init", "get_status"), deadline)
}

/// Whether this status says that the system is neither starting nor ending.
pub(super) fn is_started(status: &Term) -> bool {
    matches!(status.as_tuple(), Some([phase, _]) if phase.is_atom("started"))
}

/// After a fast start code is loaded while the system runs. What cannot be loaded is told as soon as that is known.
fn all_code_loads(connection: &mut Connection, address: &Address, deadline: Deadline) -> Result<(), Failure> {
    let arguments = vec![Term::atom("kernel"), Term::atom("beamship_code")];
    let code = value_of(connection, ("application", "get_env"), arguments, deadline)?;
    match code.as_tuple() {
        Some([_, failed @ Term::List(_)]) => Err(Failure::new(format!(
            "`{}` is not ready: modules cannot be loaded: {}",
            address.node(),
            etf::text::plain(failed)
        ))),
        _ => Ok(()),
    }
}

/// `application:which_applications()`, sorted by name.
fn running(connection: &mut Connection, deadline: Deadline) -> Result<Vec<Running>, Failure> {
    let applications = value(connection, ("application", "which_applications"), deadline)?;
    let mut running: Vec<Running> = applications
        .as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(|application| match application.as_tuple()? {
            [name, description, version] => Some(Running {
                name: name.as_atom()?.to_string(),
                version: version.to_text()?,
                description: description.to_text().unwrap_or_default(),
            }),
            _ => None,
        })
        .collect();
    running.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(running)
}

fn value(connection: &mut Connection, called: (&str, &str), deadline: Deadline) -> Result<Term, Failure> {
    value_of(connection, called, vec![], deadline)
}

fn value_of(
    connection: &mut Connection,
    (module, function): (&str, &str),
    arguments: Vec<Term>,
    deadline: Deadline,
) -> Result<Term, Failure> {
    let reply = connection
        .call(module, function, arguments, deadline)
        .map_err(|error| broken(connection.node().as_str(), &error))?;
    match &reply {
        Reply::Returned(value) => RawTerm::split(value).ok().and_then(|(raw, _)| raw.decode().ok()),
        _ => None,
    }
    .ok_or_else(|| failed(connection.node().as_str(), &reply))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applications_are_a_table_or_json() {
        let running =
            [("a_b", "1.0", "say \"x\"\n"), ("c", "2", "")].map(|(name, version, description)| Running {
                name: name.to_owned(),
                version: version.to_owned(),
                description: description.to_owned(),
            });
        assert_eq!(table(&running), "a_b  1.0\nc    2\n");
        assert_eq!(
            objects(&running),
            "[{\"name\":\"a_b\",\"version\":\"1.0\",\"description\":\"say \\\"x\\\"\\u000a\"},\
             {\"name\":\"c\",\"version\":\"2\",\"description\":\"\"}]\n"
        );
    }
}
