//! `beamship doctor`: toolchain, project, release.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use crate::files::write;
use crate::findings::Said;
use crate::project;
use crate::sandbox::{Sandbox, run, succeed};

fn examined(sandbox: &Sandbox, project: &Utf8Path, arguments: &[&str]) -> Said {
    Said::by(sandbox.beamship(project, &["doctor", "--json"]).args(arguments))
}

/// A program that begins like one for another machine than this.
const ARM: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\xb7\0";
const INTEL: &[u8] = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0";

#[test]
fn a_project_and_its_release() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    let said = examined(&sandbox, &demo, &[]);
    assert_eq!(said.wrong(), [""; 0]);
    assert_eq!(said.one("release"), "ok: none has been built yet");
    for check in
        ["elixir", "otp", "mix", "locale", "launcher", "project", "releases", "dependencies", "templates"]
    {
        assert!(said.one(check).starts_with("ok: "), "{check}: {}", said.one(check));
    }
    assert_eq!(
        said.one("runtime_configuration"),
        "ok: config/runtime.exs needs no variable; it also asks for DEMO_RUNTIME"
    );
    // Nothing has been compiled for it.
    assert!(!demo.join("_build/prod/lib/demo/ebin/demo.app").exists());

    succeed(&mut sandbox.beamship(&demo, &["build", "--quiet"]));
    let said = examined(&sandbox, &demo, &[]);
    assert_eq!(said.wrong(), [""; 0]);
    for check in ["release", "freshness", "boot_scripts", "executables", "release_launcher", "native_code"] {
        assert!(said.one(check).starts_with("ok: "), "{check}: {}", said.one(check));
    }
    let listed = succeed(&mut sandbox.beamship(&demo, &["doctor"]));
    assert!(listed.stdout.lines().all(|line| line.starts_with("✓ ")), "{}", listed.stdout);
    // By name, and by directory from anywhere.
    assert_eq!(examined(&sandbox, &demo, &["--release", "demo"]).wrong(), [""; 0]);
    let release = demo.join("_build/prod/rel/demo");
    let said = examined(&sandbox, sandbox.path(), &["--release", release.as_str()]);
    assert_eq!(said.wrong(), [""; 0]);
    assert_eq!(said.of("project"), [""; 0]);
    damaged(&sandbox, &demo, &release);
}

#[test]
fn a_project_that_defines_no_release_has_one() {
    let sandbox = Sandbox::new();
    let plain = sandbox.join("plain");
    write(
        &plain.join("mix.exs"),
        "defmodule Plain.MixProject do\n  use Mix.Project\n  def project, do: [app: :plain, version: \"1.2.3\"]\nend\n",
    );
    let said = examined(&sandbox, &plain, &[]);
    assert_eq!(said.one("releases"), format!("ok: plain 1.2.3 goes to {plain}/_build/prod/rel/plain"));
}

/// A release of an umbrella that has the version of one of its applications, and which nobody had compiled for the doctor: "has none or
/// does not exist". In the directory of the application no release was found.
#[test]
fn an_umbrella_with_the_version_of_an_application() {
    let sandbox = Sandbox::new();
    let root = sandbox.join("umbrella");
    write(
        &root.join("mix.exs"),
        "defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [apps_path: \"apps\", \
         releases: [shop: [applications: [web: :permanent], version: {:from_app, :web}]]]\nend\n",
    );
    let web = root.join("apps/web");
    write(
        &web.join("mix.exs"),
        "defmodule Web.MixProject do\n  use Mix.Project\n  def project, do: [app: :web, version: \"3.2.1\", \
         build_path: \"../../_build\", deps_path: \"../../deps\", lockfile: \"../../mix.lock\"]\nend\n",
    );
    write(&web.join("lib/web.ex"), "defmodule Web do\nend\n");
    let goes_to = format!("ok: shop 3.2.1 goes to {root}/_build/prod/rel/shop");
    assert_eq!(examined(&sandbox, &root, &[]).one("releases"), goes_to);
    succeed(&mut sandbox.beamship(&root, &["build", "--quiet"]));
    assert_eq!(examined(&sandbox, &root, &[]).one("releases"), goes_to);
    assert_eq!(
        examined(&sandbox, &web, &[]).one("release"),
        format!("ok: shop 3.2.1 in {root}/_build/prod/rel/shop")
    );
}

