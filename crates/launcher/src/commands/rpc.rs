//! `rpc`: an expression, or a function, on the running system.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use etf::{AtomEncoding, CharacterEncoding, RawTerm, Term};
use node::{Connection, Deadline, NodeError, Reply, Session};

use crate::calls::{aborted, described};
use crate::control::{Route, SETUP_TIMEOUT, call_failed, connect};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output;
use crate::release::Release;
use crate::standard_streams::StandardStreams;
use crate::virtual_machine;

/// The largest value that is printed without asking the node to format them, in bytes of the external format.
const LARGEST_FORMATTED_HERE: usize = 256 << 10;

/// The largest value that is printed at all: it goes to the node and comes back as text.
const LARGEST_PRINTED: usize = 4 << 20;

/// Evaluates an expression as Elixir's `--rpc-eval` does: it prints and reads here, and its value is dropped. With
/// `--mfa` calls a function, and prints the value.
pub(super) fn run(
    release: &Release,
    environment: &Environment,
    arguments: &[OsString],
) -> Result<ExitCode, Failure> {
    if arguments.first().is_some_and(|argument| argument == "--mfa") {
        let (module, function, terms) = function_and_arguments(&arguments[1..])?;
        return call(release, environment, &module, &function, terms);
    }
    let expression = arguments.first().filter(|expression| !expression.is_empty()).ok_or_else(|| {
        Failure::new("rpc expects an expression as argument")
            .hint("put it between quotes: rpc 'IO.puts(:hello)'; or give a function: rpc --mfa MODULE FUNCTION [TERM…]")
    })?;
    if let Some(more) = arguments.get(1) {
        return Err(Failure::new(format!(
            "rpc evaluates one expression, and `{}` follows it",
            more.display()
        ))
        .hint("put the whole expression between quotes: rpc 'IO.puts(:hello)'"));
    }
    let expression =
        expression.to_str().ok_or_else(|| Failure::new("the expression of rpc is not valid UTF-8"))?;
    match Route::find(release, environment)? {
        Route::VirtualMachine { protocol } => {
            virtual_machine::rpc(release, environment, expression, &protocol)
        }
        Route::Native { address, cookie } => {
            let mut connection = connect(&address, &cookie, Deadline::after(SETUP_TIMEOUT))?;
            evaluate(&mut connection, expression)
        }
    }
}

