//! A fast start: recorded, built, started, and nothing lost by it.

#![allow(clippy::disallowed_methods, reason = "these tests look at real files")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod configuration;
#[path = "../support/files.rs"]
mod files;
#[path = "../support/sandbox.rs"]
mod sandbox;

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use etf::Term;
use rustix::process::{Pid, Signal, kill_process};

use files::{wait_until, write};
use sandbox::{Outcome, Sandbox, fail, run, succeed};

const MIX_EXS: &str = "defmodule Demo.MixProject do
  use Mix.Project

  def project, do: [app: :demo, version: \"0.1.0\", elixir: \"~> 1.14\"]
  def application, do: [mod: {Demo, []}, extra_applications: [:logger, :crypto]]
end
";

/// It uses one module of its own at the start, and another one never; a protocol, and native code.
const DEMO: &str = "defmodule Demo do
  use Application

  def start(_, _) do
    Demo.Used.run()
    <<_::binary>> = :crypto.strong_rand_bytes(8)
    Supervisor.start_link([], strategy: :one_for_one)
  end
end

defmodule Demo.Used do
  def run, do: Demo.Sized.size([1])
end

defmodule Demo.Unused do
  def run, do: :unused
end

defprotocol Demo.Sized do
  def size(value)
end

defimpl Demo.Sized, for: List do
  def size(list), do: length(list)
end
";

struct Project {
    sandbox: Sandbox,
    path: Utf8PathBuf,
}

/// A system that runs until the test is over.
struct System(Child);

impl Drop for System {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Project {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let path = sandbox.join("demo");
        write(&path.join("mix.exs"), MIX_EXS);
        write(&path.join("lib/demo.ex"), DEMO);
        let project = Self { sandbox, path };
        project.build();
        project
    }

    fn build(&self) {
        succeed(&mut self.sandbox.beamship(&self.path, &["build"]));
    }

    fn release(&self) -> Utf8PathBuf {
        self.path.join("_build/prod/rel/demo")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command(self.release().join("bin/demo"));
        let node = format!("boot{}", self.sandbox.path().as_str().bytes().map(u32::from).sum::<u32>());
        command
            .args(arguments)
            .env("RELEASE_DISTRIBUTION", "sname")
            .env("RELEASE_EPMD", "none")
            .env("RELEASE_NODE", format!("{node}p{}", std::process::id()));
        command
    }

    fn start(&self, mode: Option<&str>, log: &Utf8Path) -> System {
        self.start_with(mode.map(|mode| ("RELEASE_MODE", mode)), log)
    }

    fn start_with(&self, variable: Option<(&str, &str)>, log: &Utf8Path) -> System {
        let output = std::fs::File::create(log).unwrap();
        let mut command = self.command(&["start"]);
        command.stdout(output.try_clone().unwrap()).stderr(output).stdin(Stdio::null()).envs(variable);
        System(command.spawn().unwrap())
    }

    fn rpc(&self, expression: &str) -> String {
        succeed(&mut self.command(&["rpc", expression])).stdout
    }

    fn ready(&self) -> Outcome {
        run(&mut self.command(&["ready"]))
    }
}

const STATE: &str =
    "IO.inspect({:code.get_mode(), :erlang.module_loaded(Demo.Used), :erlang.module_loaded(Demo.Unused)})";

/// How many modules of the release's applications are not loaded.
const MISSING: &str = "IO.puts(Enum.count(for {app, _, _} <- Application.loaded_applications(), \
    {:ok, modules} = :application.get_key(app, :modules), module <- modules, \
    not :erlang.module_loaded(module), do: module))";

#[test]
fn a_recorded_start_loads_what_it_uses_and_then_the_rest() {
    let project = Project::new();
    let script = project.release().join("releases/0.1.0/start_fast.boot");
    let outcome = succeed(&mut project.sandbox.beamship(&project.path, &["profile-boot"]));
    assert!(outcome.stderr.contains("  created   rel/boot.profile"), "{}", outcome.stderr);
    let profile = std::fs::read_to_string(project.path.join("rel/boot.profile")).unwrap();
    let lines: Vec<&str> = profile.lines().collect();
    assert!(lines.contains(&"Elixir.Demo.Used") && lines.contains(&"application_controller"), "{profile}");
    for unused in ["Elixir.Demo.Unused", "elixir_parser", "init"] {
        assert!(!lines.contains(&unused), "{unused}: {profile}");
    }

    let built = succeed(&mut project.sandbox.beamship(&project.path, &["build"]));
    assert!(!built.stderr.contains("boot.profile"), "{}", built.stderr);
    let loaded = loaded_first(&script);
    assert!(loaded.contains("Elixir.Demo.Used") && !loaded.contains("Elixir.Demo.Unused"), "{loaded:?}");
    assert!(!loaded.contains("crypto"), "only the code server can load native code");
    let log = project.sandbox.join("log");
    let system = project.start(None, &log);
    succeed(&mut project.command(&["ready", "--wait", "30"]));
    assert!(project.rpc(STATE).starts_with("{:interactive, true, "));
    assert_eq!(project.rpc("IO.inspect(Protocol.consolidated?(Demo.Sized))"), "true\n");
    wait_until("all code is loaded", || project.rpc(MISSING) == "0\n");
    assert_eq!(project.rpc(STATE), "{:interactive, true, true}\n");
    assert_eq!(project.ready().status, Some(0));
    let process = Utf8PathBuf::from(format!("/proc/{}", project.rpc("IO.puts(System.pid())").trim()));
    drop(system);
    // Its launcher is gone; the virtual machine still stops.
    wait_until("the system has ended", || !process.exists());
    let log_text = std::fs::read_to_string(&log).unwrap();
    assert!(!log_text.contains("cannot be loaded"), "{log_text}");

    // As before, for who wants that.
    let _system = project.start(Some("embedded"), &log);
    succeed(&mut project.command(&["ready", "--wait", "30"]));
    assert_eq!(project.rpc(STATE), "{:embedded, true, true}\n");
}

/// The modules that a script loads before anything else, whatever the mode is.
fn loaded_first(script: &Utf8Path) -> BTreeSet<String> {
    let script = etf::decode(&std::fs::read(script).unwrap()).unwrap();
    let instructions = script.as_tuple().unwrap()[2].as_list().unwrap();
    let before = instructions
        .iter()
        .take_while(|instruction| !instruction.as_tuple().unwrap()[0].is_atom("kernel_load_completed"));
    let load = before.filter_map(|instruction| match instruction.as_tuple() {
        Some([tag, modules]) if tag.is_atom("primLoad") => modules.as_list(),
        _ => None,
    });
    load.flatten().filter_map(Term::as_atom).map(ToString::to_string).collect()
}

/// Modules that are loaded without the code server's knowing from where.
const UNKNOWN: &str = "IO.inspect(for module <- :erlang.loaded() -- :erlang.pre_loaded(), \
    match?(false, :code.is_loaded(module)), do: module)";

#[test]
fn the_code_server_knows_what_was_loaded_before_it() {
    let project = Project::new();
    let _system = project.start(None, &project.sandbox.join("log"));
    succeed(&mut project.command(&["ready", "--wait", "30"]));
    assert_eq!(project.rpc(UNKNOWN), "[:beamship_start]\n");
    let file = project.rpc("IO.puts(:code.which(Demo.Sized))");
    assert!(file.ends_with("releases/0.1.0/consolidated/Elixir.Demo.Sized.beam\n"), "{file}");
}

#[test]
fn a_module_in_a_directory_that_comes_first_is_the_one_that_is_loaded() {
    let project = Project::new();
    let script = project.release().join("releases/0.1.0/start_fast.boot");
    assert!(loaded_first(&script).contains("Elixir.Demo.Used"));
    let patches = project.sandbox.join("patches");
    write(&patches.join("used.ex"), "defmodule Demo.Used do\n  def run, do: :patched\nend\n");
    succeed(
        project.sandbox.command("elixirc").args(["-o", patches.as_str(), "used.ex"]).current_dir(&patches),
    );
    let flags = format!("-pa {patches}");
    let _system = project.start_with(Some(("ERL_FLAGS", &flags)), &project.sandbox.join("log"));
    succeed(&mut project.command(&["ready", "--wait", "30"]));
    assert_eq!(project.rpc("IO.inspect(Demo.Used.run())"), ":patched\n");
    assert_eq!(project.rpc(UNKNOWN), "[:beamship_start]\n");
}

#[test]
fn without_a_record_the_modules_are_guessed() {
    let project = Project::new();
    let script = project.release().join("releases/0.1.0/start_fast.boot");
    let loaded = loaded_first(&script);
    // The callback module and what it mentions; what every start uses; not what only the compiler or a console does.
    for module in ["Elixir.Demo", "Elixir.Demo.Used", "Elixir.Supervisor", "application_controller", "elixir"]
    {
        assert!(loaded.contains(module), "{module}: {loaded:?}");
    }
    for module in ["Elixir.Demo.Unused", "elixir_parser", "Elixir.IEx", "compile"] {
        assert!(!loaded.contains(module), "{module}: {loaded:?}");
    }
    // Nearly everything that a start of this system uses.
    succeed(&mut project.sandbox.beamship(&project.path, &["profile-boot"]));
    project.build();
    let used = loaded_first(&script);
    let missed: Vec<_> = used.difference(&loaded).collect();
    assert!(missed.len() * 20 < used.len(), "scripts/usual-modules should run again: {missed:?}");

    // As Mix does it, for who wants that.
    std::fs::remove_file(project.path.join("rel/boot.profile")).unwrap();
    write(
        &project.path.join("mix.exs"),
        &MIX_EXS.replace("version: ", "releases: [demo: [boot: :embedded]], version: "),
    );
    project.build();
    assert!(!script.exists());
    let _system = project.start(None, &project.sandbox.join("log"));
    succeed(&mut project.command(&["ready", "--wait", "30"]));
    assert_eq!(project.rpc(STATE), "{:embedded, true, true}\n");
}

#[test]
fn a_profile_of_another_project_is_told() {
    let project = Project::new();
    let script = project.release().join("releases/0.1.0/start_fast.boot");
    let guessed = loaded_first(&script);
    write(&project.path.join("rel/boot.profile"), "Elixir.Shop\napplication_controller\nlists\n");
    let warning = "warning: `rel/boot.profile` names no module of this project or of its dependencies: ";
    // The second build has nothing to do, and says it all the same.
    for _ in 0..2 {
        let outcome = succeed(&mut project.sandbox.beamship(&project.path, &["build", "--quiet"]));
        assert_eq!(outcome.stderr.matches(warning).count(), 1, "{}", outcome.stderr);
    }
    assert_eq!(loaded_first(&script), guessed);
    let doctor = succeed(&mut project.sandbox.beamship(&project.path, &["doctor"]));
    assert!(
        doctor.stdout.contains("! boot profile           rel/boot.profile names no module of this project"),
        "{}",
        doctor.stdout
    );
    write(&project.path.join("rel/boot.profile"), "Elixir.Shop\nElixir.Demo\nlists\n");
    let outcome = succeed(&mut project.sandbox.beamship(&project.path, &["build"]));
    assert!(!outcome.stderr.contains("boot.profile"), "{}", outcome.stderr);
}

#[test]
fn a_module_that_cannot_be_loaded_later_is_told() {
    let project = Project::new();
    // A profile that is out of date, and damaged, costs nothing.
    write(
        &project.path.join("rel/boot.profile"),
        "# comment\nElixir.Demo\ngone\n\u{fffd}\nElixir.Demo.Used\n\n",
    );
    project.build();
    let beam = project.release().join("lib/demo-0.1.0/ebin/Elixir.Demo.Unused.beam");
    write(&beam, "this is no module");
    let log = project.sandbox.join("log");
    let _system = project.start(None, &log);
    wait_until("the log tells of the module", || {
        std::fs::read_to_string(&log).unwrap().contains("modules of the release cannot be loaded")
    });
    let ready = project.ready();
    assert_eq!(ready.status, Some(1), "{ready:?}");
    assert!(
        ready.stderr.contains("modules cannot be loaded") && ready.stderr.contains("Demo.Unused"),
        "{}",
        ready.stderr
    );
    // The system runs, as it does when such a module is first called in interactive mode.
    assert_eq!(project.rpc("IO.inspect(Demo.Used.run())"), "1\n");
}

#[test]
fn a_start_that_fails_records_nothing() {
    let project = Project::new();
    write(&project.path.join("lib/demo.ex"), &DEMO.replace("Demo.Used.run()\n", "raise \"no database\"\n"));
    project.build();
    let message = fail(&mut project.sandbox.beamship(&project.path, &["profile-boot"]));
    assert!(message.contains("no database"), "{message}");
    assert!(
        message.contains("the trial start did not get ready: it has ended\nhint: it needs the environment"),
        "{message}"
    );
    assert!(!project.path.join("rel/boot.profile").exists());
    // Why it was not ready in time had been lost, in both of them.
    write(
        &project.path.join("lib/demo.ex"),
        &DEMO.replace("Demo.Used.run()\n", "Process.sleep(:infinity)\n"),
    );
    project.build();
    for command in ["profile-boot", "explain-boot"] {
        for wait in ["0", "3"] {
            let message = fail(&mut project.sandbox.beamship(&project.path, &[command, "--wait", wait]));
            let (said, hint) = message.split_once("\nhint: it needs the environment").unwrap();
            let said = said.strip_prefix("error: the trial start did not get ready: ").unwrap();
            // How far it has come by then, the machine decides.
            let is_reason =
                ["not running", "cannot reach", "starting"].iter().any(|reason| said.contains(reason));
            assert!(is_reason && !hint.contains("hint: "), "{message}");
        }
    }
    let message =
        fail(project.sandbox.beamship(&project.path, &["explain-boot"]).env("RELEASE_MODE", "slow"));
    assert!(message.starts_with("error: RELEASE_MODE is `slow`\nhint: it has to be `embedded`"), "{message}");
    let message = fail(&mut project.sandbox.beamship(&project.path, &["profile-boot", "other"]));
    assert!(message.contains("there is no release `other` in `"), "{message}");
}

/// Its process is known to nobody else, and would hold ports and connections for ever.
#[test]
fn a_trial_start_ends_with_a_command_that_is_killed() {
    let project = Project::new();
    let noted = project.sandbox.join("noted");
    let cookie = project.sandbox.join("cookie");
    let noting = format!(
        "File.write!({cookie:?}, to_string(Node.get_cookie()))\n    \
         File.write!({noted:?}, System.pid())\n    Demo.Used.run()\n"
    );
    write(&project.path.join("lib/demo.ex"), &DEMO.replace("Demo.Used.run()\n", &noting));
    // A shell is between the command and the launcher that looks after the system.
    write(&project.path.join("rel/env.sh.eex"), "export DEMO=1\n");
    project.build();
    let mut command = project.sandbox.beamship(&project.path, &["profile-boot", "--exercise"]);
    // As long as the system runs.
    command.arg(format!("while [ -d /proc/$(cat {noted}) ]; do sleep 0.05; done"));
    let mut command = command.stderr(Stdio::null()).spawn().unwrap();
    wait_until("the trial start has written its number", || {
        std::fs::read(&noted).is_ok_and(|text| !text.is_empty())
    });
    let system = Utf8PathBuf::from(format!("/proc/{}", std::fs::read_to_string(&noted).unwrap()));
    assert!(system.exists());
    // Nor does it know the other nodes' cookie.
    let usual = std::fs::read_to_string(project.release().join("releases/COOKIE")).unwrap();
    let cookie = std::fs::read_to_string(cookie).unwrap();
    assert!(cookie != usual && cookie.len() == usual.len(), "{cookie}");
    command.kill().unwrap();
    command.wait().unwrap();
    wait_until("the trial start has ended", || !system.exists());
}

/// A boot script that writes to a pipe which nobody reads any more stops there, before the system answers any signal. The
/// directory stayed after every interrupt.
#[test]
fn an_interrupt_leaves_neither_trial_nor_directory() {
    let project = Project::new();
    let temporary = || {
        let entries = std::fs::read_dir(project.sandbox.join("tmp")).unwrap();
        entries
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("trial"))
            .count()
    };
    for (command, signal, delay) in [
        ("explain-boot", Signal::KILL, 0),
        ("explain-boot", Signal::KILL, 100),
        ("explain-boot", Signal::TERM, 0),
        ("explain-boot", Signal::HUP, 100),
        ("profile-boot", Signal::INT, 0),
        ("profile-boot", Signal::TERM, 100),
    ] {
        let mut child = project.sandbox.beamship(&project.path, &[command]);
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let node = format!("{command}-{}", child.id());
        wait_until("the trial is started", || processes(&node).iter().any(is_virtual_machine));
        // Within the boot script, or before it.
        std::thread::sleep(std::time::Duration::from_millis(delay));
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(signal.as_raw()));
        if signal != Signal::KILL {
            // What an earlier one has left went when this one began.
            assert_eq!(temporary(), 0, "{command} {signal:?}");
        }
        // All of it: what still writes to the directory keeps the next one from removing it.
        wait_until("the trial has ended", || processes(&node).is_empty());
    }
}

