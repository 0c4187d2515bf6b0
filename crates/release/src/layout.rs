//! The layout of a release: which file goes where, with which mode. It is that of `Mix.Tasks.Release`.
//!
//! [`Plan::make`] is the whole of the crate's work: graph, boot scripts, configuration, and a [`Tree`] that names every
//! file. No byte of the tree is written here.

mod applications;
mod collect;
mod overlays;
mod profile;
mod runtime;
mod start_modules;
mod version_directory;

use std::thread::ScopedJoinHandle;

use camino::Utf8PathBuf;
use contract::{COOKIE, MANIFEST, START_ERL_DATA, StartErlData};
use tree::{Content, Node, Tree, TreePath};

use crate::error::ReleaseError;
use crate::graph::Graph;
use crate::source::FileSource;
use crate::spec::{Boot, ReleaseSpec};
pub use profile::{OwnCode, PROFILE, Profile};

/// What a release needs besides the project.
#[derive(Clone, Debug)]
pub struct Materials {
    /// The executable that becomes `bin/NAME`.
    pub launcher: Utf8PathBuf,
    /// The content of `releases/COOKIE`.
    pub cookie: Vec<u8>,
    /// What custom steps have put into the directory of the release before it is assembled. Whatever the release has at
    /// the same path wins.
    pub additional: Vec<(TreePath, Node)>,
}

/// A release, planned.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its applications and boot lists.
    pub graph: Graph,
    /// Its files.
    pub tree: Tree,
    /// What the user should know, although the release can be made.
    pub warnings: Vec<String>,
}

impl Plan {
    /// Plans a release.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the applications, the configuration or the files of the release.
    pub fn make(
        spec: &ReleaseSpec,
        materials: &Materials,
        source: &dyn FileSource,
    ) -> Result<Self, ReleaseError> {
        let graph = Graph::resolve(spec, source)?;
        let mut layout = Layout { spec, source, tree: Tree::new(), warnings: Vec::new() };
        let mut code = Layout { spec, source, tree: Tree::new(), warnings: Vec::new() };
        // Each of the three takes about as long.
        let (start, modules) = std::thread::scope(|scope| {
            let code = scope.spawn(|| code.code(&graph));
            let modules = has_fast_start(spec)
                .then(|| scope.spawn(|| start_modules::start_modules(spec, &graph, source)));
            let start = layout.version_directory(&graph)?;
            joined(code)?;
            Ok::<_, ReleaseError>((start, modules.map(joined).transpose()?))
        })?;
        if let Some(modules) = modules {
            layout.fast_start(&start, modules)?;
        }
        // The larger of the two trees takes the entries of the other one.
        std::mem::swap(&mut layout.tree, &mut code.tree);
        layout.tree.add_all(code.tree)?;
        layout.bytes(COOKIE, 0o400, materials.cookie.clone())?;
        let data =
            StartErlData { erts_version: spec.toolchain.erts.version.clone(), version: spec.version.clone() };
        layout.bytes(START_ERL_DATA, 0o644, data.to_string().into_bytes())?;
        // Empty when no executables are wanted.
        layout.tree.add(TreePath::new("bin")?, Node::Directory { mode: 0o755 })?;
        if let Some(command) = &spec.windows_command {
            layout.bytes(&format!("bin/{}.bat", spec.name), 0o755, command.clone().into_bytes())?;
        }
        if spec.unix_executables {
            let node = Node::File { mode: 0o755, content: Content::Copy(materials.launcher.clone()) };
            layout.tree.add(TreePath::new(format!("bin/{}", spec.name))?, node)?;
        }
        layout.overlays()?;
        for (path, node) in &materials.additional {
            if layout.tree.get(path).is_none() {
                layout.tree.replace(path.clone(), node.clone())?;
            }
        }
        let Layout { mut tree, warnings, .. } = layout;
        // It lists itself: a placeholder stands there while the list is made.
        let manifest = TreePath::new(MANIFEST)?;
        let file =
            |text: String| Node::File { mode: 0o644, content: Content::Bytes(text.into_bytes().into()) };
        tree.add(manifest.clone(), file(String::new()))?;
        let text = tree::manifest_text(&tree);
        tree.replace(manifest, file(text))?;
        Ok(Self { graph, tree, warnings })
    }
}

