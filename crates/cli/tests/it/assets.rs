//! `assets.deploy` within a build: what comes after it sees what it has made.

use crate::files::{in_the_next_second, write};
use crate::project;
use crate::sandbox::{Sandbox, succeed};

/// A module that reads, when it is compiled, what the assets have become. The build compiled first and then no more: the release
/// had the code of before, and a build from nothing that of no assets at all.
#[test]
fn code_is_compiled_from_the_assets_of_this_build() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    let mix_exs = std::fs::read_to_string(demo.join("mix.exs")).unwrap();
    let alias = "aliases: [\"assets.deploy\": [fn _ -> File.mkdir_p!(\"priv/static\"); \
                 File.write!(\"priv/static/manifest\", File.read!(\"asset\")) end]], app: :demo,";
    write(&demo.join("mix.exs"), &mix_exs.replace("app: :demo,", alias));
    write(
        &demo.join("lib/manifest.ex"),
        "defmodule Manifest do\n  @external_resource \"priv/static/manifest\"\n  \
         @text (case File.read(\"priv/static/manifest\") do {:ok, text} -> text; _ -> \"none\" end)\n  \
         def text, do: @text\n  def warned(unused), do: 1\nend\n",
    );
    let says = || {
        let mut released = sandbox.command(demo.join("_build/prod/rel/demo/bin/demo"));
        succeed(released.args(["eval", "IO.puts(Manifest.text())"])).stdout.trim().to_owned()
    };
    for (word, waits) in [("one", false), ("two", false), ("three", true)] {
        if waits {
            in_the_next_second();
        }
        write(&demo.join("asset"), word);
        succeed(&mut sandbox.beamship(&demo, &["build"]));
        assert_eq!(says(), word);
    }
    // Once more only where the assets have changed something.
    let said = succeed(&mut sandbox.beamship(&demo, &["build", "--no-cache"])).stderr;
    assert_eq!(said.matches("✓ compile").count(), 1, "{said}");
    write(&demo.join("asset"), "four");
    let said = succeed(&mut sandbox.beamship(&demo, &["build", "--no-cache"])).stderr;
    assert_eq!((said.matches("✓ compile").count(), says().as_str()), (2, "four"), "{said}");
    // Nothing is left to be compiled, and its warnings, which newer versions of Mix repeat, are not repeated twice.
    let said = succeed(&mut sandbox.beamship(&demo, &["build"])).stderr;
    assert!(!said.contains("compiling everything"), "{said}");
    assert!(said.matches("\"unused\" is unused").count() < 2, "{said}");
    assert!(succeed(&mut sandbox.beamship(&demo, &["build"])).stderr.contains("Nothing has changed"));
}

/// The second compilation of a build found the protocols that the first had consolidated loaded, and first in the code path. It warned that
/// the implementations had no effect, which ended a build that takes warnings for errors, and could load a protocol from a file that was
/// being written.
#[test]
fn protocols_are_implemented_after_the_assets_of_a_build() {
    let sandbox = Sandbox::new();
    let demo = project::demo(&sandbox, "demo");
    let mix_exs = std::fs::read_to_string(demo.join("mix.exs")).unwrap();
    let changed = "elixirc_options: [warnings_as_errors: true], aliases: [\"assets.deploy\": [fn _ -> \
                   File.mkdir_p!(\"priv/static\"); File.write!(\"priv/static/app.js\", \"1\") end]], app: :demo,";
    write(&demo.join("mix.exs"), &mix_exs.replace("app: :demo,", changed));
    write(
        &demo.join("lib/page.ex"),
        "defmodule Page do\n  defstruct []\n  @external_resource \"priv/static/app.js\"\n  \
         @exists File.exists?(\"priv/static/app.js\")\n  \
         defimpl String.Chars do\n    @exists Module.get_attribute(Page, :exists)\n    def to_string(_), do: inspect(@exists)\n  end\nend\n",
    );
    let said = succeed(&mut sandbox.beamship(&demo, &["build"])).stderr;
    assert_eq!((said.matches("✓ compile").count(), said.contains("warning:")), (2, false), "{said}");
    let mut released = sandbox.command(demo.join("_build/prod/rel/demo/bin/demo"));
    let said = succeed(released.args(["eval", "IO.puts(struct(Page))"])).stdout;
    assert_eq!(said, "true\n");
}

/// An application of an umbrella whose `priv` holds nothing but assets. There was none when it was compiled, and so there was none in
/// the release.
#[test]
fn the_first_assets_of_an_umbrella_are_in_the_release() {
    let sandbox = Sandbox::new();
    let root = sandbox.join("umbrella");
    write(
        &root.join("mix.exs"),
        "defmodule Shop.MixProject do\n  use Mix.Project\n  def project do\n    [apps_path: \"apps\", version: \"1.0.0\", \
         releases: [shop: [applications: [web: :permanent]]], aliases: [\"assets.deploy\": [&deploy/1]]]\n  end\n  \
         defp deploy(_) do\n    File.mkdir_p!(\"apps/web/priv/static\")\n    File.write!(\"apps/web/priv/static/app.js\", \"1\")\n  \
         end\nend\n",
    );
    write(
        &root.join("apps/web/mix.exs"),
        "defmodule Web.MixProject do\n  use Mix.Project\n  def project do\n    [app: :web, version: \"1.0.0\", \
         build_path: \"../../_build\", deps_path: \"../../deps\", lockfile: \"../../mix.lock\"]\n  end\nend\n",
    );
    write(&root.join("apps/web/lib/web.ex"), "defmodule Web do\nend\n");
    succeed(&mut sandbox.beamship(&root, &["build"]));
    assert!(root.join("_build/prod/rel/shop/lib/web-1.0.0/priv/static/app.js").is_file());
}
