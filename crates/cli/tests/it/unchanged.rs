//! A build that has nothing to do does nothing; one that has, does only that.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};

use crate::differences::files;
use crate::files::{in_the_next_second, wait_for, write};
use crate::project;
use crate::sandbox::{Outcome, Sandbox, succeed};

/// A project whose builds are watched: every start of Elixir leaves a line.
struct Project {
    sandbox: Sandbox,
    root: Utf8PathBuf,
    starts: Utf8PathBuf,
    path: String,
}

impl Project {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let root = project::demo(&sandbox, "demo");
        let starts = sandbox.join("starts");
        let path = std::env::var("PATH").unwrap();
        let elixir =
            std::env::split_paths(&path).map(|directory| directory.join("elixir")).find(|path| path.exists());
        let program = sandbox.join("commands/elixir");
        write(&program, &format!("#!/bin/sh\necho >>{starts}\nexec {} \"$@\"\n", elixir.unwrap().display()));
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{path}", sandbox.join("commands"));
        Self { sandbox, root, starts, path }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.beamship(&self.root, arguments);
        command.env("PATH", &self.path);
        command
    }

    fn starts(&self) -> usize {
        std::fs::read_to_string(&self.starts).unwrap_or_default().lines().count()
    }

    /// Whether the build, which succeeds, has started Elixir.
    fn builds(&self, command: &mut Command) -> (bool, Outcome) {
        let before = self.starts();
        let outcome = succeed(command);
        (self.starts() > before, outcome)
    }

    fn has_to_build(&self, why: &str) {
        let (has_built, outcome) = self.builds(&mut self.command(&["build", "--verbose"]));
        assert!(has_built, "{why}: {}", outcome.stderr);
        let said =
            outcome.stderr.lines().any(|line| line.starts_with("  building, because") && line.contains(why));
        assert!(said, "{why}: {}", outcome.stderr);
    }

    fn has_nothing_to_do(&self) {
        let (has_built, outcome) = self.builds(&mut self.command(&["build", "--verbose"]));
        assert!(!has_built, "{}", outcome.stderr);
        assert!(
            outcome.stderr.contains("Nothing has changed since demo-0.1.0 was built"),
            "{}",
            outcome.stderr
        );
    }

    fn file(&self, name: &str) -> Utf8PathBuf {
        self.root.join(name)
    }

    fn released(&self, name: &str) -> Utf8PathBuf {
        self.root.join("_build/prod/rel/demo").join(name)
    }

    fn append(&self, name: &str, text: &str) {
        let before = std::fs::read_to_string(self.file(name)).unwrap_or_default();
        write(&self.file(name), &format!("{before}{text}"));
    }
}

#[test]
fn nothing_changed_starts_nothing() {
    let project = Project::new();
    let first: serde_json::Value =
        serde_json::from_str(&succeed(&mut project.command(&["build", "--json"])).stdout).unwrap();
    assert_eq!(first["written"], true);
    project.has_nothing_to_do();
    let (has_built, outcome) = project.builds(&mut project.command(&["build", "--json", "--quiet"]));
    assert!(!has_built);
    assert_eq!(outcome.stderr, "");
    let second: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(second["written"], false);
    for field in ["name", "version", "path", "files", "applications", "boot_lists"] {
        assert_eq!(second[field], first[field], "{field}");
    }
    // What says nothing, and what was only touched.
    let mut command = project.command(&["build"]);
    assert!(!project.builds(command.env("EDITOR", "ed").env("DEMO_RUNTIME", "other")).0);
    for touched in ["lib/demo.ex", "priv/hello", "rel/overlays/etc/demo.conf"] {
        project.append(touched, "");
    }
    project.has_nothing_to_do();
    // Other arguments are another build, and whoever insists gets one.
    for arguments in [
        &["build", "--version", "0.2.0", "--path", "elsewhere"][..],
        &["build", "--force"],
        &["build", "--no-cache"],
    ] {
        assert!(project.builds(&mut project.command(arguments)).0, "{arguments:?}");
    }
}

