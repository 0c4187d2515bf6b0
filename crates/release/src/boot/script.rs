//! The instructions of a boot script, as `systools_make:generate_script/4` writes them and `Mix.Release.make_boot_script/4`
//! completes them.

use std::collections::HashSet;

use etf::{Atom, Term};

use super::{Booted, atoms};
use crate::application::Application;
use crate::spec::ReleaseSpec;

/// Modules that are part of the runtime system itself: OTP 25 and newer.
const PRELOADED: [&str; 21] = [
    "atomics",
    "counters",
    "erl_init",
    "erl_prim_loader",
    "erl_tracer",
    "erlang",
    "erts_code_purger",
    "erts_dirty_process_signal_handler",
    "erts_internal",
    "erts_literal_area_collector",
    "init",
    "persistent_term",
    "prim_buffer",
    "prim_eval",
    "prim_file",
    "prim_inet",
    "prim_net",
    "prim_socket",
    "prim_zip",
    "socket_registry",
    "zlib",
];

/// Preloaded since OTP 27.
const PRELOADED_SINCE_27: &str = "erts_trace_cleaner";

/// Modules that are loaded before anything runs; the order is OTP's.
pub(super) const MANDATORY: [&str; 29] = [
    "error_handler",
    "application",
    "application_controller",
    "application_master",
    "code",
    "code_server",
    "erl_eval",
    "erl_lint",
    "erl_parse",
    "error_logger",
    "ets",
    "file",
    "filename",
    "file_server",
    "file_io_server",
    "gen",
    "gen_event",
    "gen_server",
    "heart",
    "kernel",
    "logger",
    "logger_filters",
    "logger_server",
    "logger_backend",
    "logger_config",
    "logger_simple_h",
    "lists",
    "proc_lib",
    "supervisor",
];

/// `{script, {Name, Vsn}, Instructions}` for applications that are in order already.
pub(super) fn script(spec: &ReleaseSpec, booted: &[Booted<'_>]) -> Term {
    let mut preloaded: Vec<Atom> = PRELOADED.iter().map(Atom::new).collect();
    if spec.toolchain.otp_release >= 27 {
        preloaded.push(Atom::new(PRELOADED_SINCE_27));
        preloaded.sort();
    }
    let mandatory: Vec<Atom> = MANDATORY.iter().map(Atom::new).collect();
    let loaded_early: HashSet<&Atom> = mandatory.iter().chain(&preloaded).collect();
    // Consolidated protocols are found first, wherever code of the project may be looked for.
    let consolidated = spec
        .consolidated
        .as_ref()
        .map(|_| Term::string(&format!("$RELEASE_LIB/../releases/{}/consolidated", spec.version)));
    let path = |directories: Vec<&Booted<'_>>| {
        let mut texts: Vec<Term> = Vec::with_capacity(directories.len() + 1);
        if let Some(first) = &consolidated
            && directories.iter().any(|item| !item.application.is_of_otp())
        {
            texts.push(first.clone());
        }
        texts.extend(directories.iter().map(|item| Term::string(&code_path(item.application))));
        Term::pair(Term::atom("path"), Term::List(texts))
    };

    let mut instructions = vec![
        Term::pair(Term::atom("preLoaded"), atoms(&preloaded)),
        progress("preloaded"),
        path(
            booted
                .iter()
                .filter(|item| item.application.name == "kernel" || item.application.name == "stdlib")
                .collect(),
        ),
        Term::pair(Term::atom("primLoad"), atoms(&mandatory)),
        Term::Tuple(vec![Term::atom("kernel_load_completed")]),
        progress("kernel_load_completed"),
    ];
    for item in booted {
        let mut modules: Vec<Atom> = item
            .application
            .modules
            .iter()
            .filter(|module| !loaded_early.contains(module))
            .cloned()
            .collect();
        modules.sort();
        instructions.push(path(vec![item]));
        instructions.push(Term::pair(Term::atom("primLoad"), atoms(&modules)));
    }
    instructions.push(progress("modules_loaded"));
    instructions.push(path(booted.iter().collect()));
    instructions.extend(kernel_processes(booted));
    for item in booted {
        if item.application.name != "kernel" && item.mode != crate::mode::Mode::None {
            instructions.push(apply("application", "load", vec![application_term(item)]));
        }
    }
    instructions.push(progress("applications_loaded"));
    instructions.extend(starts(spec, booted));
    instructions.push(progress("started"));

    Term::Tuple(vec![
        Term::atom("script"),
        Term::pair(Term::string(&spec.name), Term::string(&spec.version)),
        Term::List(instructions),
    ])
}

