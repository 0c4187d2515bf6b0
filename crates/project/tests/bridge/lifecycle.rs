//! Beginning and end of the virtual machine, and what stays behind: nothing.

use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use camino::Utf8Path;
use project::{Bridge, BridgeOptions, CompileOptions, ReleaseRequest};

use crate::fixture::{Project, explain};

/// Whether the process still runs.
fn runs(process: u32) -> bool {
    Command::new("kill").args(["-0", &process.to_string()]).stderr(Stdio::null()).status().unwrap().success()
}

#[track_caller]
fn assert_ends(process: u32) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while runs(process) {
        assert!(Instant::now() < deadline, "the virtual machine {process} is still there");
        std::thread::yield_now();
    }
}

#[test]
fn stopping_ends_the_virtual_machine_in_good_order() {
    let keys =
        "aliases: [\"assets.deploy\": [fn _ -> System.at_exit(fn code -> IO.puts(\"bye #{code}\") end) end]]";
    let project = Project::plain(keys);
    let mut bridge = project.start().unwrap();
    bridge.deploy_assets().unwrap();
    let process = bridge.process_id();
    let outcome = bridge.stop().unwrap_or_else(|error| panic!("{}", explain(&error)));
    assert_eq!(outcome.output.text(), "bye 0\n");
    assert_ends(process);
}

#[test]
fn dropping_the_bridge_ends_the_virtual_machine() {
    let project = Project::plain("");
    let bridge = project.start().unwrap();
    let process = bridge.process_id();
    assert!(runs(process));
    drop(bridge);
    assert_ends(process);
}

/// Not a test: the child of [`a_killed_owner_leaves_no_virtual_machine`].
#[test]
#[ignore = "started by another test"]
fn owner() {
    let Ok(directory) = std::env::var("OWNED_PROJECT") else { return };
    let mut bridge = Bridge::start(&BridgeOptions::new(directory, None)).unwrap();
    println!("process {}", bridge.process_id());
    // Compiling takes for ever: the virtual machine is busy when its owner is killed.
    let _ = bridge.compile(&CompileOptions::default());
}

#[test]
fn a_killed_owner_leaves_no_virtual_machine() {
    use std::io::BufRead;
    let project =
        Project::plain("").file("lib/slow.ex", "defmodule Slow do\n  Process.sleep(:infinity)\nend\n");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "lifecycle::owner", "--ignored", "--nocapture"])
        .env("OWNED_PROJECT", &project.directory);
    command.envs(project.options().environment);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    let found =
        lines.map_while(Result::ok).find_map(|line| line.split_once("process ")?.1.trim().parse().ok());
    let process: u32 = found.expect("the owner says which virtual machine it has started");
    assert!(runs(process));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_ends(process);
}

#[test]
fn nothing_of_the_bridge_is_in_the_environment_or_the_arguments() {
    let keys = "aliases: [\"assets.deploy\": [fn _ ->
        for {name, _} <- System.get_env(), do: IO.puts(\"variable \" <> name)
        IO.inspect(System.argv(), label: \"arguments\")
      end]]";
    let project = Project::plain(keys);
    let mut bridge = project.start().unwrap();
    let output = bridge.deploy_assets().unwrap().output.text();
    assert!(output.contains("arguments: [\"release\"]"), "{output}");
    assert!(output.contains("variable MIX_ENV"), "{output}");
    // What the test itself was started with is not the bridge's.
    let inherited =
        |line: &&str| line.strip_prefix("variable ").is_some_and(|name| std::env::var_os(name).is_some());
    let added: Vec<&str> = output.lines().filter(|line| !inherited(line)).collect();
    assert!(!added.join("\n").to_lowercase().contains("beamship"), "{output}");
}

#[test]
fn file_names_are_utf_8_whatever_the_locale_says() {
    let mut project = Project::plain("");
    let directory = project.directory.with_file_name("projét");
    fs_err::rename(&project.directory, &directory).unwrap();
    project.directory = directory;
    for locale in ["C", "C.UTF-8"] {
        let mut options = project.options();
        options.environment.push(("LC_ALL".into(), locale.into()));
        let mut bridge = Bridge::start(&options).unwrap_or_else(|error| panic!("{}", explain(&error)));
        bridge.compile(&CompileOptions::default()).unwrap_or_else(|error| panic!("{}", explain(&error)));
        let release = bridge.describe_release(&ReleaseRequest::default()).unwrap().value;
        assert_eq!(release.spec.path, project.directory.join("_build/prod/rel/demo"));
    }
}

