//! The instruction by which a system takes its cookie from the environment.
//!
//! The arguments of a process can be read by everybody on the machine, its environment only by its user. So a system is
//! started with a throw-away cookie as argument, and right after kernel has started, before any other application, its
//! boot script sets the real one:
//!
//! ```erlang
//! case erlang:is_alive() andalso os:getenv("RELEASE_COOKIE") of
//!     [_ | _] = Cookie -> erlang:set_cookie(list_to_atom(Cookie));
//!     _ -> ok
//! end
//! ```
//!
//! `erl_eval` is loaded by every boot script before anything runs, so the expression can stand in it as a term. It is evaluated by
//! `exprs/3`, which does not check it first: the checks are a large module (`erl_lint`). The
//! launcher looks for the variable's name in the boot file: a script without it gets the cookie as Mix hands it over.

use etf::Term;

use super::script::{applied, apply};

/// The same script with the instruction.
pub(super) fn with_cookie_from_environment(script: Term) -> Term {
    let Term::Tuple(mut fields) = script else { return script };
    if let Some(Term::List(instructions)) = fields.last_mut()
        && let Some(kernel) = instructions.iter().position(starts_kernel)
    {
        instructions.insert(
            kernel + 1,
            apply("erl_eval", "exprs", vec![expressions(), Term::nil(), Term::atom("none")]),
        );
    }
    Term::Tuple(fields)
}

/// `{apply, {application, start_boot, [kernel, _]}}`.
fn starts_kernel(instruction: &Term) -> bool {
    let arguments = applied(instruction, "application", "start_boot");
    arguments.and_then(<[Term]>::first).is_some_and(|name| name.is_atom("kernel"))
}

/// The expression above in the abstract format (`absform` in the documentation of ERTS).
fn expressions() -> Term {
    let cookie = || form("var", vec![Term::atom("Cookie")]);
    let anything = || form("var", vec![Term::atom("_")]);
    let variable = form("string", vec![Term::string("RELEASE_COOKIE")]);
    let value = form(
        "op",
        vec![Term::atom("andalso"), call("erlang", "is_alive", vec![]), call("os", "getenv", vec![variable])],
    );
    let given = form("match", vec![form("cons", vec![anything(), anything()]), cookie()]);
    let set = call("erlang", "set_cookie", vec![call("erlang", "list_to_atom", vec![cookie()])]);
    let clauses = vec![clause(given, set), clause(anything(), atom("ok"))];
    Term::List(vec![form("case", vec![value, Term::List(clauses)])])
}

fn form(kind: &str, fields: Vec<Term>) -> Term {
    Term::Tuple([vec![Term::atom(kind), Term::Integer(1)], fields].concat())
}

fn atom(name: &str) -> Term {
    form("atom", vec![Term::atom(name)])
}

fn call(module: &str, function: &str, arguments: Vec<Term>) -> Term {
    form("call", vec![form("remote", vec![atom(module), atom(function)]), Term::List(arguments)])
}

fn clause(pattern: Term, body: Term) -> Term {
    form("clause", vec![Term::List(vec![pattern]), Term::nil(), Term::List(vec![body])])
}