#[test]
fn whatever_a_build_reads_makes_it_run() {
    let project = Project::new();
    write(&project.sandbox.join("outside/resource"), "1");
    write(&project.sandbox.join("outside/declared"), "1");
    write(
        &project.file("lib/resource.ex"),
        "defmodule Demo.Resource do\n  @external_resource \"../outside/resource\"\n  def text, do: unquote(File.read!(\"../outside/resource\"))\nend\n",
    );
    project.append("config/config.exs", "config :demo, theme: System.get_env(\"DEMO_THEME\")\n");
    let mix_exs = std::fs::read_to_string(project.file("mix.exs")).unwrap();
    let declared = "demo: [build_inputs: [variables: [\"DEMO_DECLARED\"], files: [\"../outside/declared\"]]]";
    write(&project.file("mix.exs"), &mix_exs.replace("demo: []", declared));
    // The first one could not know that it would read files elsewhere, and they have been written just now.
    for _ in 0..2 {
        succeed(&mut project.command(&["build"]));
    }
    project.has_nothing_to_do();

    let changes: [(&str, &dyn Fn()); 9] = [
        ("lib/demo.ex` has changed", &|| project.append("lib/demo.ex", "# changed\n")),
        ("config/runtime.exs` has changed", &|| project.append("config/runtime.exs", "# changed\n")),
        ("greeter/lib/greeter.ex` has changed", &|| project.append("greeter/lib/greeter.ex", "# changed\n")),
        ("priv/new` is new", &|| project.append("priv/new", "")),
        ("rel/overlays/etc/demo.conf` is no longer there", &|| {
            std::fs::remove_file(project.file("rel/overlays/etc/demo.conf")).unwrap();
        }),
        ("outside/resource` has changed", &|| write(&project.sandbox.join("outside/resource"), "2")),
        ("outside/declared` has changed", &|| write(&project.sandbox.join("outside/declared"), "2")),
        ("releases/0.1.0/sys.config`, which the last build made", &|| {
            write(&project.released("releases/0.1.0/sys.config"), "[].");
        }),
        ("Elixir.Greeter.beam`, which the last build made", &|| {
            std::fs::remove_file(project.released("lib/greeter-1.0.0/ebin/Elixir.Greeter.beam")).unwrap();
        }),
    ];
    for (why, change) in changes {
        change();
        project.has_to_build(why);
        project.has_nothing_to_do();
    }
    for name in ["DEMO_THEME", "DEMO_DECLARED", "MIX_TARGET"] {
        assert!(project.builds(project.command(&["build"]).env(name, "x")).0, "{name}");
    }
    // The release is the one that a build from nothing makes.
    succeed(&mut project.command(&["build"]));
    succeed(&mut project.command(&["build", "--no-cache", "--path", "../anew"]));
    let (kept, anew) = (files(&project.released("")), files(&project.sandbox.join("anew")));
    assert_eq!(kept.keys().collect::<Vec<_>>(), anew.keys().collect::<Vec<_>>());
    for (path, file) in kept.iter().filter(|(path, file)| file.is_file() && *path != "releases/COOKIE") {
        assert!(std::fs::read(file).unwrap() == std::fs::read(&anew[path]).unwrap(), "{path}");
    }
}

/// Mix touches a file in the build directory when it compiles what was fetched, and counts it among those of the configuration: a
/// second build ran for nothing.
#[test]
fn what_mix_touches_itself_makes_no_second_build() {
    let project = Project::new();
    let repository = project.sandbox.join("fetched");
    let git = |arguments: &[&str]| {
        let mut command = project.sandbox.command("git");
        command.args(["-c", "user.name=me", "-c", "user.email=me@localhost"]).args(arguments);
        succeed(command.current_dir(&repository));
    };
    write(
        &repository.join("mix.exs"),
        "defmodule Fetched.MixProject do\n  use Mix.Project\n  def project, do: [app: :fetched, version: \"1.0.0\"]\nend\n",
    );
    write(&repository.join("lib/fetched.ex"), "defmodule Fetched do\nend\n");
    git(&["init", "-q", "."]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "first"]);
    let mix_exs = std::fs::read_to_string(project.file("mix.exs")).unwrap();
    let dependencies = format!("deps: [{{:fetched, git: \"file://{repository}\"}}, ");
    write(&project.file("mix.exs"), &mix_exs.replace("deps: [", &dependencies));
    succeed(&mut project.command(&["build"]));
    std::fs::remove_dir_all(project.file("_build")).unwrap();
    succeed(&mut project.command(&["build"]));
    project.has_nothing_to_do();
}