#[test]
fn mix_env_of_the_environment_wins() {
    let project = Project::plain("");
    let mut options = project.options();
    options.environment.push(("MIX_ENV".into(), "staging".into()));
    assert_eq!(Bridge::start(&options).unwrap().information().mix_env, "staging");
}

#[test]
fn a_cache_that_is_missing_corrupt_or_not_writable_does_no_harm() {
    let project = Project::plain("");
    let mut options = project.options();
    let cache = project.root.join("cache");
    let start = |options: &BridgeOptions| {
        Bridge::start(options).unwrap_or_else(|error| panic!("{}", explain(&error)))
    };

    options.cache = Some(cache.clone());
    start(&options).stop().unwrap();
    let file = only_file(&cache.join("bridge"));
    let number = |file: &Utf8Path| fs_err::metadata(file).unwrap().ino();
    let first = number(&file);
    start(&options).stop().unwrap();
    assert_eq!(number(&file), first, "what is good is used and not written again");

    let good = fs_err::read(&file).unwrap();
    for corrupt in [&b""[..], &good[..good.len() - 1], &[&good[..16], b"x", &good[17..]].concat()] {
        fs_err::write(&file, corrupt).unwrap();
        let bridge = start(&options);
        assert!(bridge.loading().output.is_empty(), "{}", bridge.loading().output.text());
        bridge.stop().unwrap();
        assert_ne!(fs_err::read(&file).unwrap(), corrupt, "what is corrupt is written anew");
        assert_eq!(only_file(&cache.join("bridge")), file);
    }

    fs_err::remove_dir_all(&cache).unwrap();
    fs_err::write(&cache, "a file where the directory should be").unwrap();
    start(&options).stop().unwrap();

    options.cache = None;
    start(&options).stop().unwrap();
}