/// What runs, or waits, for a trial under the name of a node: launcher, scripts, virtual machine.
fn processes(node: &str) -> Vec<Utf8PathBuf> {
    let entries = Utf8Path::new("/proc").read_dir_utf8().unwrap().flatten();
    let variable = format!("RELEASE_NODE={node}");
    let is_one = |process: &Utf8Path| {
        let environment = std::fs::read(process.join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes())
    };
    entries.map(|entry| entry.path().to_owned()).filter(|process| is_one(process)).collect()
}

/// Whether one of these processes is a virtual machine.
fn is_virtual_machine(process: &Utf8PathBuf) -> bool {
    let arguments = std::fs::read(process.join("cmdline")).unwrap_or_default();
    arguments.split(|byte| *byte == 0).next().is_some_and(|program| program.ends_with(b"beam.smp"))
}

#[test]
fn the_time_of_a_start_is_explained() {
    let project = Project::new();
    // An application with a slow start, and one that prints without an end of line.
    let slow = DEMO.replace("Demo.Used.run()\n", "IO.write(\"no end\")\n    Process.sleep(1500)\n");
    write(&project.path.join("lib/demo.ex"), &slow);
    project.build();
    let picture = project.sandbox.join("start.svg");
    let mut command = project.sandbox.beamship(&project.path, &["explain-boot", "--json"]);
    let outcome = succeed(command.args(["--svg", picture.as_str()]).env("RELEASE_MODE", "embedded"));
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((&report["release"], &report["mode"]), (&"demo".into(), &"embedded".into()));
    let steps = report["steps"].as_array().unwrap();
    let duration = |step: &serde_json::Value| step["duration_us"].as_u64().unwrap();
    let total = report["total_us"].as_u64().unwrap();
    let sum: u64 = steps.iter().map(duration).sum();
    assert!(sum.abs_diff(total) <= steps.len() as u64, "{report}");
    let started: Vec<&serde_json::Value> = steps.iter().filter(|step| step["step"] == "start").collect();
    let names: Vec<&str> = started.iter().map(|step| step["application"].as_str().unwrap()).collect();
    assert_eq!(names[..2], ["kernel", "stdlib"]);
    let slowest = started.iter().max_by_key(|step| duration(step)).unwrap();
    assert_eq!(slowest["application"], "demo", "{report}");
    // The line before it may have been read late.
    assert!(duration(slowest) >= 1_400_000, "{report}");
    let modules = |name: &str| {
        let of = |step: &&serde_json::Value| step["step"] == "load" && step["application"] == name;
        steps.iter().filter(of).map(|step| step["modules"].as_u64().unwrap()).sum::<u64>()
    };
    assert!(modules("elixir") > 200, "{report}");
    assert_eq!(modules("demo"), 5, "{report}");
    let svg = std::fs::read_to_string(&picture).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains(">start demo</text>"), "{svg}");

    // The script of a fast start has a single step for what it loads.
    write(&project.path.join("rel/boot.profile"), "Elixir.Demo\nElixir.Demo.Used\n");
    project.build();
    let outcome = succeed(&mut project.sandbox.beamship(&project.path, &["explain-boot", "--json"]));
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(report["mode"], "fast");
    let is_load = |step: &&serde_json::Value| step["step"] == "load";
    let loads: Vec<_> = report["steps"].as_array().unwrap().iter().filter(is_load).collect();
    assert_eq!(loads.len(), 1, "{report}");
    assert_eq!(loads[0]["modules"], 30, "{report}");

    let outcome = succeed(&mut project.sandbox.beamship(&project.path, &["explain-boot"]));
    assert!(outcome.stdout.starts_with("step "), "{}", outcome.stdout);
    assert!(outcome.stdout.lines().last().unwrap().starts_with("total "), "{}", outcome.stdout);

    write(&project.path.join("lib/demo.ex"), &DEMO.replace("Demo.Used.run()\n", "raise \"no database\"\n"));
    project.build();
    let message = fail(&mut project.sandbox.beamship(&project.path, &["explain-boot"]));
    assert!(message.contains("no database"), "{message}");
    assert!(message.contains("did not get ready: it has ended\nhint: it needs the environment"), "{message}");

    // What a system prints does not get into a mark.
    let chatter = "for _ <- 1..4, do: spawn(fn -> Enum.each(Stream.cycle([\".\"]), &IO.write/1) end)\n";
    write(&project.path.join("lib/demo.ex"), &DEMO.replace("Demo.Used.run()\n", chatter));
    project.build();
    succeed(&mut project.sandbox.beamship(&project.path, &["explain-boot", "--wait", "20"]));

    // A system that never stops printing is late as well, one that has hardly begun prints nothing; neither is left behind.
    let noted = project.sandbox.join("noted");
    let endless = format!(
        "File.write!({noted:?}, System.pid())\n    \
         for i <- Stream.iterate(1, &(&1 + 1)), do: (IO.puts(i); Process.sleep(10))\n"
    );
    write(&project.path.join("lib/demo.ex"), &DEMO.replace("Demo.Used.run()\n", &endless));
    project.build();
    for wait in ["3", "0"] {
        let message = fail(&mut project.sandbox.beamship(&project.path, &["explain-boot", "--wait", wait]));
        assert!(message.starts_with("error: the trial start did not get ready: "), "{message}");
    }
    let system = Utf8PathBuf::from(format!("/proc/{}", std::fs::read_to_string(&noted).unwrap()));
    wait_until("the trial start has ended", || !system.exists());
}
