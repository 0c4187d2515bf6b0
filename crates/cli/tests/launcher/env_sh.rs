//! `env.sh`: the project's shell code has its way.

use crate::files::write;
use crate::installed::{Installed, Kind};
use crate::sandbox::{run, succeed};

fn eval(installed: &Installed, expression: &str) -> String {
    succeed(&mut installed.command(&["eval", &format!("IO.puts(inspect(({expression}), width: :infinity))")]))
        .stdout
}

#[test]
fn variables_reach_the_system() {
    let installed = Installed::new(Kind::Plain);
    installed.set_env_sh(
        "export PROBE_SECRET=exported\nPROBE_GIVEN=kept\nRELEASE_NODE=unexported\nRELEASE_MODE=interactive\n\
         export RELEASE_DISTRIBUTION=none\nRELEASE_TMP=\"$RELEASE_ROOT/other\"\n",
    );
    let read = "for name <- ~w(PROBE_SECRET PROBE_GIVEN RELEASE_NODE RELEASE_TMP RELEASE_PROG BEAMSHIP_ENV_SH_SOURCED), \
                do: System.get_env(name)";
    let expected =
        format!("[\"exported\", nil, \"unexported\", \"{}/other\", \"plain\", nil]\n", installed.root());
    assert_eq!(eval(&installed, read), expected);
}

#[test]
fn it_sees_what_the_launcher_knows() {
    let installed = Installed::new(Kind::Plain);
    installed.set_env_sh(
        "export SEEN=\"$0 $1 $RELEASE_COMMAND $RELEASE_NAME $RELEASE_VSN $RELEASE_PROG $REL_VSN_DIR ${RELEASE_NODE:-none}\"\n",
    );
    let expected = format!(
        "\"{} eval eval plain 0.1.0 plain {} none\"\n",
        installed.executable(),
        installed.version_directory()
    );
    assert_eq!(eval(&installed, "System.get_env(\"SEEN\")"), expected);
}

#[test]
fn it_may_change_arguments_directory_and_umask() {
    let installed = Installed::new(Kind::Plain);
    std::fs::create_dir(installed.sandbox.join("there")).unwrap();
    installed.set_env_sh("set -- \"$@\" \"an argument\"\ncd there\numask 027\nulimit -n 321\n");
    let expression = "{System.argv(), Path.basename(File.cwd!()), String.trim(to_string(:os.cmd(~c\"umask; ulimit -n\")))}";
    assert_eq!(eval(&installed, expression), "{[\"an argument\"], \"there\", \"0027\\n321\"}\n");
}

#[test]
fn it_may_choose_another_command() {
    let installed = Installed::new(Kind::Plain);
    installed.set_env_sh("set -- eval 'IO.puts(System.get_env(\"RELEASE_COMMAND\"))'\n");
    assert_eq!(succeed(&mut installed.command(&["start"])).stdout, "start\n");
}

/// `bin/NAME SCRIPT` had read it for SCRIPT, and the commands that SCRIPT runs did not read it any more.
#[test]
fn it_is_read_for_the_commands_of_a_script() {
    let installed = Installed::new(Kind::Plain);
    installed.set_env_sh("export SEEN=\"$RELEASE_COMMAND\"\n");
    let script = installed.root().join("bin/mine");
    write(&script, "#!/bin/sh\nexec \"$(dirname \"$0\")/plain\" eval 'IO.puts(System.get_env(\"SEEN\"))'\n");
    succeed(installed.sandbox.command("chmod").args(["+x", script.as_str()]));
    assert_eq!(succeed(&mut installed.command(&["mine"])).stdout, "eval\n");
    assert_eq!(succeed(&mut installed.sandbox.command(script)).stdout, "eval\n");
}

#[test]
fn it_may_refuse() {
    let installed = Installed::new(Kind::Plain);
    for (text, status) in [("echo no >&2\nexit 7\n", 7), ("echo no >&2\nfalse\n", 1)] {
        installed.set_env_sh(text);
        for command in ["start", "daemon", "version"] {
            let outcome = run(&mut installed.command(&[command]));
            assert_eq!(
                (outcome.status, outcome.stderr.as_str()),
                (Some(status), "no\n"),
                "{command}: {text}"
            );
        }
    }
}

/// With an `env.sh` of Mix's template the launcher never asks for `/bin/sh`, which may not be there. A shell would set
/// PWD, which the tests' environment lacks.
#[test]
fn a_file_of_comments_needs_no_shell() {
    let installed = Installed::new(Kind::Plain);
    let template = std::fs::read_to_string(installed.version_directory().join("env.sh")).unwrap();
    assert!(template.contains('#'), "{template}");
    assert_eq!(eval(&installed, "System.get_env(\"PWD\")"), "nil\n");
    installed.set_env_sh(&format!("{template}\n:\n"));
    assert_ne!(eval(&installed, "System.get_env(\"PWD\")"), "nil\n");
}
