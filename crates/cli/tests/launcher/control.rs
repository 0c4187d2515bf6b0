//! Commands that ask a running system: with the results, output and exit statuses of Mix's script, where it has the
//! same command.

use std::process::{Child, Command, Stdio};

use camino::Utf8PathBuf;

use crate::files::{wait_for, wait_until};
use crate::installed::{Installed, Kind};
use crate::ports::free_port;
use crate::running::{Running, has_ended, pid, report};
use crate::sandbox::{Outcome, fail, run, succeed};

/// An EPMD of the test's own.
pub(crate) struct Epmd {
    child: Child,
    pub(crate) port: u16,
}

impl Epmd {
    pub(crate) fn start(installed: &Installed) -> Self {
        let port = free_port();
        let mut command = installed.sandbox.command(installed.erts_bin().join("epmd"));
        command.args(["-address", "127.0.0.1", "-port", &port.to_string()]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until("EPMD answers", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { child, port }
    }
}

impl Drop for Epmd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A system that runs, and how it is asked.
pub(crate) struct System {
    pub(crate) installed: Installed,
    pub(crate) running: Running,
    environment: Vec<(&'static str, String)>,
    log: Utf8PathBuf,
    _epmd: Option<Epmd>,
}

impl System {
    /// With short names, without EPMD.
    pub(crate) fn start() -> Self {
        Self::start_with(Installed::new(Kind::Plain), &[("RELEASE_EPMD", "none")], None)
    }

    /// The same, of a release that has no cookie.
    pub(crate) fn start_without_cookie() -> Self {
        let installed = Installed::new(Kind::Plain);
        std::fs::remove_file(installed.root().join("releases/COOKIE")).unwrap();
        Self::start_with(installed, &[("RELEASE_EPMD", "none")], None)
    }

    /// Registered with an EPMD of its own, as `probe@localhost`.
    pub(crate) fn start_with_epmd(distribution: &str, node: &str) -> Self {
        let installed = Installed::new(Kind::Plain);
        let epmd = Epmd::start(&installed);
        let port = epmd.port.to_string();
        let environment = [
            ("ERL_EPMD_PORT", port.as_str()),
            ("RELEASE_NODE", node),
            ("RELEASE_DISTRIBUTION", distribution),
            ("RELEASE_DIST_LISTEN", "127.0.0.1"),
        ];
        Self::start_with(installed, &environment, Some(epmd))
    }

    fn start_with(installed: Installed, environment: &[(&'static str, &str)], epmd: Option<Epmd>) -> Self {
        let mut variables = vec![("RELEASE_DISTRIBUTION", "sname".to_owned())];
        variables.extend(environment.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let log = installed.sandbox.join("log");
        let mut command = installed.command(&["start"]);
        let output = std::fs::File::create(&log).unwrap();
        command.envs(variables.clone()).env("PROBE_STOPPED", installed.sandbox.join("stopped"));
        command.env("PROBE_REPORT", installed.sandbox.join("started"));
        command.stdout(output.try_clone().unwrap()).stderr(output);
        let running = Running::start(&mut command);
        let system = Self { installed, running, environment: variables, log, _epmd: epmd };
        let ready = run(&mut system.command(&["ready", "--wait", "60"]));
        let log = std::fs::read_to_string(&system.log).unwrap();
        assert_eq!((ready.status, ready.stdout.as_str(), ready.stderr.as_str()), (Some(0), "", ""), "{log}");
        system
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.installed.command(arguments);
        command.envs(self.environment.clone());
        command
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        run(&mut self.command(arguments))
    }

    pub(crate) fn printed(&self, arguments: &[&str]) -> String {
        let outcome = succeed(&mut self.command(arguments));
        assert_eq!(outcome.stderr, "", "{arguments:?}");
        outcome.stdout
    }
}

/// Conformance case T16.
#[test]
fn t16_rpc_pid_and_stop() {
    let mut system = System::start_with_epmd("name", "t16@127.0.0.1");
    assert_eq!(system.printed(&["rpc", "IO.puts(\"hello world\")"]), "hello world\n");
    let started = report(&system.installed.sandbox.join("started"));
    assert_eq!(system.printed(&["pid"]), format!("{}\n", started["pid"]));
    assert_eq!(system.printed(&["rpc", "IO.puts(node())"]), "t16@127.0.0.1\n");
    assert_eq!(system.printed(&["stop"]), "");
    assert_eq!(system.running.status(), Some(0));
    assert_eq!(std::fs::read_to_string(system.installed.sandbox.join("stopped")).unwrap(), "stopped");
}

/// Conformance case T18.
#[test]
fn t18_a_system_in_the_background_is_asked_and_restarted() {
    let installed = Installed::new(Kind::Plain);
    let started = installed.sandbox.join("started");
    let command = |arguments: &[&str]| {
        let mut command = installed.command(arguments);
        command.env("RELEASE_DISTRIBUTION", "sname").env("RELEASE_EPMD", "none");
        command
    };
    succeed(command(&["daemon_iex"]).env("PROBE_REPORT", &started).env("PROBE_GIVEN", "kept"));
    succeed(&mut command(&["ready", "--wait", "60"]));
    let first = report(&started);
    wait_for(&installed.root().join("tmp/log/erlang.log.1"), |text| {
        text.contains(&format!("iex({})1>", first["node"]))
    });
    assert_eq!(succeed(&mut command(&["rpc", "IO.puts(:yes)"])).stdout, "yes\n");
    std::fs::remove_file(&started).unwrap();
    assert_eq!(succeed(&mut command(&["restart"])).stdout, "");
    let second = report(&started);
    assert_eq!((&second["pid"], second["given"].as_str()), (&first["pid"], "kept"));
    succeed(&mut command(&["ready", "--wait", "60"]));
    succeed(&mut command(&["stop", "--wait"]));
    assert!(has_ended(pid(&second)));
}

/// What is asked for can be quicker than the answer: the connection is closed, and the system is back before anybody has looked.
#[test]
fn a_restart_that_ends_the_connection_has_succeeded() {
    let system = System::start();
    system.printed(&[
        "rpc",
        "caller = self()
         spawn(fn ->
           :net_kernel.monitor_nodes(true, node_type: :hidden)
           send(caller, :watches)
           receive do
             {:nodeup, node, _} ->
               :init.restart()
               :erlang.disconnect_node(node)
           end
         end)
         receive do :watches -> :ok end",
    ]);
    assert_eq!(system.printed(&["restart"]), "");
    succeed(&mut system.command(&["ready", "--wait", "60"]));
}

/// Everything that an expression may do, asked by this launcher and by Mix's script.
#[test]
fn rpc_is_that_of_mix() {
    let system = System::start_with_epmd("sname", "probe@localhost");
    let mix = Installed::of_mix(Kind::Plain, "release");
    let cookie = std::fs::read_to_string(system.installed.root().join("releases/COOKIE")).unwrap();
    for expression in [
        "IO.puts(\"text €\"); IO.write([\"a\", ?b, [\"c\"]])",
        ":io.format(\"~p ~ts~n\", [{:a, 1}, \"é\"])",
        "IO.inspect(%{a: 1, list: Enum.to_list(1..60)})",
        "IO.puts(:stderr, \"stays there\")",
        ":unused",
        "raise \"boom\"",
        "throw(:ball)",
        "exit(:boom)",
        "exit(:normal)",
        "exit(:shutdown)",
        "exit({:shutdown, 7})",
        "exit({:shutdown, :because})",
        "Enum.map(1, & &1)",
        "String.upcase(nil)",
        "No.such()",
        "1 +",
        "undefined_variable",
        "IO.inspect(IO.gets(\"name? \")); IO.inspect(IO.read(:line)); IO.inspect(IO.getn(\"\", 3))",
        "IO.inspect(IO.gets(\"\")); IO.inspect(IO.gets(\"\")); IO.inspect(IO.gets(\"\")); IO.inspect(IO.gets(\"\"))",
        "IO.inspect(:io.fread(~c\"\", ~c\"~s ~s\"))",
        "Task.await(Task.async(fn -> IO.puts(\"from a task\") end))",
    ] {
        let asked = |installed: &Installed| {
            let input = installed.sandbox.join("input");
            std::fs::write(&input, "first line\nsecond é\nthird\n").unwrap();
            let mut command = installed.command(&["rpc", expression]);
            command.envs(system.environment.clone()).env("RELEASE_COOKIE", cookie.trim());
            let outcome = run(command.stdin(std::fs::File::open(input).unwrap()));
            (outcome.status, outcome.stdout, outcome.stderr)
        };
        assert_eq!(asked(&system.installed), asked(&mix), "{expression}");
    }
}

/// What a traced process sends has other message tags: a `put_chars` of one was never answered, and the command waited for ever.
#[test]
fn what_is_traced_can_print() {
    let system = System::start();
    let expression = ":seq_trace.set_token(:send, true); IO.puts(\"traced\"); IO.puts(\"on\")";
    assert_eq!(system.printed(&["rpc", expression]), "traced\non\n");
}

#[test]
fn functions_are_called_with_terms() {
    let system = System::start();
    assert_eq!(system.printed(&["rpc", "--mfa", "lists", "seq", "1", "4"]), "[1,2,3,4]\n");
    assert_eq!(
        system.printed(&["rpc", "--mfa", "String", "upcase", "<<\"x; System.halt()\">>"]),
        "<<\"X; SYSTEM.HALT()\">>\n"
    );
    assert_eq!(system.printed(&["rpc", "--mfa", "io", "format", "\"~p \"", "[[x]]"]), "[x] ok\n");
    // Larger than what is formatted here.
    let large = system.printed(&["rpc", "--mfa", "lists", "duplicate", "100000", "{a,b}"]);
    assert_eq!(large.matches("{a,b}").count(), 100_000);
    let raised = fail(&mut system.command(&["rpc", "--mfa", "erlang", "hd", "[]"]));
    assert!(raised.starts_with("** (ArgumentError) errors were found at the given arguments"), "{raised}");
    let exit = system.run(&["rpc", "--mfa", "erlang", "exit", "{shutdown, 4}"]);
    assert_eq!(exit.status, Some(4));
    let term = fail(&mut system.command(&["rpc", "--mfa", "lists", "seq", "1", "f()"]));
    assert!(term.starts_with("error: `f()` is not an Erlang term"), "{term}");
}

/// Messages of any size cost less than 50 MB, or are refused.
#[test]
fn large_values_cost_little_memory() {
    let system = System::start();
    let peak = |arguments: &[&str]| -> (Option<i32>, u64) {
        let report = system.installed.sandbox.join("peak");
        let mut command = system.installed.sandbox.command("sh");
        let script = "bin=$1; shift; \"$bin\" \"$@\" >/dev/null 2>&1 & pid=$!; peak=0; \
                      while now=$(sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$pid/status 2>/dev/null) && [ -n \"$now\" ]; \
                      do peak=$now; done; echo $peak >\"$PEAK\"; wait $pid";
        command.args(["-c", script, "sh", system.installed.executable().as_str()]).args(arguments);
        command.envs(system.environment.clone()).env("PEAK", &report);
        let status = run(&mut command).status;
        (status, std::fs::read_to_string(report).unwrap().trim().parse().unwrap())
    };
    for (arguments, status) in [
        (&["rpc", "IO.write(String.duplicate(\"x\", 20_000_000))"][..], Some(0)),
        (&["rpc", "IO.write(List.duplicate(?é, 5_000_000))"], Some(0)),
        (&["rpc", "IO.write(String.duplicate(\"x\", 41_000_000))"], Some(1)),
        (&["rpc", "--mfa", "lists", "seq", "1", "800000"], Some(0)),
        (&["rpc", "--mfa", "lists", "seq", "1", "3000000"], Some(1)),
    ] {
        let (ended, kilobytes) = peak(arguments);
        assert_eq!(ended, status, "{arguments:?}");
        assert!(kilobytes > 0 && kilobytes < 50_000, "{arguments:?}: {kilobytes} kB");
    }
}

#[test]
fn probes_and_lists() {
    let mut system = System::start();
    assert_eq!(system.printed(&["ping"]), "pong\n");
    let apps = system.printed(&["apps"]);
    assert!(apps.lines().any(|line| line.split_whitespace().eq(["probe", "0.1.0"])), "{apps}");
    let json: serde_json::Value = serde_json::from_str(&system.printed(&["apps", "--json"])).unwrap();
    let names: Vec<&str> = json.as_array().unwrap().iter().map(|app| app["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"kernel") && names.contains(&"probe"), "{names:?}");
    // An application that has been stopped is missing.
    system.printed(&["rpc", "Application.stop(:probe)"]);
    let missing = fail(&mut system.command(&["ready"]));
    assert!(missing.contains("these applications do not run: probe"), "{missing}");
    system.printed(&["stop", "--wait", "30"]);
    assert_eq!(system.running.status(), Some(0));
    let gone = fail(&mut system.command(&["ready", "--wait", "0.1"]));
    assert!(gone.starts_with("error: `plain@") && gone.contains("is not running"), "{gone}");
}

#[test]
fn a_system_that_cannot_be_asked_is_named_with_the_reason() {
    let system = System::start_with_epmd("sname", "probe@localhost");
    let failure = |name: &str, value: &str, command: &[&str]| fail(system.command(command).env(name, value));
    for command in [&["ping"][..], &["pid"], &["rpc", "1"], &["stop"], &["restart"], &["ready"], &["apps"]] {
        let message = failure("RELEASE_COOKIE", "wrong", command);
        assert!(
            message.starts_with(
                "error: cannot reach `probe@localhost`: the node does not accept the cookie\nhint: "
            ),
            "{message}"
        );
    }
    let message = failure("RELEASE_NODE", "other@localhost", &["ping"]);
    assert!(message.contains("knows no node `other`"), "{message}");
    let message = failure("RELEASE_NODE", "probe@no-such-host", &["ping"]);
    assert!(message.contains("the host `no-such-host` is unknown"), "{message}");
    let message = failure("ERL_EPMD_PORT", &free_port().to_string(), &["ping"]);
    assert!(message.contains("no EPMD answers at 127.0.0.1:"), "{message}");
    let message = failure("ERL_EPMD_PORT", "many", &["ping"]);
    assert!(message.contains("ERL_EPMD_PORT is `many`"), "{message}");
    let message = failure("RELEASE_DISTRIBUTION", "none", &["ping"]);
    assert!(message.contains("RELEASE_DISTRIBUTION is `none`"), "{message}");
    let message = failure("ELIXIR_ERL_OPTIONS", &format!("-erl_epmd_port {}", free_port()), &["ping"]);
    assert!(message.contains("nothing answers at 127.0.0.1:"), "{message}");
    assert_eq!(system.printed(&["ping"]), "pong\n");
}

#[test]
fn an_expression_that_ends_the_system_has_failed() {
    let mut system = System::start();
    let message = fail(&mut system.command(&["rpc", "System.halt(5)"]));
    assert!(message.contains("the connection was closed during the call"), "{message}");
    assert_eq!(system.running.status(), Some(5));
}

#[test]
fn the_cookie_may_come_from_a_file() {
    let installed = Installed::new(Kind::Plain);
    let file = installed.sandbox.join("cookie");
    std::fs::write(&file, "from a file\n").unwrap();
    let environment = [("RELEASE_EPMD", "none"), ("RELEASE_COOKIE_FILE", file.as_str())];
    let system = System::start_with(installed, &environment, None);
    assert_eq!(system.printed(&["rpc", "IO.puts(Node.get_cookie())"]), "from a file\n");
    let message = fail(system.command(&["ping"]).env("RELEASE_COOKIE_FILE", "/no/such/file"));
    assert!(message.starts_with("error: cannot read `/no/such/file`"), "{message}");
}

#[test]
fn a_port_in_vm_args_needs_no_epmd() {
    let installed = Installed::new(Kind::Plain);
    let port = free_port();
    let file = installed.version_directory().join("vm.args");
    let text = std::fs::read_to_string(&file).unwrap();
    crate::files::write(&file, &format!("{text}\n-start_epmd false\n-erl_epmd_port {port}\n"));
    let system = System::start_with(installed, &[("ERL_EPMD_PORT", &free_port().to_string())], None);
    assert_eq!(system.printed(&["ping"]), "pong\n");
}

#[test]
fn one_address_is_listened_on() {
    let environment = [("RELEASE_EPMD", "none"), ("RELEASE_DIST_LISTEN", "127.0.0.3")];
    let system = System::start_with(Installed::new(Kind::Plain), &environment, None);
    assert_eq!(system.printed(&["ping"]), "pong\n");
    let message = fail(system.command(&["ping"]).env("RELEASE_DIST_LISTEN", "here"));
    assert!(message.contains("RELEASE_DIST_LISTEN is `here`"), "{message}");
}

#[test]
fn ipv6() {
    let Ok(listener) = std::net::TcpListener::bind("[::1]:0") else {
        testing::skip("this machine has no IPv6");
        return;
    };
    drop(listener);
    let environment = [("RELEASE_EPMD", "none"), ("ELIXIR_ERL_OPTIONS", "-proto_dist inet6_tcp")];
    let system = System::start_with(Installed::new(Kind::Plain), &environment, None);
    assert_eq!(system.printed(&["ping"]), "pong\n");
    assert_eq!(system.printed(&["rpc", "IO.puts(:six)"]), "six\n");
}

#[test]
fn the_state_file_is_private_and_cannot_lie() {
    let mut system = System::start();
    let file = system.installed.root().join("tmp/plain.state");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let state = std::fs::read_to_string(&file).unwrap();
    let pid = system.printed(&["pid"]);
    assert!(state.contains(&format!("{{os_pid, {}}}", pid.trim())), "{state}");
    // Killed, so that it stays: another process may have the number by then.
    let process = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    assert_eq!(system.running.status(), Some(128 + 9));
    std::fs::write(&file, state.replace(pid.trim(), &std::process::id().to_string())).unwrap();
    let message = fail(&mut system.command(&["ping"]));
    assert!(message.contains("is not running: it has left no state file"), "{message}");
}