/// The version comes from a commit, and the project is one directory of its repository: "nothing has changed" after another one.
#[test]
fn a_commit_counts_wherever_the_repository_is() {
    let project = Project::new();
    let git = |directory: &Utf8Path, arguments: &[&str]| {
        let mut command = project.sandbox.command("git");
        command.args(["-c", "user.name=me", "-c", "user.email=me@localhost"]).args(arguments);
        succeed(command.current_dir(directory)).stdout.trim().to_owned()
    };
    let (above, elsewhere) = (project.sandbox.join(""), project.sandbox.join("elsewhere"));
    let mix_exs = std::fs::read_to_string(project.file("mix.exs")).unwrap();
    let version = "version: String.trim(elem(System.cmd(\"git\", [\"describe\", \"--tags\"]), 0)),";
    write(&project.file("mix.exs"), &mix_exs.replace("version: \"0.1.0\",", version));
    git(&above, &["init", "-q", "."]);
    git(&above, &["add", "demo"]);
    git(&above, &["commit", "-q", "-m", "first"]);
    git(&above, &["tag", "1.0.0"]);
    git(&above, &["worktree", "add", "-q", "--detach", elsewhere.as_str()]);
    let built = |root: &Utf8Path| {
        let outcome = succeed(&mut project.sandbox.beamship(root, &["build", "--json"]));
        serde_json::from_str::<serde_json::Value>(&outcome.stdout).unwrap()["version"].clone()
    };
    for (root, repository) in [(project.root.clone(), &above), (elsewhere.join("demo"), &elsewhere)] {
        let next = format!("2.0.{}", repository.as_str().len());
        assert_eq!(built(&root), "1.0.0");
        git(repository, &["commit", "-q", "--allow-empty", "-m", "next"]);
        git(repository, &["tag", &next]);
        assert_eq!(built(&root), next.as_str());
    }
}

/// A version that several projects share, and what the configuration, or a dependency, looks up elsewhere: "nothing has changed".
#[test]
fn files_that_mix_exs_and_the_configuration_read_elsewhere_count() {
    let project = Project::new();
    for name in ["VERSION", "theme", "greeting"] {
        write(&project.sandbox.join(name), "1.0.0");
    }
    let change = |file: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(project.file(file)).unwrap();
        assert!(text.contains(from));
        write(&project.file(file), &text.replace(from, to));
    };
    change("mix.exs", "version: \"0.1.0\"", "version: File.read!(\"../VERSION\")");
    change("greeter/mix.exs", "version: \"1.0.0\"", "version: File.read!(\"../../greeting\")");
    project.append("config/config.exs", "config :demo, theme: Enum.to_list(File.stream!(\"../theme\"))\n");
    // They have been written just now, and the first build did not know that it would read them.
    for _ in 0..2 {
        succeed(&mut project.command(&["build"]));
    }
    let builds = |version: &str| {
        let (has_built, outcome) = project.builds(&mut project.command(&["build", "--json"]));
        let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(report["version"], version);
        has_built
    };
    assert!(!builds("1.0.0"));
    for name in ["theme", "greeting"] {
        write(&project.sandbox.join(name), "2.0.0");
        assert!(builds("1.0.0"), "{name}");
        assert!(!builds("1.0.0"), "{name}");
    }
    write(&project.sandbox.join("VERSION"), "3.0.0");
    assert!(builds("3.0.0"));
    assert!(!builds("3.0.0"));
}

/// A file that a build looked for, and did not find, was there for the next one: "nothing has changed". So it was when a directory
/// that it had listed had other names.
#[test]
fn a_file_that_was_not_there_counts() {
    let project = Project::new();
    let questions = [
        ("match?({:ok, _}, File.read(\"../extra\"))", "extra"),
        ("match?({:ok, _}, File.read(Path.join(__DIR__, \"../../beside\")))", "beside"),
        ("File.exists?(\"../maybe\")", "maybe"),
        ("File.dir?(\"../directory\")", "directory/file"),
        ("Path.wildcard(\"../listed/*.txt\") != []", "listed/a.txt"),
        ("match?({:ok, [_ | _]}, File.ls(\"../names\"))", "names/a"),
    ];
    std::fs::create_dir(project.sandbox.join("names")).unwrap();
    for (number, (question, _)) in questions.iter().enumerate() {
        project.append("config/config.exs", &format!("config :demo, question{number}: {question}\n"));
    }
    succeed(&mut project.command(&["build"]));
    project.has_nothing_to_do();
    for (number, (question, file)) in questions.iter().enumerate() {
        let answer = || {
            let configuration =
                std::fs::read_to_string(project.released("releases/0.1.0/sys.config")).unwrap();
            configuration.contains(&format!("{{question{number},true}}"))
        };
        assert!(!answer(), "{question}");
        let path = project.sandbox.join(file);
        write(&path, "");
        project.has_to_build(file.split('/').next().unwrap());
        assert!(answer(), "{question}");
        project.has_nothing_to_do();
        std::fs::remove_file(&path).unwrap();
        let _ = std::fs::remove_dir(path.parent().unwrap());
        project.has_to_build(file.split('/').next().unwrap());
        assert!(!answer(), "{question}");
        project.has_nothing_to_do();
    }
}

