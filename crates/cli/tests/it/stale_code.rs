//! Sources that have changed and do not look so, which Mix takes for compiled: what is built is what is there.

use std::fs::File;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use camino::Utf8PathBuf;

use crate::files::{in_the_next_second, write};
use crate::project;
use crate::sandbox::{Sandbox, fail, succeed};

/// A project with a source that changes.
struct Project {
    sandbox: Sandbox,
    root: Utf8PathBuf,
}

impl Project {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let root = project::demo(&sandbox, "demo");
        Self { sandbox, root }
    }

    fn file(&self, name: &str) -> Utf8PathBuf {
        self.root.join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.sandbox.beamship(&self.root, arguments)
    }

    /// Builds; gives what was said.
    fn build(&self) -> String {
        succeed(&mut self.command(&["build"])).stderr
    }

    /// Writes a file of the project as archives and `rsync --times` do: with a time from before every build.
    fn place(&self, path: &str, content: &str) {
        write(&self.file(path), content);
        set_time(&self.file(path), SystemTime::now() - Duration::from_secs(1000));
    }

    /// What the release says.
    fn says(&self) -> String {
        let mut released = self.sandbox.command(self.file("_build/prod/rel/demo/bin/demo"));
        succeed(released.args(["eval", "IO.puts(Greeter.hello())"])).stdout.trim().to_owned()
    }
}

