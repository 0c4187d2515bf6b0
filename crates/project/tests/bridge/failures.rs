//! Projects that are broken in every way: Mix's own words once, a typed error, and an end.

use project::{Bridge, BridgeError, CompileOptions, Phase, ReleaseRequest};

use crate::fixture::{Project, count, explain};

fn assets(code: &str) -> BridgeError {
    let project = Project::plain(&format!("aliases: [\"assets.deploy\": [fn _ -> {code} end]]"));
    project.start().unwrap().deploy_assets().unwrap_err()
}

#[track_caller]
fn assert_exited(error: &BridgeError, wanted: Phase, code: i32, words: &str) {
    match error {
        BridgeError::Exited { phase, status, output } => {
            assert_eq!((*phase, status.code()), (wanted, Some(code)), "{}", explain(error));
            assert_eq!(count(&output.text(), words), 1, "{}", explain(error));
        }
        other => panic!("{}", explain(other)),
    }
}

#[track_caller]
fn assert_failed(error: &BridgeError, wanted: Phase, words: &str) {
    match error {
        BridgeError::Failed { phase, output, .. } => {
            assert_eq!(*phase, wanted, "{}", explain(error));
            assert_eq!(count(&output.text(), words), 1, "{}", explain(error));
        }
        other => panic!("{}", explain(other)),
    }
}

#[test]
fn a_directory_without_a_project_is_named() {
    let project = Project::empty();
    let error = project.start().unwrap_err();
    assert!(matches!(&error, BridgeError::NoProject { directory, .. } if *directory == project.directory));
    assert!(error.to_string().contains("mix.exs"));
}

#[test]
fn a_missing_elixir_is_named_with_its_remedy() {
    let project = Project::plain("");
    let mut options = project.options();
    options.elixir = "no-such-elixir".into();
    let error = Bridge::start(&options).unwrap_err();
    assert!(matches!(error, BridgeError::ElixirMissing { .. }), "{error:?}");
    assert!(error.to_string().contains("install Elixir"), "{error}");
}

#[test]
fn a_program_that_is_not_elixir_does_not_hang() {
    let project = Project::plain("");
    let mut options = project.options();
    options.elixir = "true".into();
    let error = Bridge::start(&options).unwrap_err();
    assert!(matches!(error, BridgeError::Exited { phase: Phase::Load, .. }), "{}", explain(&error));
}

#[test]
fn a_raising_mix_exs_is_reported_by_elixir() {
    let project = Project::empty().file("mix.exs", "raise \"boom in mix.exs\"\n");
    assert_exited(&project.start().unwrap_err(), Phase::Load, 1, "boom in mix.exs");
}

#[test]
fn a_syntax_error_in_mix_exs_is_reported_by_elixir() {
    let project = Project::empty().file("mix.exs", "defmodule Broken do\n");
    assert_exited(&project.start().unwrap_err(), Phase::Load, 1, "TokenMissingError");
}

#[test]
fn a_mix_exs_without_a_project_is_reported_by_mix() {
    let project = Project::empty().file("mix.exs", "defmodule Nothing do\nend\n");
    assert_exited(&project.start().unwrap_err(), Phase::Load, 1, "Could not find a Mix.Project");
}

#[test]
fn a_raising_configuration_is_reported_by_elixir() {
    let project = Project::plain("").file("config/config.exs", "raise \"boom in config\"\n");
    assert_exited(&project.start().unwrap_err(), Phase::Load, 1, "boom in config");
}

#[test]
fn a_compile_error_is_reported_once() {
    let project = Project::plain("")
        .file("lib/broken.ex", "defmodule Broken do\n  def f, do: undefined_variable\nend\n");
    let error = project.start().unwrap().compile(&CompileOptions::default()).unwrap_err();
    assert_failed(&error, Phase::Compile, "== Compilation error in file lib/broken.ex ==");
}

#[test]
fn a_raising_task_is_reported_once() {
    assert_failed(&assets("raise \"boom in task\""), Phase::Assets, "** (RuntimeError) boom in task");
    assert_failed(&assets("Mix.raise(\"mixed boom\")"), Phase::Assets, "** (Mix) mixed boom");
    assert_failed(&assets("throw(:ball)"), Phase::Assets, "** (throw) :ball");
    assert_failed(&assets("exit(:tired)"), Phase::Assets, "** (exit) :tired");
    assert_failed(&assets("IO.puts(\"said\"); exit({:shutdown, 3})"), Phase::Assets, "said");
}

#[test]
fn an_unknown_task_is_reported_once() {
    let project = Project::plain("aliases: [\"assets.deploy\": [\"no.such.task\"]]");
    let error = project.start().unwrap().deploy_assets().unwrap_err();
    assert_failed(&error, Phase::Assets, "The task \"no.such.task\" could not be found");
}

#[test]
fn a_task_that_halts_is_noticed_with_all_it_said() {
    let error = assets("IO.puts(\"last words\"); System.halt(7)");
    assert_exited(&error, Phase::Assets, 7, "last words");
    assert!(error.to_string().contains("exit status 7"), "{error}");
}

#[test]
fn a_task_that_stops_the_system_is_noticed() {
    let error = assets("System.stop(0); Process.sleep(:infinity)");
    assert_exited(&error, Phase::Assets, 0, "");
}

#[test]
fn a_killed_virtual_machine_is_noticed() {
    let error = assets("System.cmd(\"kill\", [\"-9\", System.pid()]); Process.sleep(:infinity)");
    assert!(matches!(error, BridgeError::Exited { phase: Phase::Assets, .. }), "{}", explain(&error));
    assert!(error.to_string().contains("signal 9"), "{error}");
}

#[test]
fn a_process_left_behind_does_not_hold_up_the_end() {
    // It keeps the pipes of the virtual machine open.
    let error = assets(
        "System.cmd(\"sh\", [\"-c\", \"sleep 60 >&2 & echo $!\"]) |> elem(0) |> IO.puts(); System.halt(4)",
    );
    let printed = error.output().unwrap().text();
    assert!(matches!(error, BridgeError::Exited { .. }), "{}", explain(&error));
    let process = printed.trim().parse().expect(&printed);
    let _ = rustix::process::kill_process(
        rustix::process::Pid::from_raw(process).unwrap(),
        rustix::process::Signal::KILL,
    );
}

#[test]
fn a_closed_standard_output_does_not_hold_up_anything() {
    let project = Project::plain("aliases: [\"assets.deploy\": [fn _ -> Process.unregister(:user) end]]");
    let mut bridge = project.start().unwrap();
    assert!(bridge.deploy_assets().is_ok_and(|outcome| outcome.value));
}

#[test]
fn a_raising_release_function_is_reported_once() {
    let project = Project::plain("releases: [demo: fn -> raise \"boom in release\" end]");
    let error = project.describe(&ReleaseRequest::default()).unwrap_err();
    assert_failed(&error, Phase::Describe, "boom in release");
}

#[test]
fn a_raising_provider_is_reported_once() {
    let provider = "defmodule Demo.Provider do\n  def init(_), do: raise(\"boom in init\")\nend\n";
    let project = Project::plain("releases: [demo: [config_providers: [{Demo.Provider, 1}]]]")
        .file("lib/provider.ex", provider);
    let error = project.describe(&ReleaseRequest::default()).unwrap_err();
    assert_failed(&error, Phase::Describe, "boom in init");
}