#[test]
fn whoever_reads_the_whole_environment_depends_on_it() {
    let project = Project::new();
    // Hex does this in every project, and takes what is its own.
    let hex = "defmodule Hex.State do\n  def load, do: {System.get_env()[\"HEX_HOME\"], 1}\nend\n{nil, 1} = Hex.State.load()\n";
    project.append("config/config.exs", hex);
    succeed(&mut project.command(&["build"]));
    assert!(!project.builds(project.command(&["build"]).env("EDITOR", "ed")).0);
    for all in ["System.get_env()", ":os.getenv()", ":os.env()"] {
        write(
            &project.file("config/config.exs"),
            &format!("import Config\nconfig :demo, static: 1, all: length(Enum.to_list({all}))\n"),
        );
        succeed(&mut project.command(&["build"]));
        project.has_nothing_to_do();
        let (has_built, _) = project.builds(project.command(&["build"]).env("EDITOR", "ed"));
        assert!(has_built, "{all}");
    }
}

#[test]
fn warnings_are_said_again() {
    let project = Project::new();
    let mix_exs = std::fs::read_to_string(project.file("mix.exs")).unwrap();
    write(
        &project.file("mix.exs"),
        &mix_exs.replace("app: :demo,", "app: :demo, aliases: [release: [\"release\"]],"),
    );
    let first = succeed(&mut project.command(&["build", "--quiet"])).stderr;
    assert!(first.contains("alias `release`"), "{first}");
    let (has_built, outcome) = project.builds(&mut project.command(&["build", "--quiet"]));
    assert!(!has_built);
    assert_eq!(outcome.stderr, first);
}

/// What Mix says of its progress was said again as well.
#[test]
fn only_warnings_of_the_compiler_are_said_again() {
    let project = Project::new();
    write(&project.file("lib/warned.ex"), "defmodule Warned do\n  def a(unused), do: 1\nend\n");
    let first = succeed(&mut project.command(&["build", "--quiet"])).stderr;
    assert!(first.contains("Compiling ") && first.contains("Generated "), "{first}");
    let (has_built, outcome) = project.builds(&mut project.command(&["build", "--quiet"]));
    assert!(!has_built);
    let warning = &first[first.find("warning: ").or_else(|| first.find("    warning: ")).unwrap()..];
    let (warning, _) = warning.split_once("Generated ").unwrap();
    let again = outcome.stderr.trim_end();
    assert!(again.ends_with(warning.trim_end()), "{again}");
    // Which application it is about, but not those that nothing is said of.
    let others = again.lines().filter(|line| !line.is_empty() && !warning.contains(line.trim_start()));
    assert!(others.eq(["==> demo"]), "{again}");
}

#[test]
fn builds_with_steps_of_their_own_always_run() {
    let project = Project::new();
    let mix_exs = std::fs::read_to_string(project.file("mix.exs")).unwrap();
    write(&project.file("mix.exs"), &mix_exs.replace("demo: []", "demo: [steps: [:assemble, & &1]]"));
    for _ in 0..2 {
        assert!(project.builds(&mut project.command(&["build"])).0);
    }
}

#[test]
fn a_damaged_or_unwritable_cache_only_costs_time() {
    let project = Project::new();
    succeed(&mut project.command(&["build"]));
    let builds = project.sandbox.join("cache/beamship/builds");
    let record = std::fs::read_dir(&builds).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::metadata(&record).unwrap().permissions().mode() & 0o777, 0o600);
    let whole = std::fs::read(&record).unwrap();
    for damaged in [&whole[..whole.len() / 2], b"", b"{}"] {
        std::fs::write(&record, damaged).unwrap();
        assert!(project.builds(&mut project.command(&["build"])).0);
        project.has_nothing_to_do();
    }
    // What is no directory cannot be written to, not even by root.
    std::fs::remove_dir_all(&builds).unwrap();
    std::fs::write(&builds, "").unwrap();
    for _ in 0..2 {
        let (has_built, outcome) = project.builds(&mut project.command(&["build", "--quiet"]));
        assert!(has_built);
        assert_eq!(outcome.stderr, "");
    }
}

