//! What `bin/NAME` prints and leaves.

use std::process::{Command, Stdio};

use crate::canaries::{COMPILED, CONFIGURED, COOKIE, ENVIRONMENT, STARTED_COOKIE};
use crate::files::write;
use crate::project::Project;
use crate::running::Running;
use crate::sandbox::{Outcome, run};
use crate::search::{Place, are_there_alone, found_in, is_clean, search};

struct Released {
    project: Project,
}

impl Released {
    fn new() -> Self {
        let project = Project::new();
        assert_eq!(run(&mut project.beamship(&["release"])).status, Some(0));
        Self { project }
    }

    /// A command for a system with a name and a cookie of its own.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.control(arguments);
        command
            .env("RELEASE_DISTRIBUTION", "sname")
            .env("RELEASE_EPMD", "none")
            .env("RELEASE_COOKIE", STARTED_COOKIE)
            // It would hold everything (docs/security.md).
            .env("ERL_CRASH_DUMP_BYTES", "0");
        command
    }

    fn says(&self, arguments: &[&str], status: &[i32]) -> Outcome {
        self.judge(arguments, status, &mut self.command(arguments))
    }

    fn judge(&self, arguments: &[&str], status: &[i32], command: &mut Command) -> Outcome {
        let outcome = run(command);
        let all = format!("{}\n{}", outcome.stdout, outcome.stderr);
        assert!(
            outcome.status.is_some_and(|ended| status.contains(&ended)),
            "{arguments:?} {outcome:?}\n{all}"
        );
        is_clean(arguments, &outcome);
        outcome
    }
}

const COMMANDS: &[&[&str]] = &[
    &["pid"],
    &["ping"],
    &["ready", "--wait", "10"],
    &["apps"],
    &["apps", "--json"],
    &["rpc", "IO.puts(Enum.sum(1..9))"],
    &["rpc", "--mfa", "lists", "seq", "1", "9"],
];

#[test]
fn canaries_are_in_nothing_that_a_system_prints_or_leaves() {
    let released = Released::new();
    let sandbox = &released.project.sandbox;
    for arguments in
        [&["help"][..], &["version"], &["start", "--help"], &["nosuch"], &["doctor"], &["ping"], &["pid"]]
    {
        released.says(arguments, &[0, 1]);
    }
    let log = sandbox.join("log");
    let output = std::fs::File::create(&log).unwrap();
    let mut start = released.command(&["start"]);
    let mut running = Running::start(start.stdout(output.try_clone().unwrap()).stderr(output));
    released.says(&["ready", "--wait", "60"], &[0]);
    assert!(released.project.has_met_secrets("runtime"));
    for arguments in COMMANDS {
        released.says(arguments, &[0]);
    }
    for arguments in [&["doctor"][..], &["doctor", "--json"]] {
        released.says(arguments, &[0, 1]);
    }
    // It does run with this cookie, and has what `runtime.exs` was given.
    let same = format!("IO.inspect(Node.get_cookie() == :\"{STARTED_COOKIE}\")");
    assert_eq!(released.says(&["rpc", &same], &[0]).stdout, "true\n");
    // What everybody on the machine sees of it.
    let pid = released.says(&["pid"], &[0]).stdout;
    let seen = std::fs::read(format!("/proc/{}/cmdline", pid.trim())).unwrap();
    assert!(seen.len() > 100, "{pid}");
    assert!(found_in(&seen).is_empty(), "{}", String::from_utf8_lossy(&seen));
    // Refused: it runs already; another cookie; an error there; code that is no code.
    released.says(&["start"], &[1]);
    released.judge(&["ping"], &[1], released.command(&["ping"]).env("RELEASE_COOKIE", ENVIRONMENT));
    released.says(&["rpc", "raise \"no\""], &[1]);
    released.says(&["rpc", "("], &[1]);
    released.says(&["eval", "IO.puts(Demo.Application.module_info(:module))"], &[0]);
    released.says(&["stop"], &[0]);
    assert_eq!(running.status(), Some(0));
    assert!(std::fs::read(&log).unwrap().len() < 100_000);

    are_there_alone(&search(sandbox.path()), PLACES);
}

/// A start that fails, before `runtime.exs`, in it, and after it; in the foreground and in the background.
#[test]
fn canaries_are_in_no_message_of_a_failed_start() {
    let released = Released::new();
    let fails = |arguments: &[&str], change: &dyn Fn(&mut Command)| {
        let mut command = released.command(arguments);
        change(command.stdin(Stdio::null()));
        let outcome = released.judge(arguments, &[1], &mut command);
        assert!(outcome.stderr.len() > 10, "{outcome:?}");
        outcome
    };
    fails(&["start"], &|command| {
        command.env_remove("RUNTIME_SECRET");
    });
    for arguments in [&["start"][..], &["daemon"]] {
        fails(arguments, &|command| {
            command.env("FAILS", "1");
        });
        assert!(released.project.has_met_secrets("runtime"), "{arguments:?}");
    }
    fails(&["start"], &|command| {
        command.env("RELEASE_VSN", "9.9.9");
    });
    fails(&["start"], &|command| {
        command.env("RELEASE_COOKIE_FILE", "/nonexistent").env_remove("RELEASE_COOKIE");
    });
    let runtime = released.project.release().join("releases/0.1.0/runtime.exs");
    let text = std::fs::read_to_string(&runtime).unwrap();
    write(&runtime, &format!("{text}\nraise \"it does not want to\"\n"));
    fails(&["start"], &|_| {});
    assert!(released.project.has_met_secrets("runtime"));
    are_there_alone(&search(released.project.sandbox.path()), PLACES);
}

const PLACES: &[Place] = &[
    Place::must("demo/mix.exs", &[COOKIE]),
    Place::must("demo/_build/prod/rel/demo/releases/COOKIE", &[COOKIE]),
    Place::must("demo/config/config.exs", &[COMPILED, CONFIGURED]),
    Place::may("demo/_build/*", &[COMPILED, CONFIGURED]),
];