/// What has happened to the release since.
fn damaged(sandbox: &Sandbox, demo: &Utf8Path, release: &Utf8Path) {
    // Touched is not changed: the record of the build knows.
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    let touch = || {
        let source = std::fs::File::options().write(true).open(demo.join("lib/demo.ex")).unwrap();
        source.set_modified(later).unwrap();
    };
    touch();
    assert_eq!(examined(sandbox, demo, &[]).one("freshness"), "ok: another build would make the same");
    let original = std::fs::read_to_string(demo.join("lib/demo.ex")).unwrap();
    write(&demo.join("lib/demo.ex"), &format!("{original}# changed\n"));
    let changed = examined(sandbox, demo, &[]).one("freshness");
    assert_eq!(changed, format!("warning: since it was built: `{demo}/lib/demo.ex` has changed"));
    // Without the record only times are left.
    std::fs::remove_dir_all(sandbox.join("cache/beamship/builds")).unwrap();
    touch();
    std::fs::remove_file(release.join("releases/0.1.0/start.boot")).unwrap();
    std::fs::write(release.join("bin/demo"), "#!/bin/sh\n").unwrap();
    let foreign = if cfg!(target_arch = "aarch64") { INTEL } else { ARM };
    std::fs::write(release.join("lib/demo-0.1.0/priv/nif.so"), foreign).unwrap();
    let entries = release.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
    let erts: Utf8PathBuf =
        entries.into_iter().find(|path| path.file_name().unwrap().starts_with("erts-")).unwrap();
    std::fs::set_permissions(erts.join("bin/erlexec"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = examined(sandbox, demo, &[]);
    assert_eq!(said.status, Some(1));
    assert_eq!(said.one("freshness"), "warning: since it was built: `lib/demo.ex` has changed");
    assert!(
        said.one("boot_scripts").starts_with("error: ")
            && said.one("boot_scripts").ends_with("has no start.boot")
    );
    assert!(
        said.one("executables").ends_with("bin/erlexec` is not executable"),
        "{}",
        said.one("executables")
    );
    assert!(said.one("release_launcher").contains("is a shell script: `mix release` has made this release"));
    let native = said.of("native_code").join("\n");
    assert!(native.contains("error: `") && native.contains("priv/nif.so` is "), "{native}");
    std::fs::write(release.join("bin/demo"), "other").unwrap();
    let said = examined(sandbox, demo, &[]);
    assert!(said.one("release_launcher").ends_with("is of another version of beamship"));
    std::fs::remove_file(release.join("releases/0.1.0/demo.rel")).unwrap();
    assert!(examined(sandbox, demo, &[]).one("release").contains("there is no .rel in"));
}

#[test]
fn a_project_that_forgets_things() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    std::fs::remove_file(demo.join("config/runtime.exs")).unwrap();
    for name in ["vm.args", "config.exs", "vm.args.eex", "boot.profile"] {
        write(&demo.join("rel").join(name), "\n");
    }
    let said = examined(&sandbox, &demo, &[]);
    assert!(said.one("runtime_configuration").starts_with("warning: there is no config/runtime.exs: "));
    write(&demo.join("config/runtime.exs"), "import Config\nconfig :demo, x: (\n");
    let of_broken = examined(&sandbox, &demo, &[]).one("runtime_configuration");
    let expected = "error: config/runtime.exs is not Elixir, so the release will not start: ";
    assert!(of_broken.starts_with(expected), "{of_broken}");
    std::fs::remove_file(demo.join("config/runtime.exs")).unwrap();
    assert_eq!(
        said.of("templates"),
        [
            "warning: rel/config.exs is ignored: no release reads it",
            "warning: rel/vm.args is ignored: no release reads it"
        ]
    );
    write(&demo.join("config/releases.exs"), "import Config\n");
    assert_eq!(
        examined(&sandbox, &demo, &[]).one("runtime_configuration"),
        "warning: config/releases.exs is deprecated"
    );
    let mix = std::fs::read_to_string(demo.join("mix.exs")).unwrap();
    let with = |from: &str, to: &str| {
        assert!(mix.contains(from));
        write(&demo.join("mix.exs"), &mix.replace(from, to));
        examined(&sandbox, &demo, &[])
    };
    let options =
        "runtime_config_path: \"config/run.exs\", rel_templates_path: \"release\", overlays: \"extra\"";
    let said = with("demo: []", &format!("demo: [{options}]"));
    assert_eq!(
        said.one("runtime_configuration"),
        "error: the release option :runtime_config_path names `config/run.exs`, which is not there"
    );
    assert!(
        said.one("templates").starts_with("error: the release option :rel_templates_path names `release`")
    );
    assert_eq!(
        said.one("overlays"),
        "error: the release option :overlays names `extra`, which is not a directory"
    );
    let said = with("demo: []", "demo: [runtime_config_path: false], \"Bad-Name\": [steps: []]");
    assert_eq!(said.of("runtime_configuration")[0], "ok: there is to be none: `runtime_config_path: false`");
    let releases = said.of("releases");
    assert!(releases[0].starts_with("ok: demo 0.1.0 goes to "), "{releases:?}");
    assert!(releases[1].starts_with("error: :\"Bad-Name\" cannot be the name of a release"), "{releases:?}");
    let said = with("{:greeter, path: \"greeter\"}", "{:greeter, git: \"/nonexistent/greeter\"}");
    assert!(said.one("dependencies").starts_with("error: greeter: "), "{}", said.one("dependencies"));
    assert!(said.one("lock").starts_with("warning: there is no mix.lock"), "{}", said.one("lock"));
}

#[test]
fn a_phoenix_project_that_does_not_listen() {
    let sandbox = Sandbox::new();
    let shop = sandbox.join("shop");
    let project = |app: &str, deps: &str| {
        let name = app[..1].to_uppercase() + &app[1..];
        format!(
            "defmodule {name}.MixProject do\n  use Mix.Project\n  def project, do: [app: :{app}, version: \"0.1.0\", deps: [{deps}]]\nend\n"
        )
    };
    write(&shop.join("mix.exs"), &project("shop", "{:phoenix, path: \"phoenix\"}"));
    write(&shop.join("phoenix/mix.exs"), &project("phoenix", ""));
    write(&shop.join("config/config.exs"), "import Config\n");
    write(&shop.join("config/runtime.exs"), "import Config\nSystem.get_env(\"PHX_HOST\")\n");
    let said = || examined(&sandbox, &shop, &[]).one("phoenix");
    assert!(said().starts_with("warning: no endpoint has `server: true`"), "{}", said());
    write(&shop.join("config/config.exs"), "import Config\nconfig :shop, ShopWeb.Endpoint, server: true\n");
    assert_eq!(said(), "ok: the endpoint listens");
    write(&shop.join("config/config.exs"), "import Config\n");
    let asks = "import Config\nif System.get_env(\"PHX_SERVER\") do\n  config :shop, ShopWeb.Endpoint, server: true\nend\n";
    write(&shop.join("config/runtime.exs"), asks);
    assert!(said().starts_with("warning: the host in links is not configured"), "{}", said());
    write(&shop.join("config/runtime.exs"), &format!("{asks}System.get_env(\"PHX_HOST\")\n"));
    assert_eq!(said(), "ok: the endpoint listens when PHX_SERVER is set; bin/server does that");
}

#[test]
fn what_cannot_be_loaded_does_not_hide_the_rest() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    write(&demo.join("rel/vm.args"), "\n");
    let ignored = "warning: rel/vm.args is ignored: no release reads it";
    write(&demo.join("config/config.exs"), "import Config\nraise \"no colour today\"\n");
    let said = examined(&sandbox, &demo, &[]);
    assert!(said.one("project").contains("no colour today"), "{}", said.one("project"));
    assert_eq!(said.one("templates"), ignored);
    write(&demo.join("mix.exs"), "defmodule Demo do\n");
    let said = examined(&sandbox, &demo, &[]);
    assert!(said.of("project").concat().contains("it does not load:"), "{:?}", said.of("project"));
    assert_eq!(said.one("templates"), ignored);

    let without_elixir = |arguments: &[&str]| {
        let mut command: Command = sandbox.beamship(&demo, &["doctor", "--json"]);
        Said::by(command.args(arguments).env("PATH", sandbox.join("home")))
    };
    let said = without_elixir(&[]);
    assert!(said.one("elixir").starts_with("error: cannot find `elixir`"), "{}", said.one("elixir"));
    assert_eq!(said.one("project"), "warning: it was not loaded: there is no Elixir");
    assert_eq!(said.one("templates"), ignored);

    let nowhere = sandbox.join("nowhere");
    std::fs::create_dir(&nowhere).unwrap();
    let said = examined(&sandbox, &nowhere, &["--release", "demo"]);
    assert!(
        said.one("release").starts_with("error: there is no release `demo` in "),
        "{}",
        said.one("release")
    );
    let said = examined(&sandbox, &nowhere, &[]);
    assert!(said.one("project").starts_with("error: there is no mix.exs in "), "{}", said.one("project"));
    let outcome = run(&mut sandbox.beamship(&demo, &["doctor", "-C", "gone"]));
    assert_eq!((outcome.status, outcome.stdout.as_str()), (Some(1), ""));
}