fn evaluate(connection: &mut Connection, expression: &str) -> Result<ExitCode, Failure> {
    let node = connection.node().to_string();
    let mut streams = StandardStreams::default();
    let reply = match Session::new(connection, &mut streams).call(
        "Elixir.Kernel.CLI",
        "rpc_eval",
        vec![Term::binary(expression)],
    ) {
        // The reader of the output is gone, which is not worth a message.
        Err(NodeError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => {
            return Ok(ExitCode::FAILURE);
        }
        result => result.map_err(|error| call_failed(&node, &error))?,
    };
    let raised = match &reply {
        Reply::Returned(_) => match reply.returned().and_then(RawTerm::tuple_of) {
            Some([kind, reason, stack]) => {
                [kind.bytes().to_vec(), reason.bytes().to_vec(), stack.bytes().to_vec()]
            }
            None => return Ok(ExitCode::SUCCESS),
        },
        _ => return Err(aborted(connection.node().as_str(), &reply)),
    };
    if let Some(status) = status_of_exit(&raised) {
        return Ok(ExitCode::from(status));
    }
    print_exception(connection, &raised);
    Ok(ExitCode::FAILURE)
}

/// The exit status for an exit that means one, as `Kernel.CLI` maps it.
fn status_of_exit([kind, reason, _]: &[Vec<u8>; 3]) -> Option<u8> {
    let term = |bytes| RawTerm::split(bytes).ok().map(|(raw, _)| raw);
    if !term(kind)?.is_atom("exit") {
        return None;
    }
    let reason = term(reason)?;
    if reason.is_atom("normal") || reason.is_atom("shutdown") {
        return Some(0);
    }
    match reason.tuple_of() {
        Some([tag, status]) if tag.is_atom("shutdown") => {
            // What exit(3) makes of a number.
            Some(status.integer().and_then(|status| u8::try_from(status & 0xff).ok()).unwrap_or(0))
        }
        _ => None,
    }
}

/// The exception as Elixir prints it, which the node formats: its code knows the exception.
fn print_exception(connection: &mut Connection, raised: &[Vec<u8>; 3]) {
    let arguments: Vec<Term> = raised.iter().cloned().map(Term::Opaque).collect();
    let text = connection
        .call("Elixir.Kernel.CLI", "format_error", arguments, Deadline::after(SETUP_TIMEOUT))
        .ok()
        .and_then(|reply| reply.returned()?.text(CharacterEncoding::Unicode))
        .unwrap_or_else(|| {
            let reason = raised.get(1).and_then(|reason| described(reason, etf::text::pretty));
            format!("** {}\n", reason.as_deref().unwrap_or("an exception")).into_bytes()
        });
    let _ = std::io::stderr().write_all(&text);
    if text.last() != Some(&b'\n') {
        let _ = std::io::stderr().write_all(b"\n");
    }
}

/// The arguments behind `--mfa`.
fn function_and_arguments(arguments: &[OsString]) -> Result<(String, String, Vec<Term>), Failure> {
    let usage = "rpc --mfa MODULE FUNCTION [TERM…], each TERM as Erlang writes it: rpc --mfa Elixir.MyApp run '{ok, 1}'";
    let texts = arguments
        .iter()
        .map(|argument| argument.to_str())
        .collect::<Option<Vec<&str>>>()
        .ok_or_else(|| Failure::new("an argument of rpc --mfa is not valid UTF-8"))?;
    let [module, function, terms @ ..] = &texts[..] else {
        return Err(Failure::new("rpc --mfa expects a module and a function").hint(usage));
    };
    let terms = terms.iter().map(|text| {
        let text = text.trim();
        let whole = if text.ends_with('.') { text.to_owned() } else { format!("{text} .") };
        match etf::text::consult(whole.as_bytes()) {
            Ok(mut terms) if terms.len() == 1 => Ok(terms.remove(0)),
            Ok(_) => Err(Failure::new(format!("`{text}` is not one Erlang term")).hint(usage)),
            Err(error) => Err(Failure::new(format!("`{text}` is not an Erlang term: {error}")).hint(usage)),
        }
    });
    let terms = terms.collect::<Result<Vec<Term>, Failure>>()?;
    // `MyApp` is Elixir's; Erlang's modules are not written with a capital.
    let module = match module.chars().next() {
        Some(first) if first.is_uppercase() && !module.starts_with("Elixir.") => format!("Elixir.{module}"),
        _ => (*module).to_owned(),
    };
    Ok((module, (*function).to_owned(), terms))
}

/// Calls a function and prints its value as a term.
fn call(
    release: &Release,
    environment: &Environment,
    module: &str,
    function: &str,
    arguments: Vec<Term>,
) -> Result<ExitCode, Failure> {
    let mut connection = match Route::find(release, environment)? {
        Route::Native { address, cookie } => connect(&address, &cookie, Deadline::after(SETUP_TIMEOUT))?,
        Route::VirtualMachine { protocol } => {
            return Err(Failure::new(format!("`rpc --mfa` does not work over `{protocol}`"))
                .hint("use `rpc` with an expression: it runs in a virtual machine of its own there"));
        }
    };
    let node = connection.node().to_string();
    let mut streams = StandardStreams::default();
    let reply = Session::new(&mut connection, &mut streams)
        .call(module, function, arguments)
        .map_err(|error| call_failed(&node, &error))?;
    match reply {
        Reply::Returned(value) => {
            let mut text = formatted(&mut connection, &value)?;
            text.push(b'\n');
            output::print(&text)
        }
        Reply::Raised { kind, reason, stack } => {
            let stack = stack.unwrap_or_else(|| encoded(&Term::List(vec![])));
            let raised = [encoded(&Term::Atom(kind)), reason, stack];
            if let Some(status) = status_of_exit(&raised) {
                return Ok(ExitCode::from(status));
            }
            print_exception(&mut connection, &raised);
            Ok(ExitCode::FAILURE)
        }
        Reply::Killed { .. } => Err(aborted(connection.node().as_str(), &reply)),
    }
}

/// A term of this side in the external format, as the terms of the node come.
fn encoded(term: &Term) -> Vec<u8> {
    let mut bytes = Vec::new();
    // An atom or a list is never too long to be written.
    let _ = etf::encode_without_version(term, AtomEncoding::Utf8, &mut bytes);
    bytes
}

/// A value as `~tp` writes it. The node formats what is too large or too deep to be built here.
fn formatted(connection: &mut Connection, value: &[u8]) -> Result<Vec<u8>, Failure> {
    if value.len() <= LARGEST_FORMATTED_HERE
        && let Ok((raw, _)) = RawTerm::split(value)
        && let Ok(term) = raw.decode()
    {
        return Ok(etf::text::pretty(&term).into_bytes());
    }
    if value.len() > LARGEST_PRINTED {
        return Err(Failure::new(format!(
            "the value has {} bytes, which is more than can be printed",
            value.len()
        ))
        .hint("let the node write it: rpc 'File.write!(…)'"));
    }
    let node = connection.node().to_string();
    let arguments = vec![Term::string("~tp"), Term::List(vec![Term::Opaque(value.to_vec())])];
    let reply = connection
        .call("io_lib", "format", arguments, Deadline::after(10 * SETUP_TIMEOUT))
        .map_err(|error| call_failed(&node, &error))?;
    let text = reply.returned().and_then(|text| text.text(CharacterEncoding::Unicode));
    text.ok_or_else(|| aborted(&node, &reply))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<(String, String, Vec<Term>), Failure> {
        function_and_arguments(&arguments.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn functions_and_their_arguments_are_terms() {
        let (module, function, terms) = parsed(&["lists", "seq", "1", "3."]).unwrap();
        assert_eq!((module.as_str(), function.as_str()), ("lists", "seq"));
        assert_eq!(terms, [Term::Integer(1), Term::Integer(3)]);
        assert_eq!(parsed(&["MyApp.Cache", "clear"]).unwrap().0, "Elixir.MyApp.Cache");
        assert_eq!(parsed(&["Elixir.MyApp", "clear"]).unwrap().0, "Elixir.MyApp");
    }

    #[test]
    fn what_is_no_term_is_refused() {
        for arguments in
            [&["m", "f", "{"][..], &["m", "f", "a. b"], &["m", "f", ""], &["m", "f", "f()"], &["m"]]
        {
            assert!(parsed(arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn exits_have_a_status() {
        let raised = |kind: &str, reason: &str| {
            let encoded =
                |text: &str| encoded(&etf::text::consult(format!("{text}.").as_bytes()).unwrap().remove(0));
            status_of_exit(&[encoded(kind), encoded(reason), encoded("[]")])
        };
        assert_eq!(raised("exit", "{shutdown,7}"), Some(7));
        assert_eq!(raised("exit", "{shutdown,because}"), Some(0));
        assert_eq!(raised("exit", "normal"), Some(0));
        assert_eq!(raised("exit", "boom"), None);
        assert_eq!(raised("error", "normal"), None);
    }
}