/// Whether a fast start is wanted, and possible: Mix's command for Windows knows nothing of it, and a system that starts again
/// after its configuration would load everything twice.
fn has_fast_start(spec: &ReleaseSpec) -> bool {
    spec.boot == Boot::Fast && spec.unix_executables && !spec.runtime.reboot
}

/// The result of a thread.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A tree in the making.
struct Layout<'a> {
    spec: &'a ReleaseSpec,
    source: &'a dyn FileSource,
    tree: Tree,
    warnings: Vec<String>,
}

impl Layout<'_> {
    /// What is copied: applications, consolidated protocols, and the runtime.
    fn code(&mut self, graph: &Graph) -> Result<(), ReleaseError> {
        for application in graph.applications.values() {
            self.application(application)?;
        }
        self.consolidated()?;
        self.runtime()
    }

    fn bytes(&mut self, path: &str, mode: u32, bytes: Vec<u8>) -> Result<(), ReleaseError> {
        let node = Node::File { mode, content: Content::Bytes(bytes.into()) };
        Ok(self.tree.add(TreePath::new(path)?, node)?)
    }

    /// A path below `releases/VSN`.
    fn version_path(&self, name: &str) -> String {
        format!("releases/{}/{name}", self.spec.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Memory, machine, spec};
    use crate::source::FileKind;

    fn plan(spec: &ReleaseSpec, machine: &Memory) -> Result<Plan, ReleaseError> {
        let materials = Materials {
            launcher: "/beamship-launcher".into(),
            cookie: b"secret".to_vec(),
            additional: Vec::new(),
        };
        Plan::make(spec, &materials, machine)
    }

    /// One line per entry: mode, path, and where a copy comes from.
    fn listing(plan: &Plan) -> Vec<String> {
        plan.tree
            .entries()
            .filter_map(|entry| match entry.node {
                Node::Directory { .. } => None,
                Node::Link { target } => Some(format!("link {} -> {target}", entry.path)),
                Node::File { mode, content: Content::Copy(from) } => {
                    Some(format!("{mode:o} {} = {from}", entry.path))
                }
                Node::File { mode, .. } => Some(format!("{mode:o} {}", entry.path)),
            })
            .collect()
    }

    #[test]
    fn a_release_has_its_files_in_their_places() {
        let mut machine = machine(&[]);
        machine.file("/build/lib/demo/priv/static/app.css", "", 0o640);
        machine.file("/build/lib/demo/priv/run", "", 0o700);
        machine.file("/build/lib/demo/src/secret.ex", "", 0o644);
        let listing = listing(&plan(&spec(), &machine).unwrap());
        for expected in [
            "755 bin/demo = /beamship-launcher",
            "755 erts-14.0/bin/erl",
            "755 erts-14.0/bin/erlexec = /otp/erts-14.0/bin/erlexec",
            "644 lib/demo-0.1.0/ebin/demo.app",
            "644 lib/demo-0.1.0/ebin/demo_module.beam = /build/lib/demo/ebin/demo_module.beam",
            "755 lib/demo-0.1.0/priv/run = /build/lib/demo/priv/run",
            "644 lib/demo-0.1.0/priv/static/app.css = /build/lib/demo/priv/static/app.css",
            "400 releases/COOKIE",
            "644 releases/MANIFEST",
            "644 releases/start_erl.data",
            "644 releases/0.1.0/demo.rel",
            "644 releases/0.1.0/env.sh",
            "644 releases/0.1.0/remote.vm.args",
            "644 releases/0.1.0/start.boot",
            "644 releases/0.1.0/start.script",
            "644 releases/0.1.0/start_clean.boot",
            "644 releases/0.1.0/start_clean.script",
            "644 releases/0.1.0/sys.config",
            "644 releases/0.1.0/vm.args",
        ] {
            assert!(listing.iter().any(|line| line == expected), "{expected} is not in {listing:#?}");
        }
        assert!(!listing.iter().any(|line| line.contains("/src/")), "{listing:#?}");
    }

    /// `include_erts: false`: the machine that the release runs on has OTP.
    #[test]
    fn without_erts_nothing_of_otp_is_copied() {
        let mut spec = spec();
        spec.toolchain.erts.source = None;
        let listing = listing(&plan(&spec, &machine(&[])).unwrap());
        assert!(!listing.iter().any(|line| line.contains("erts-14.0") || line.contains("kernel-9.0")));
        assert!(listing.iter().any(|line| line.contains("lib/elixir-1.18.3/ebin")));
    }

    #[test]
    fn overlays_override_and_keep_links() {
        let mut machine = machine(&[]);
        machine.file("/project/rel/overlays/bin/server", "", 0o755);
        machine.file("/project/rel/overlays/releases/0.1.0/vm.args", "", 0o600);
        machine.link("/project/rel/overlays/bin/other", "server", FileKind::File);
        machine.link("/project/rel/overlays/bin/later", "made-at-run-time", FileKind::DanglingLink);
        let mut spec = spec();
        spec.overlays = vec!["/project/rel/overlays".into()];
        let listing = listing(&plan(&spec, &machine).unwrap());
        for expected in [
            "755 bin/server = /project/rel/overlays/bin/server",
            "600 releases/0.1.0/vm.args = /project/rel/overlays/releases/0.1.0/vm.args",
            "link bin/other -> server",
            "link bin/later -> made-at-run-time",
        ] {
            assert!(listing.iter().any(|line| line == expected), "{expected} is not in {listing:#?}");
        }
        spec.overlays.push("/project/absent".into());
        let message = plan(&spec, &machine).unwrap_err().to_string();
        assert!(message.starts_with("cannot find the overlay directory `/project/absent`"), "{message}");
    }

    #[test]
    fn a_profile_of_something_else_is_told() {
        let warnings = |profile: Option<&str>| {
            let mut machine = machine(&[]);
            machine.application(
                "/build/lib/demo",
                "demo",
                "0.1.0",
                &["kernel"],
                ", {mod, {demo_module, []}}",
            );
            if let Some(profile) = profile {
                machine.file("/project/rel/boot.profile", profile, 0o644);
            }
            plan(&spec(), &machine).unwrap().warnings
        };
        assert_eq!(warnings(None), [""; 0]);
        // Out of date, which is not worth a warning.
        assert_eq!(warnings(Some("gone\ndemo_module\n")), [""; 0]);
        for other in ["", "# nothing\n", "gone\n", "lists\nElixir.Shop\nkernel_module\n"] {
            let warnings = warnings(Some(other));
            assert_eq!(warnings.len(), 1, "{other:?}");
            assert!(
                warnings[0].starts_with(
                    "`rel/boot.profile` names no module of this project or of its dependencies: "
                ),
                "{warnings:?}"
            );
            assert!(warnings[0].ends_with("\nhint: `beamship profile-boot` records it anew"), "{warnings:?}");
        }
    }

    #[test]
    fn broken_input_is_named() {
        let message = |change: &dyn Fn(&mut Memory)| {
            let mut machine = machine(&[]);
            change(&mut machine);
            plan(&spec(), &machine).unwrap_err().to_string()
        };
        let missing = message(&|machine| machine.remove("/build/lib/demo/ebin/demo_module.beam"));
        assert!(missing.starts_with("cannot find `/build/lib/demo/ebin/demo_module.beam`"), "{missing}");
        let damaged =
            message(&|machine| machine.file("/build/lib/demo/ebin/demo.app", "{application, demo, [", 0o644));
        assert!(damaged.starts_with("cannot read `/build/lib/demo/ebin/demo.app`: "), "{damaged}");
        let incomplete = message(&|machine| {
            machine.file("/build/lib/demo/ebin/demo.app", "{application, demo, []}.", 0o644);
        });
        assert!(incomplete.contains("the parameter `vsn` is missing"), "{incomplete}");
        let dangling = message(&|machine| {
            machine.link("/build/lib/demo/priv/lost", "../nowhere", FileKind::DanglingLink);
        });
        assert!(dangling.contains("`/build/lib/demo/priv/lost`: it is a link to `../nowhere`"), "{dangling}");
        let special = message(&|machine| machine.link("/build/lib/demo/priv/pipe", "x", FileKind::Special));
        assert!(special.contains("neither a file nor a directory"), "{special}");
    }
}