#[test]
fn the_locale_of_the_virtual_machine() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    let said = Said::by(sandbox.beamship(&demo, &["doctor", "--json"]).env("LANG", "C"));
    assert!(said.one("locale").starts_with("warning: the virtual machine takes file names for latin1"));
}

/// Mix asks for such options once the project is compiled: the doctor said that the project does not load, and `gen` failed.
#[test]
fn options_that_call_what_has_to_be_compiled() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    let mix_exs = std::fs::read_to_string(demo.join("mix.exs")).unwrap();
    write(
        &demo.join("mix.exs"),
        &mix_exs.replace("demo: []", "demo: fn -> [version: Demo.Numbers.version()] end"),
    );
    write(&demo.join("lib/numbers.ex"), "defmodule Demo.Numbers do\n  def version, do: \"1.2.3\"\nend\n");
    let said = examined(&sandbox, &demo, &[]);
    assert!(said.one("project").starts_with("ok: "), "{}", said.one("project"));
    let releases = said.one("releases");
    assert!(releases.starts_with("warning: the options of the release cannot be read: "), "{releases}");
    succeed(&mut sandbox.beamship(&demo, &["gen", "docker", "--dry-run"]));
    succeed(&mut sandbox.beamship(&demo, &["build", "--quiet"]));
    let program = demo.join("_build/prod/rel/demo/bin/demo");
    assert_eq!(succeed(sandbox.command(program).arg("version")).stdout, "demo 1.2.3\n");
}

/// Version managers choose by the directory: with -C the doctor asked the Elixir of another one.
#[test]
fn the_toolchain_is_that_of_the_directory() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    let path = std::env::var("PATH").unwrap();
    let real =
        std::env::split_paths(&path).map(|directory| directory.join("elixir")).find(|path| path.exists());
    let shim = sandbox.join("shims/elixir");
    let script = format!(
        "#!/bin/sh\n[ -f .tool-versions ] || {{ echo 'No version is set for elixir' >&2; exit 126; }}\nexec {} \"$@\"\n",
        real.unwrap().display()
    );
    write(&shim, &script);
    std::fs::set_permissions(&shim, std::fs::Permissions::from_mode(0o755)).unwrap();
    write(&demo.join(".tool-versions"), "");
    let said = Said::by(
        sandbox
            .beamship(sandbox.path(), &["doctor", "--json", "-C", demo.as_str()])
            .env("PATH", format!("{}:{path}", sandbox.join("shims"))),
    );
    assert!(said.one("elixir").starts_with("ok: "), "{}", said.one("elixir"));
    assert!(said.one("project").starts_with("ok: "), "{}", said.one("project"));
}