#[test]
fn what_a_run_has_used_of_erlang_and_elixir_is_there_when_the_next_one_begins() {
    let project = Project::plain("").file(
        "config/config.exs",
        "import Config
for module <- [Mix.Tasks.Compile, Mix.Tasks.Help], do: IO.puts(\"#{inspect(module)} #{:code.is_loaded(module) != false}\")
config :demo, key: :value
",
    );
    let mut options = project.options();
    options.cache = Some(project.root.join("cache"));
    let printed = || {
        let mut bridge = Bridge::start(&options).unwrap();
        bridge.compile(&CompileOptions::default()).unwrap();
        let text = bridge.loading().output.text();
        bridge.stop().unwrap();
        text
    };
    // The first one has used less.
    Bridge::start(&options).unwrap().stop().unwrap();
    assert_eq!(printed(), "Mix.Tasks.Compile false\nMix.Tasks.Help false\n");
    assert_eq!(printed(), "Mix.Tasks.Compile true\nMix.Tasks.Help false\n");
}

/// Another patch of OTP has lost a module that was used: nothing could note what it uses any more, and `gen` and the doctor failed.
#[test]
fn a_module_that_is_no_longer_there_is_forgotten() {
    let project = Project::plain("");
    let mut options = project.options();
    let cache = project.root.join("cache");
    options.cache = Some(cache.clone());
    Bridge::start(&options).unwrap().stop().unwrap();
    let file = only_file(&cache.join("bridge"));
    // Only a module that is gone is known, so that there is something to note.
    let change = "[file] = System.argv()
        <<_::binary-16, packed::binary>> = File.read!(file)
        {bridge, _} = :erlang.binary_to_term(packed)
        packed = :erlang.term_to_binary({bridge, [{:gone, :stdlib}]})
        File.write!(file, [:erlang.md5(packed), packed])";
    let elixir = |arguments: &[&str]| {
        let output = std::process::Command::new("elixir").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    elixir(&["-e", change, file.as_str()]);
    Bridge::start(&options).unwrap().stop().unwrap();
    let known = "[file] = System.argv()
        <<_::binary-16, packed::binary>> = File.read!(file)
        {_, used} = :erlang.binary_to_term(packed)
        IO.write(\"#{length(used) > 16} #{{:gone, :stdlib} in used}\")";
    assert_eq!(elixir(&["-e", known, file.as_str()]), "true false");
}

/// The module that loads it comes by an option of the virtual machine, and ends the next one that is given it and has no such
/// module.
#[test]
fn what_loads_the_modules_leaves_no_trace() {
    for (given, seen) in [(None, "nil"), (Some(""), "nil"), (Some("-env PLACE a*b"), "\"-env PLACE a*b\"")] {
        let project = Project::plain("").file(
            "config/config.exs",
            "import Config
IO.inspect(System.get_env(\"ELIXIR_ERL_OPTIONS\"))
{text, 0} = System.cmd(\"elixir\", [\"-e\", ~S|IO.write(System.get_env(\"PLACE\", \"\"))|])
IO.puts(\"#{text} #{System.get_env(\"PLACE\", \"\")}\")
IO.inspect(for path <- :code.get_path(), String.contains?(to_string(path), \"beamship-\"), do: path)
config :demo, key: :value
",
        );
        let mut options = project.options();
        options.cache = Some(project.root.join("cache"));
        options.environment.extend(given.map(|text| ("ELIXIR_ERL_OPTIONS".into(), text.into())));
        let place = if seen == "nil" { "" } else { "a*b" };
        for run in ["first", "second"] {
            let bridge = Bridge::start(&options).unwrap_or_else(|error| panic!("{}", explain(&error)));
            let text = bridge.loading().output.text();
            assert_eq!(text, format!("{seen}\n{place} {place}\n[]\n"), "{run} run with {given:?}");
            bridge.stop().unwrap();
        }
    }
}

#[test]
fn compiling_the_bridge_leaves_the_options_of_the_projects_compiler_alone() {
    for given in [None, Some("[deterministic]")] {
        let project = Project::plain("").file(
            "lib/options.ex",
            "IO.puts(\"options: #{inspect(System.get_env(\"ERL_COMPILER_OPTIONS\"))}\")\n",
        );
        let mut options = project.options();
        options.cache = None;
        options.environment.extend(given.map(|text| ("ERL_COMPILER_OPTIONS".into(), text.into())));
        let mut bridge = Bridge::start(&options).unwrap();
        let output = bridge.compile(&CompileOptions::default()).unwrap().output.text();
        let expected = given.map_or("nil".to_owned(), |text| format!("{text:?}"));
        assert!(output.contains(&format!("options: {expected}\n")), "{output}");
    }
}

/// Elixir 1.18 reads `ERL_COMPILER_OPTIONS` once: what the bridge is compiled with must not be the project's options.
#[test]
fn code_is_the_same_whether_or_not_the_bridge_had_to_be_compiled() {
    let project = Project::plain("").file(
        "lib/shape.ex",
        "defmodule Shape do
  def area(shape) do
    sides = if is_list(shape), do: {:ok, Enum.map(shape, &(&1 * 2))}, else: :error

    case sides do
      {:ok, [a, b]} -> a * b
      _ -> 0
    end
  end
end
",
    );
    for given in [None, Some("[no_copt, no_bool_opt, no_type_opt, no_ssa_opt]")] {
        let code = |cache| {
            let mut options = project.options();
            options.cache = cache;
            options.environment.extend(given.map(|text| ("ERL_COMPILER_OPTIONS".into(), text.into())));
            let mut bridge = Bridge::start(&options).unwrap();
            bridge.compile(&CompileOptions { force: true, ..CompileOptions::default() }).unwrap();
            fs_err::read(project.directory.join("_build/prod/lib/demo/ebin/Elixir.Shape.beam")).unwrap()
        };
        let cache = project.root.join(format!("cache-{}", given.is_some()));
        let compiled = code(Some(cache.clone()));
        assert!(cache.join("bridge").is_dir());
        assert!(compiled == code(Some(cache)), "with {given:?} the code differs");
    }
}

fn only_file(directory: &Utf8Path) -> camino::Utf8PathBuf {
    let files: Vec<_> = directory.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.into_iter().next().unwrap()
}
