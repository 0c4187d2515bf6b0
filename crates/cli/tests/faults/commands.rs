//! The commands of beamship, on a small project and its release.

use std::cell::Cell;
use std::collections::HashSet;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use crate::artefact::Artefact;
use crate::sandbox::{Sandbox, succeed};
use crate::sweep::{Extent, Source, Work, sweep};

/// The beams of both sources are compiled once and put in place before a run, which then need not compile.
pub(crate) struct Project {
    pub(crate) sandbox: Sandbox,
    pub(crate) path: Utf8PathBuf,
    beams: [Vec<u8>; 2],
}

const BEAM: &str = "_build/prod/lib/demo/ebin/Elixir.Demo.beam";

impl Project {
    pub(crate) fn new(include_erts: bool) -> Self {
        let sandbox = Sandbox::new();
        let path = sandbox.join("demo");
        let write = |name: &str, text: &str| {
            let file = path.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        write(
            "mix.exs",
            &format!(
                "defmodule Demo.MixProject do
  use Mix.Project
  def project, do: [app: :demo, version: \"0.1.0\", releases: [demo: [include_erts: {include_erts}]]]
  def application, do: []
end
"
            ),
        );
        write("config/runtime.exs", "import Config\n");
        write("rel/overlays/etc/demo.conf", "colour = blue\n");
        let beams = [1, 2].map(|number| {
            write("lib/demo.ex", &format!("defmodule Demo do\n  def version, do: {number}\nend\n"));
            succeed(&mut sandbox.beamship(&path, &["release", "--quiet", "--force"]));
            std::fs::read(path.join(BEAM)).unwrap()
        });
        Self { sandbox, path, beams }
    }

    pub(crate) fn set_source(&self, source: Source) {
        std::fs::write(self.path.join(BEAM), &self.beams[source as usize]).unwrap();
    }

    pub(crate) fn target(&self) -> Utf8PathBuf {
        self.path.join("_build/prod/rel/demo")
    }

    pub(crate) fn beamship(&self, arguments: &[&str]) -> Command {
        self.sandbox.beamship(&self.path, arguments)
    }

    /// The version that the release at a place says it is.
    pub(crate) fn version_of(&self, release: &Utf8Path) -> String {
        let mut eval = self.sandbox.command(release.join("bin/demo"));
        succeed(eval.args(["eval", "IO.puts(Demo.version())"])).stdout.trim().to_owned()
    }
}

pub(crate) fn names(directory: &Utf8Path, known: &[&str]) -> Vec<String> {
    let entries =
        directory.read_dir_utf8().into_iter().flatten().map(|entry| entry.unwrap().file_name().to_owned());
    let mut names: Vec<String> = entries.filter(|name| !known.contains(&name.as_str())).collect();
    names.sort();
    names
}

struct Release {
    project: Project,
    with_archive: bool,
}

const ARCHIVE: &str = "_build/prod/demo-0.1.0.tar.gz";

impl Work for Release {
    fn name(&self) -> &str {
        if self.with_archive { "beamship release --tar" } else { "beamship release" }
    }

    fn below(&self) -> Utf8PathBuf {
        self.project.path.clone()
    }

    fn set_source(&self, source: Source) {
        self.project.set_source(source);
    }

    fn command(&self) -> Command {
        let arguments = ["release", "--no-compile", "--no-deps-check", "--quiet", "--tar"];
        self.project.beamship(&arguments[..if self.with_archive { 5 } else { 4 }])
    }

    fn artefact(&self) -> Artefact {
        if self.with_archive {
            // The release is published first: both are whole, and may be of different sources where the second fails.
            let mut both = Artefact::default();
            for (name, path) in
                [("release", self.project.target()), ("archive", self.project.path.join(ARCHIVE))]
            {
                both.add_whole(name, &Artefact::at(&path));
            }
            return both;
        }
        Artefact::at(&self.project.target())
    }

    fn is_made_of_files(&self) -> bool {
        self.with_archive
    }

    fn left_behind(&self) -> Vec<String> {
        let build = self.project.path.join("_build/prod");
        let mut names = names(&build.join("rel"), &["demo", ".demo.beamship-lock"]);
        names.extend(self::names(&build, &["rel", "lib", "beamship", "demo-0.1.0.tar.gz"]));
        names
    }

    fn check(&self, source: Source) {
        assert_eq!(self.project.version_of(&self.project.target()), (source as usize + 1).to_string());
    }
}

#[test]
fn calls_of_a_release_may_fail() {
    let work = Release { project: Project::new(false), with_archive: false };
    sweep(&work.project.sandbox, &work, Extent::Sample(10));
}

#[test]
fn calls_of_a_release_with_an_archive_may_fail() {
    let work = Release { project: Project::new(false), with_archive: true };
    sweep(&work.project.sandbox, &work, Extent::Sample(5));
}

/// An image of two releases that are there.
struct Image {
    project: Project,
    source: Cell<Source>,
    output: &'static str,
}

impl Image {
    fn new(output: &'static str) -> Self {
        let project = Project::new(true);
        for source in [Source::One, Source::Two] {
            project.set_source(source);
            let place = project.path.join(format!("{source:?}"));
            let arguments = ["release", "--no-compile", "--quiet", "--path", place.as_str()];
            succeed(&mut project.beamship(&arguments));
            thin_out(&place);
        }
        Self { project, output, source: Cell::new(Source::One) }
    }

    fn output(&self) -> Utf8PathBuf {
        self.project.path.join("images").join(self.output)
    }
}

/// Takes most modules out of a release: it does not run any more, but every kind of file is still there, and the calls
/// are few enough to let each of them fail.
fn thin_out(release: &Utf8Path) {
    let manifest = release.join("releases/MANIFEST");
    let mut seen = HashSet::new();
    let mut kept = String::new();
    for line in std::fs::read_to_string(&manifest).unwrap().lines() {
        let directory = Utf8Path::new(line).parent().unwrap();
        if line.ends_with(".beam") && !line.contains("/demo-") && !seen.insert(directory.to_owned()) {
            std::fs::remove_file(release.join(line)).unwrap();
        } else {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    std::fs::write(manifest, kept).unwrap();
}

impl Work for Image {
    fn name(&self) -> &str {
        self.output
    }

    fn below(&self) -> Utf8PathBuf {
        self.project.path.clone()
    }

    fn set_source(&self, source: Source) {
        self.source.set(source);
    }

    fn command(&self) -> Command {
        let mut command = self.project.beamship(&["image", "--quiet", "--release"]);
        command
            .arg(format!("{:?}", self.source.get()))
            .arg("--output")
            .arg(self.output())
            .env("SOURCE_DATE_EPOCH", "1700000000");
        command
    }

    fn artefact(&self) -> Artefact {
        let output = self.output();
        if output.is_file() {
            return Artefact::at(&output);
        }
        // What the index refers to; a blob that nothing refers to does no harm.
        let mut found = Artefact::default();
        let Ok(index) = std::fs::read_to_string(output.join("index.json")) else { return found };
        found.add_whole("index", &Artefact::at(&output.join("index.json")));
        let mut left = vec![index];
        while let Some(text) = left.pop() {
            for part in text.split("sha256:").skip(1) {
                let digest = &part[..64];
                let blob = output.join("blobs/sha256").join(digest);
                if found.0.contains_key(Utf8Path::new(digest)) {
                    continue;
                }
                let bytes = std::fs::read(&blob).unwrap_or_default();
                found.add_whole(digest, &Artefact::at(&blob));
                if bytes.starts_with(b"{") && bytes.windows(9).any(|part| part == b"mediaType") {
                    left.push(String::from_utf8(bytes).unwrap());
                }
            }
        }
        found
    }

    fn left_behind(&self) -> Vec<String> {
        let mut names = names(&self.project.path.join("images"), &[self.output]);
        if !self.output().is_file() {
            names.extend(self::names(&self.output(), &["blobs", "index.json", "oci-layout"]));
            let blobs = self.output().join("blobs/sha256");
            names.extend(self::names(&blobs, &[]).into_iter().filter(|name| name.len() != 64));
        }
        names
    }
}

#[test]
fn calls_of_an_image_in_a_layout_may_fail() {
    let work = Image::new("layout");
    sweep(&work.project.sandbox, &work, Extent::Sample(10));
}

#[test]
fn calls_of_an_image_in_an_archive_may_fail() {
    let work = Image::new("archive.tar");
    sweep(&work.project.sandbox, &work, Extent::Sample(6));
}

struct Digest {
    sandbox: Sandbox,
}

impl Digest {
    fn assets(&self) -> Utf8PathBuf {
        self.sandbox.join("demo/priv/static")
    }
}

impl Work for Digest {
    fn name(&self) -> &str {
        "beamship digest"
    }

    fn below(&self) -> Utf8PathBuf {
        self.sandbox.join("demo")
    }

    fn set_source(&self, source: Source) {
        let assets = self.assets();
        std::fs::create_dir_all(assets.join("css")).unwrap();
        std::fs::write(assets.join("css/app.css"), "a{b:url(/x.png)}".repeat(20)).unwrap();
        std::fs::write(assets.join("x.png"), format!("{source:?}")).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = self.sandbox.beamship(&self.sandbox.join("demo"), &["digest", "--quiet"]);
        command.env("SOURCE_DATE_EPOCH", "1700000000");
        command
    }

    /// The manifest, and what it says is there: each file for itself.
    fn artefact(&self) -> Artefact {
        let mut found = Artefact::at(&self.assets());
        found.0.retain(|path, _| !path.file_name().is_some_and(|name| name.starts_with('.')));
        found.0.retain(|path, _| {
            path.extension().is_some_and(|extension| extension != "png") || path.as_str().contains('-')
        });
        found
    }

    fn is_made_of_files(&self) -> bool {
        true
    }

    fn left_behind(&self) -> Vec<String> {
        let mut names = names(&self.assets(), &[]);
        names.extend(self::names(&self.assets().join("css"), &[]));
        names.retain(|name| name.starts_with('.'));
        names
    }

    fn contradiction(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.assets().join("cache_manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
        let digests = manifest["digests"].as_object().unwrap();
        digests.iter().find_map(|(path, known)| {
            let is_there = self.assets().join(path).is_file();
            (!is_there || known["size"].as_u64() == Some(0)).then(|| format!("{path} is not there"))
        })
    }
}

#[test]
fn calls_of_a_digest_may_fail() {
    let work = Digest { sandbox: Sandbox::new() };
    sweep(&work.sandbox, &work, Extent::Sample(40));
}

/// Files for a deployment, which name the release.
struct Generated {
    sandbox: Sandbox,
}

impl Work for Generated {
    fn name(&self) -> &str {
        "beamship gen"
    }

    fn below(&self) -> Utf8PathBuf {
        self.sandbox.join("demo")
    }

    fn set_source(&self, source: Source) {
        let project = self.below();
        let text = format!(
            "defmodule Demo.MixProject do
  use Mix.Project
  def project, do: [app: :demo, version: \"0.1.0\", releases: [{}: []]]
end
",
            if source == Source::One { "one" } else { "two" }
        );
        std::fs::create_dir_all(&project).unwrap();
        std::fs::write(project.join("mix.exs"), text).unwrap();
    }

    fn command(&self) -> Command {
        self.sandbox.beamship(&self.below(), &["gen", "docker", "fly", "--force", "--quiet"])
    }

    fn artefact(&self) -> Artefact {
        let mut found = Artefact::at(&self.below());
        found.0.retain(|path, _| ["Dockerfile", ".dockerignore", "fly.toml"].contains(&path.as_str()));
        found
    }

    fn is_made_of_files(&self) -> bool {
        true
    }

    fn left_behind(&self) -> Vec<String> {
        names(&self.below(), &["Dockerfile", ".dockerignore", "fly.toml", "mix.exs", "_build"])
    }
}

#[test]
fn calls_of_generating_files_may_fail() {
    let work = Generated { sandbox: Sandbox::new() };
    sweep(&work.sandbox, &work, Extent::Sample(8));
}

/// The modules that a start uses, of which one is another when the flags are.
struct Profile {
    project: Project,
    source: Cell<Source>,
}

impl Work for Profile {
    fn name(&self) -> &str {
        "beamship profile-boot"
    }

    fn below(&self) -> Utf8PathBuf {
        self.project.path.clone()
    }

    fn set_source(&self, source: Source) {
        self.source.set(source);
    }

    fn command(&self) -> Command {
        let flags = if self.source.get() == Source::One { "-s digraph new" } else { "-s dict new" };
        let mut command = self.project.beamship(&["profile-boot", "--quiet"]);
        command.env("ERL_FLAGS", flags);
        command
    }

    fn artefact(&self) -> Artefact {
        // What else a start uses depends on its moment: whether it was asked before it was ready, for instance.
        let text = std::fs::read_to_string(self.project.path.join("rel/boot.profile")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let is_whole =
            text.ends_with('\n') && ["application", "user_sup"].iter().all(|name| lines.contains(name));
        let mut found = Artefact::default();
        for name in ["digraph", "dict"].into_iter().filter(|name| lines.contains(name)) {
            found.add_note(name, is_whole);
        }
        found
    }

    fn left_behind(&self) -> Vec<String> {
        names(&self.project.path.join("rel"), &["boot.profile", "overlays"])
    }
}

#[test]
fn calls_of_profiling_a_start_may_fail() {
    let work = Profile { project: Project::new(false), source: Cell::new(Source::One) };
    sweep(&work.project.sandbox, &work, Extent::Sample(6));
}