fn set_time(path: &Utf8PathBuf, time: SystemTime) {
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn greeter(greeting: &str) -> String {
    format!("defmodule Greeter do\n  def hello, do: {greeting:?}\nend\n")
}

const GREETER: &str = "greeter/lib/greeter.ex";

/// Mix compares whole seconds: it began to compile in the one in which the file was changed afterwards.
#[test]
fn a_source_that_was_changed_in_the_second_of_the_last_build_is_compiled() {
    let project = Project::new();
    let noted = project.sandbox.join("noted");
    let source = |greeting: &str| {
        let note = format!("File.write!({noted:?}, to_string(System.os_time(:second)))");
        greeter(greeting).replace("do\n", &format!("do\n  {note}\n"))
    };
    for round in ["1", "2"] {
        write(&project.file(GREETER), &source(&format!("hello {round}")));
        project.build();
        let compiled: u64 = std::fs::read_to_string(&noted).unwrap().parse().unwrap();
        write(&project.file(GREETER), &source(&format!("adieu {round}")));
        set_time(&project.file(GREETER), UNIX_EPOCH + Duration::from_secs(compiled));
        project.build();
        assert_eq!(project.says(), format!("adieu {round}"));
    }
}

#[test]
fn a_source_that_changes_and_gets_no_newer_is_compiled() {
    let project = Project::new();
    let elixir = |greeting: &str| {
        format!("defmodule Greeter do\n  def hello, do: :polite.phrase({greeting:?})\nend\n")
    };
    let erlang = |phrase: &str| {
        format!("-module(polite).\n-export([phrase/1]).\nphrase(X) -> <<\"{phrase} \", X/binary>>.\n")
    };
    // Each of them compiles for the others.
    let builds = [
        ("hello", "dear", &["build"][..]),
        ("adieu", "dear", &["build"]),
        ("adieu", "good", &["release"]),
        ("hello", "good", &["build", "--tar"]),
        ("adieu", "dear", &["build", "--no-cache"]),
    ];
    for (greeting, phrase, arguments) in builds {
        project.place(GREETER, &elixir(greeting));
        project.place("greeter/src/polite.erl", &erlang(phrase));
        let said = succeed(&mut project.command(arguments)).stderr;
        let is_first = (greeting, phrase) == ("hello", "dear");
        assert_eq!(
            said.contains("has changed, but its timestamp is older than the last compilation"),
            !is_first,
            "{said}"
        );
        assert_eq!(project.says(), format!("{phrase} {greeting}"));
    }
}

/// A source that is replaced, compiled by somebody, and put back with its time.
#[test]
fn what_has_been_compiled_in_between_is_compiled_again() {
    let project = Project::new();
    let template = project.file("rel/vm.args.eex");
    type Compilation = (&'static str, fn(&Project));
    let compilations: [Compilation; 5] = [
        ("a build that fails after it", |project| {
            write(&project.file("rel/vm.args.eex"), "<% raise \"broken\" %>\n");
            let said = fail(&mut project.command(&["build"]));
            assert!(said.contains("broken"), "{said}");
        }),
        ("a build that keeps nothing", |project| {
            drop(succeed(&mut project.command(&["build", "--no-cache"])));
        }),
        ("a build whose cache cannot be written", |project| {
            drop(succeed(project.command(&["build"]).env("XDG_CACHE_HOME", "/proc/self/none")));
        }),
        ("a build of an image", |project| {
            drop(succeed(&mut project.command(&["image", "--output", "../image"])));
        }),
        ("Mix", |project| {
            let mut mix = project.sandbox.command("mix");
            drop(succeed(mix.arg("compile").env("MIX_ENV", "prod").current_dir(&project.root)));
        }),
    ];
    for (name, compile) in compilations {
        let before = std::fs::read_to_string(&template).unwrap_or_default();
        project.place(GREETER, &greeter("hello"));
        project.build();
        assert_eq!(project.says(), "hello", "{name}");
        in_the_next_second();
        write(&project.file(GREETER), &greeter("adieu"));
        compile(&project);
        write(&template, &before);
        project.place(GREETER, &greeter("hello"));
        let said = project.build();
        assert_eq!(project.says(), "hello", "{name}: {said}");
        let is_unknown = said
            .contains("/_build/prod` has been compiled since the last successful build, by something else");
        assert_eq!(is_unknown, name == "Mix", "{name}: {said}");
    }
}

/// The most usual failure of all. Mix compiles what has not been compiled, and nothing else has to be.
/// Mix believes its manifest: a release without the module, and "nothing has changed" afterwards.
#[test]
fn code_that_is_gone_is_compiled_again() {
    let project = Project::new();
    project.build();
    for module in ["demo/ebin/Elixir.Demo.beam", "greeter/ebin/Elixir.Greeter.beam"] {
        let code = project.file("_build/prod/lib").join(module);
        std::fs::remove_file(&code).unwrap();
        let said = project.build();
        assert!(said.contains("or has lost code"), "{said}");
        assert!(code.exists(), "{module}");
        assert_eq!(project.says(), "hello");
    }
    assert!(project.build().contains("Nothing has changed"));
}

#[test]
fn code_that_did_not_compile_is_compiled_when_it_does() {
    let project = Project::new();
    for greeting in ["hello", "adieu"] {
        in_the_next_second();
        write(&project.file(GREETER), "defmodule Greeter do\n  def hello, do: (\nend\n");
        fail(&mut project.command(&["build"]));
        in_the_next_second();
        write(&project.file(GREETER), &greeter(greeting));
        let said = project.build();
        assert!(!said.contains("compiling everything"), "{said}");
        assert_eq!(project.says(), greeting);
    }
}

/// Templates of the release are evaluated after the compilation. This one changes a source then, as somebody might who goes on
/// working, in the second of the compilation as far as Mix can see.
#[test]
fn a_source_that_changes_while_a_build_runs_is_compiled_by_the_next_one() {
    let project = Project::new();
    let greeting = "greeter/lib/greeter.ex";
    write(
        &project.file("rel/vm.args.eex"),
        &format!(
            "<% if File.exists?(\"changed\") do\n  %{{mtime: time}} = File.stat!({greeting:?})\n  File.rename!(\"changed\", {greeting:?})\n  File.touch!({greeting:?}, time)\nend %>\n"
        ),
    );
    write(&project.file("changed"), &greeter("adieu"));
    write(&project.file(GREETER), &greeter("hello"));
    project.build();
    assert_eq!(project.says(), "hello");
    project.build();
    assert_eq!(project.says(), "adieu");
}

/// What code is compiled from need not be in the project.
#[test]
fn what_changes_outside_of_the_project_is_compiled() {
    let project = Project::new();
    let source = "defmodule Greeter do\n  @external_resource \"../../word\"\n  def hello, do: Enum.join([unquote(File.read!(\"../../word\")), Linked.word(), Beside.word()], \" \")\nend\n";
    write(&project.file(GREETER), source);
    let linked = |word: &str| format!("defmodule Linked do\n  def word, do: {word:?}\nend\n");
    let beside = |word: &str| linked(word).replace("Linked", "Beside");
    let outside = |name: &str| project.sandbox.join(name);
    project.place("../word", "old");
    project.place("../linked.ex", &linked("old"));
    project.place("../beside/lib/beside.ex", &beside("old"));
    std::os::unix::fs::symlink("../../../linked.ex", project.file("greeter/lib/linked.ex")).unwrap();
    let mix_exs = std::fs::read_to_string(project.file("mix.exs")).unwrap();
    write(
        &outside("beside/mix.exs"),
        "defmodule Beside.MixProject do\n  use Mix.Project\n  def project, do: [app: :beside, version: \"1.0.0\"]\nend\n",
    );
    let dependencies = "deps: [{:beside, path: \"../beside\"}, ";
    write(&project.file("mix.exs"), &mix_exs.replace("deps: [", dependencies));
    project.build();
    assert_eq!(project.says(), "old old old");

    // Another command than the last one, which knows nothing itself of what is beside.
    project.place("../beside/lib/beside.ex", &beside("new"));
    succeed(project.command(&["release"]).env("MIX_ENV", "prod"));
    assert_eq!(project.says(), "old old new");

    let changes: [(&str, String, &str); 2] =
        [("../word", "new".to_owned(), "new old new"), ("../linked.ex", linked("new"), "new new new")];
    for (path, content, expected) in changes {
        project.place(path, &content);
        let said = project.build();
        assert!(
            said.contains("has changed, but its timestamp is older than the last compilation"),
            "{path}: {said}"
        );
        assert_eq!(project.says(), expected, "{said}");
    }

    // The first build that knows of it fails later.
    project.place("../word", "newer");
    write(&project.file("rel/vm.args.eex"), "<% raise \"broken\" %>\n");
    fail(&mut project.command(&["build", "--force"]));
    write(&project.file("rel/vm.args.eex"), "");
    project.place("../word", "other");
    project.build();
    assert_eq!(project.says(), "other new new");
}

/// Directories that `mix.exs` names as those of its sources. They did not count: "nothing has changed".
#[test]
fn sources_in_directories_elsewhere_are_compiled() {
    let project = Project::new();
    let paths = |file: &str, own: &str| {
        let path = project.file(file);
        let elsewhere = format!(
            "elixirc_paths: [\"lib\", Path.expand(\"{own}../elsewhere\", __DIR__)], erlc_paths: [\"{own}../erlang\"], \
             erlc_include_path: \"{own}../include\", "
        );
        let text = std::fs::read_to_string(&path).unwrap();
        write(&path, &text.replace("app: :", &format!("{elsewhere}app: :")));
    };
    paths("greeter/mix.exs", "../");
    let greeter =
        |word: &str| format!("defmodule Greeter do\n  def hello, do: {word:?} <> :polite.phrase()\nend\n");
    let erlang = "-module(polite).\n-export([phrase/0]).\n-include(\"words.hrl\").\nphrase() -> ?WORD.\n";
    let header = |word: &str| format!("-define(WORD, <<\"{word}\">>).\n");
    std::fs::remove_file(project.file(GREETER)).unwrap();
    project.place("../elsewhere/greeter.ex", &greeter("old"));
    project.place("../erlang/polite.erl", erlang);
    project.place("../include/words.hrl", &header(" old"));
    project.build();
    assert_eq!(project.says(), "old old");

    // As an editor saves them, and as archives bring them.
    in_the_next_second();
    write(&project.file("../elsewhere/greeter.ex"), &greeter("new"));
    let said = project.build();
    assert!(!said.contains("compiling everything"), "{said}");
    assert_eq!(project.says(), "new old");
    project.place("../include/words.hrl", &header(" new"));
    project.build();
    assert_eq!(project.says(), "new new");
    project.place("../elsewhere/greeter.ex", &greeter("newer"));
    succeed(&mut project.command(&["release"]));
    assert_eq!(project.says(), "newer new");
    project.build();
    assert!(project.build().contains("Nothing has changed"));
}

/// What generators and `make` compare are times. They are left alone.
#[test]
fn what_is_generated_of_a_source_is_generated_again() {
    let project = Project::new();
    let grammar = |word: &str| {
        format!("Nonterminals word. Terminals atom. Rootsymbol word. word -> atom : <<\"{word}\">>.\n")
    };
    write(
        &project.file(GREETER),
        "defmodule Greeter do\n  def hello, do: elem(:grammar.parse([{:atom, 1, :a}]), 1)\nend\n",
    );
    for word in ["one", "two", "three"] {
        in_the_next_second();
        write(&project.file("greeter/src/grammar.yrl"), &grammar(word));
        let said = project.build();
        assert!(!said.contains("compiling everything"), "{said}");
        assert_eq!(project.says(), word);
    }
}

/// Wherever the build directory is, what is in it is not what is compiled.
#[test]
fn a_build_directory_elsewhere_is_no_source() {
    for by_link in [false, true] {
        let project = Project::new();
        if by_link {
            std::fs::create_dir(project.sandbox.join("built")).unwrap();
            std::os::unix::fs::symlink("../built", project.file("_build")).unwrap();
        } else {
            let mix_exs = std::fs::read_to_string(project.file("mix.exs")).unwrap();
            write(
                &project.file("mix.exs"),
                &mix_exs.replace("app: :demo,", "app: :demo, build_path: \"built\","),
            );
        }
        let release = if by_link { "_build/prod/rel/demo" } else { "built/prod/rel/demo" };
        for word in ["one", "two", "three", "four"] {
            in_the_next_second();
            write(&project.file(GREETER), &greeter(word));
            let said = succeed(&mut project.command(&["build", "--no-cache"])).stderr;
            assert!(!said.contains("compiling everything"), "{said}");
            let mut released = project.sandbox.command(project.file(release).join("bin/demo"));
            assert_eq!(succeed(released.args(["eval", "IO.puts(Greeter.hello())"])).stdout.trim(), word);
        }
    }
}

/// The first build of a project that Mix has compiled.
#[test]
fn nothing_is_believed_of_code_that_somebody_else_has_compiled() {
    let project = Project::new();
    project.place(GREETER, &greeter("adieu"));
    let mut mix = project.sandbox.command("mix");
    succeed(mix.arg("compile").env("MIX_ENV", "prod").current_dir(&project.root));
    project.place(GREETER, &greeter("hello"));
    // Without a look at dependencies nothing of theirs is removed.
    let arguments = ["build", "--no-deps-check"];
    let said = succeed(&mut project.command(&arguments)).stderr;
    assert!(said.contains("compiling everything, because there is no record of which sources"), "{said}");
    assert_eq!(project.says(), "adieu");
    let said = project.build();
    assert!(said.contains("compiling everything, because"), "{said}");
    assert_eq!(project.says(), "hello");
}

/// `--force` compiled the project only, as Mix does: what its path dependencies read of the environment stayed as it was.
#[test]
fn a_forced_build_compiles_path_dependencies() {
    let project = Project::new();
    let reads = greeter("word").replace("\"word\"", "unquote(System.get_env(\"WORD\"))");
    write(&project.file(GREETER), &reads);
    for (word, arguments, expected) in [
        ("one", &["build"][..], "one"),
        ("two", &["release"], "one"),
        ("two", &["build", "--force"], "two"),
        ("three", &["release", "--force", "--no-compile"], "two"),
    ] {
        let said = succeed(project.command(arguments).env("MIX_ENV", "prod").env("WORD", word)).stderr;
        assert_eq!(project.says(), expected, "{arguments:?}: {said}");
        assert!(!said.contains("warning:"), "{said}");
    }
}