/// Heart, the logger and the application controller run before any application.
fn kernel_processes(booted: &[Booted<'_>]) -> Vec<Term> {
    let process = |name: &str, module: &str, function: &str, arguments: Vec<Term>| {
        Term::Tuple(vec![Term::atom("kernelProcess"), Term::atom(name), call(module, function, arguments)])
    };
    let kernel: Vec<Term> =
        booted.iter().filter(|item| item.application.name == "kernel").map(application_term).collect();
    vec![
        process("heart", "heart", "start", Vec::new()),
        process("logger", "logger_server", "start_link", Vec::new()),
        process("application_controller", "application_controller", "start", kernel),
        progress("init_kernel_started"),
    ]
}

/// Starts, in order. Configuration providers run right after stdlib, in every boot script (Mix's addition).
fn starts(spec: &ReleaseSpec, booted: &[Booted<'_>]) -> Vec<Term> {
    let included: HashSet<&Atom> = booted.iter().flat_map(|item| &item.includes).collect();
    let mut instructions = Vec::new();
    for item in booted {
        let name = &item.application.name;
        if !item.mode.starts() || included.contains(name) {
            continue;
        }
        instructions.push(apply(
            "application",
            "start_boot",
            vec![Term::Atom(name.clone()), Term::Atom(item.mode.atom())],
        ));
        if name == "stdlib" && !spec.runtime.providers.is_empty() {
            instructions.push(apply("Elixir.Config.Provider", "boot", Vec::new()));
        }
    }
    instructions
}

/// Where the code of an application is in a release. Applications of OTP are below the root of the runtime, which is
/// the target's own when the release does not include it; all others are always in the release.
fn code_path(application: &Application) -> String {
    let library = if application.is_of_otp() { "$ROOT/lib" } else { "$RELEASE_LIB" };
    format!("{library}/{}/ebin", application.directory_name())
}

/// `systools_make:pack_app/1`: the keys that the runtime knows, in its order.
fn application_term(item: &Booted<'_>) -> Term {
    let application = item.application;
    let mut properties = vec![
        ("description", application.description.clone()),
        ("vsn", Term::string(&application.version)),
        ("id", application.id.clone()),
        ("modules", atoms(&application.modules)),
        ("registered", atoms(&application.registered)),
        ("applications", atoms(&item.uses)),
        ("optional_applications", atoms(&application.optional_applications)),
        ("included_applications", atoms(&item.includes)),
        ("env", application.env.clone()),
        ("maxT", application.max_time.clone()),
        ("maxP", application.max_processes.clone()),
    ];
    properties.extend(application.start_phases.clone().map(|phases| ("start_phases", phases)));
    properties.extend(application.callback.clone().map(|callback| ("mod", callback)));
    Term::Tuple(vec![
        Term::atom("application"),
        Term::Atom(application.name.clone()),
        Term::List(properties.into_iter().map(|(key, value)| Term::pair(Term::atom(key), value)).collect()),
    ])
}

fn progress(phase: &str) -> Term {
    Term::pair(Term::atom("progress"), Term::atom(phase))
}

fn call(module: &str, function: &str, arguments: Vec<Term>) -> Term {
    Term::Tuple(vec![Term::atom(module), Term::atom(function), Term::List(arguments)])
}

pub(super) fn apply(module: &str, function: &str, arguments: Vec<Term>) -> Term {
    Term::pair(Term::atom("apply"), call(module, function, arguments))
}

/// The arguments of an instruction that [`apply`]s this function.
pub(super) fn applied<'term>(
    instruction: &'term Term,
    module: &str,
    function: &str,
) -> Option<&'term [Term]> {
    let [tag, called] = instruction.as_tuple()? else { return None };
    let [of, name, arguments] = called.as_tuple()? else { return None };
    if !(tag.is_atom("apply") && of.is_atom(module) && name.is_atom(function)) {
        return None;
    }
    arguments.as_list()
}