#[test]
fn only_code_that_has_changed_is_written_again() {
    let project = Project::new();
    succeed(&mut project.command(&["build"]));
    let changed = project.released("lib/demo-0.1.0/ebin/Elixir.Demo.beam");
    let greeter = project.released("lib/greeter-1.0.0/ebin/Elixir.Greeter.beam");
    let file = |path: &Utf8PathBuf| (std::fs::metadata(path).unwrap().ino(), std::fs::read(path).unwrap());
    let launcher = project.released("bin/demo");
    let before = (file(&changed), file(&greeter), file(&launcher));
    let source = std::fs::read_to_string(project.file("lib/demo.ex")).unwrap();
    in_the_next_second();
    write(
        &project.file("lib/demo.ex"),
        &source.replace("def static, do", "def another, do: 1\n  def static, do"),
    );
    let umask = Command::new("sh")
        .args(["-c", "umask 077; exec \"$0\" build --quiet"])
        .arg(env!("CARGO_BIN_EXE_beamship"))
        .env_clear()
        .envs(project.command(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(&project.root)
        .status()
        .unwrap();
    assert!(umask.success());
    assert_ne!(file(&changed).1, before.0.1);
    assert_eq!(file(&greeter), before.1);
    assert!(file(&launcher) == before.2);
    assert_eq!(std::fs::metadata(&greeter).unwrap().mode() & 0o777, 0o644);

    // Damaged where it stands, with the size and the time that it had: made anew.
    let modified = std::fs::metadata(&greeter).unwrap().modified().unwrap();
    let mut damaged = before.1.1.clone();
    *damaged.last_mut().unwrap() ^= 0xff;
    std::fs::write(&greeter, &damaged).unwrap();
    std::fs::File::options().write(true).open(&greeter).unwrap().set_modified(modified).unwrap();
    project.has_to_build("Elixir.Greeter.beam`, which the last build made");
    assert_eq!(file(&greeter).1, before.1.1);
}

#[test]
fn a_release_of_what_has_not_changed_is_not_written_again() {
    let project = Project::new();
    let greeter = project.released("lib/greeter-1.0.0/ebin/Elixir.Greeter.beam");
    let number = || std::fs::metadata(&greeter).unwrap().ino();
    let mut numbers = Vec::new();
    for arguments in [&["release"][..], &["release"], &["release", "--no-cache"], &["release"]] {
        succeed(&mut project.command(arguments));
        numbers.push(number());
    }
    assert_eq!(numbers[0], numbers[1]);
    assert_ne!(numbers[1], numbers[2]);
    // What stands there is not what the record knows.
    assert_ne!(numbers[2], numbers[3]);
}

#[test]
fn two_builds_at_once_make_one_whole_release() {
    let project = Project::new();
    succeed(&mut project.command(&["build"]));
    project.append("lib/demo.ex", "# changed\n");
    let builds = [0; 2].map(|_| project.command(&["build"]).stderr(Stdio::piped()).spawn().unwrap());
    let said = builds.map(|build| {
        let output = build.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        said
    });
    // The second one waits for the first, and finds its work done.
    let idle = said.iter().filter(|said| said.contains("Nothing has changed since"));
    assert_eq!(idle.count(), 1, "{said:?}");
    let report = succeed(
        project.sandbox.command(project.released("bin/demo")).args(["eval", "IO.puts(Greeter.hello())"]),
    );
    assert_eq!(report.stdout, "hello\n");
    project.has_nothing_to_do();
}

#[test]
fn a_build_waits_for_whoever_builds_the_project() {
    let project = Project::new();
    let other = std::fs::File::open(&project.root).unwrap();
    other.lock().unwrap();
    let log = project.sandbox.join("log");
    let mut build = project.command(&["build"]).stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap();
    wait_for(&log, |text| text == "  waiting for another build of this project to end\n");
    assert!(build.try_wait().unwrap().is_none());
    drop(other);
    assert!(build.wait().unwrap().success());
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(said.contains("The release demo-0.1.0 is in "), "{said}");
}

#[test]
fn a_build_after_a_killed_one_ships_what_is_there_now() {
    let project = Project::new();
    let source = std::fs::read_to_string(project.file("greeter/lib/greeter.ex")).unwrap();
    succeed(&mut project.command(&["build", "--quiet"]));
    for round in 1..=5 {
        let greeting = format!("hello {round}");
        write(
            &project.file("greeter/lib/greeter.ex"),
            &source.replace("\"hello\"", &format!("{greeting:?}")),
        );
        let mut killed = project.command(&["build", "--quiet"]).spawn().unwrap();
        // At another moment each time, up to the end of the build.
        let deadline = std::time::Instant::now() + std::time::Duration::from_millis(300 * round);
        while std::time::Instant::now() < deadline && killed.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let _ = killed.kill();
        killed.wait().unwrap();
        succeed(&mut project.command(&["build", "--quiet"]));
        let mut released = project.sandbox.command(project.released("bin/demo"));
        let said = succeed(released.args(["eval", "IO.puts(Greeter.hello())"])).stdout;
        assert_eq!(said, format!("{greeting}\n"));
    }
}
