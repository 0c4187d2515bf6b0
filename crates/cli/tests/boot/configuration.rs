//! Runtime configuration of a fast start: compiled, and the same as evaluated.

use crate::Project;
use crate::files::write;
use crate::sandbox::{run, succeed};

const RUNTIME: &str = r##"
import Config
require Logger

name = System.get_env("DEMO_NAME", "nobody")
unused = 1

if config_env() == :prod do
  odd = for number <- 1..3, rem(number, 2) == 1, do: number
  config :demo, Demo.Used, name: "#{name}, é", target: config_target(), odd: odd
  config :demo, :nested, a: [c: 2], function: &String.upcase/1
end

config :demo, [{:key, :value}, {~w(list of words), 1} |> elem(1) |> then(&{:piped, &1})]
config :logger, level: :warning
"##;

/// What the system was configured with, and whether the compiled file was used.
const STATE: &str = "IO.inspect({:erlang.module_loaded(Beamship.RuntimeConfig), Application.get_env(:logger, :level), \
     Enum.sort(Application.get_all_env(:demo))}, limit: :infinity, width: 10_000)";

impl Project {
    fn configured(runtime: &str) -> Self {
        let project = Self::new();
        write(&project.path.join("config/config.exs"), "import Config\nconfig :demo, :nested, a: [b: 1]\n");
        write(&project.path.join("config/runtime.exs"), runtime);
        project.build();
        project
    }

    /// What [`STATE`] says of a system that is started in a mode, and stopped.
    fn state(&self, mode: &str) -> String {
        let system = self.start(Some(mode), &self.sandbox.join("log"));
        succeed(&mut self.command(&["ready", "--wait", "30"]));
        let state = self.rpc(STATE);
        // Without that the next one's `rpc` may find this one, which outlives its launcher for a moment.
        succeed(&mut self.command(&["stop", "--wait"]));
        drop(system);
        state
    }
}

#[test]
fn the_compiled_configuration_is_the_evaluated_one() {
    let project = Project::configured(RUNTIME);
    let evaluated = project.state("embedded");
    let expected = "{false, :warning, [{Demo.Used, [name: \"nobody, é\", target: :host, odd: [1, 3]]}, {:key, :value}, \
         {:nested, [a: [b: 1, c: 2], function: &String.upcase/1]}, {:piped, 1}]}\n";
    assert_eq!(evaluated, expected);
    assert_eq!(project.state("fast"), evaluated.replacen("{false, ", "{true, ", 1));

    // One that was changed after the build is what counts.
    let file = project.release().join("releases/0.1.0/runtime.exs");
    let changed = RUNTIME.replace(":value", ":changed");
    std::fs::write(&file, changed).unwrap();
    assert_eq!(project.state("fast"), evaluated.replace(":value", ":changed"));
}

#[test]
fn a_file_that_looks_around_itself_is_evaluated() {
    let project = Project::configured("import Config\nconfig :demo, :directory, Path.basename(__DIR__)\n");
    let evaluated = project.state("embedded");
    assert!(evaluated.contains("directory: \"0.1.0\""), "{evaluated}");
    assert_eq!(project.state("fast"), evaluated);
}

/// Compiled within another module, it was called `Beamship.RuntimeConfig.Helper`, and nobody else found it.
#[test]
fn a_module_that_the_file_defines_has_its_own_name() {
    let project = Project::configured(
        "import Config\ndefmodule Helper do\n  def word, do: \"helped\"\nend\nconfig :demo, word: Helper.word(), by: Helper\n",
    );
    let evaluated = project.state("embedded");
    assert!(evaluated.contains("by: Helper") && evaluated.contains("word: \"helped\""), "{evaluated}");
    assert_eq!(project.state("fast"), evaluated);
}

#[test]
fn a_file_that_returns_its_configuration_is_read_as_ever() {
    let project = Project::configured("[demo: [returned: System.get_env(\"DEMO_NAME\", \"nobody\")]]\n");
    let evaluated = project.state("embedded");
    assert!(evaluated.contains("returned: \"nobody\""), "{evaluated}");
    assert_eq!(project.state("fast"), evaluated.replacen("{false, ", "{true, ", 1));
}

/// The runtime does not wait for what it has yet to print when it crashes: on a busy machine the end can be missing, so it
/// is started until it is there.
fn said_by_a_failed_start(project: &Project, expected: &str) -> String {
    let mut last = String::new();
    for _ in 0..10 {
        last = run(&mut project.command(&["start"])).stderr;
        if last.contains(expected) {
            break;
        }
    }
    assert!(last.contains(expected), "{expected}: {last}");
    last
}

#[test]
fn what_is_wrong_with_the_file_is_told_when_the_system_starts() {
    let project =
        Project::configured("import Config\n\nconfig :demo, :url, System.fetch_env!(\"DEMO_URL\")\n");
    let message = said_by_a_failed_start(&project, "could not fetch environment variable \"DEMO_URL\"");
    assert!(message.contains("runtime.exs:3: "), "{message}");

    // What does not compile builds, silently, and is refused as Mix's releases refuse it.
    write(&project.path.join("config/runtime.exs"), "import Config\nconfig :demo, :url, nowhere(1)\n");
    let outcome = succeed(&mut project.sandbox.beamship(&project.path, &["build", "--quiet"]));
    assert_eq!(outcome.stderr, "");
    said_by_a_failed_start(&project, "nowhere");

    // What no Elixir can read is told by the build.
    write(&project.path.join("config/runtime.exs"), "import Config\n\nconfig :demo, url: (\n");
    let outcome = succeed(&mut project.sandbox.beamship(&project.path, &["build", "--quiet"]));
    let expected = "warning: config/runtime.exs is not Elixir, so the release will not start: ";
    assert!(outcome.stderr.starts_with(expected), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("config/runtime.exs:"), "{}", outcome.stderr);
}
