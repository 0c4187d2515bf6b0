//! Which file of a release is in which layer.
//!
//! A registry transfers and keeps whole layers. So what changes together is in one layer, and what changes seldom lies
//! below what changes often: the system, Erlang, Elixir, the dependencies, the release's own files, and on top the code of
//! the application, the only layer that has to be made again when a line is changed.
//!
//! Some of a release stays out. Its cookie is a secret. The list of its files serves a directory that is replaced, which an
//! image never is. Programs of ERTS that compile, test or talk to a terminal, and the shell scripts of ERTS and Elixir,
//! have no use in a container whose release has a native launcher.

use std::collections::{BTreeMap, BTreeSet};

use contract::{COOKIE, MANIFEST};
use tree::{Conflict, Node, PathError, Tree, TreePath};

/// Where a release is in its image.
pub const RELEASE_ROOT: &str = "app";

/// The applications of Elixir itself.
const ELIXIR: [&str; 6] = ["eex", "elixir", "ex_unit", "iex", "logger", "mix"];

/// The programs of ERTS that a running system uses.
const ERTS_PROGRAMS: [&str; 6] = ["beam.smp", "epmd", "erl_child_setup", "erlexec", "heart", "inet_gethost"];

/// A layer of an image, the lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerKind {
    /// Libraries and files of the system.
    System,
    /// ERTS, OTP's applications and the launcher.
    Erlang,
    /// Elixir's applications.
    Elixir,
    /// The dependencies.
    Dependencies,
    /// Boot scripts, configuration, overlays, consolidated protocols and the `priv` of the applications.
    Release,
    /// The code of the project's own applications.
    Application,
}

impl LayerKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Erlang => "erlang",
            Self::Elixir => "elixir",
            Self::Dependencies => "dependencies",
            Self::Release => "release",
            Self::Application => "application",
        }
    }

    /// Whether files of it are served to browsers, which compare times of modification.
    pub(crate) fn has_assets(self) -> bool {
        self == Self::Release
    }
}

/// The applications of OTP, releases 25 to 29.
const OTP: [&str; 39] = [
    "asn1",
    "common_test",
    "compiler",
    "crypto",
    "debugger",
    "dialyzer",
    "diameter",
    "edoc",
    "eldap",
    "erl_docgen",
    "erl_interface",
    "erts",
    "et",
    "eunit",
    "ftp",
    "inets",
    "jinterface",
    "kernel",
    "megaco",
    "mnesia",
    "observer",
    "odbc",
    "os_mon",
    "parsetools",
    "public_key",
    "reltool",
    "runtime_tools",
    "sasl",
    "snmp",
    "ssh",
    "ssl",
    "stdlib",
    "syntax_tools",
    "tftp",
    "tools",
    "wx",
    "xmerl",
    "hipe",
    "otp_mibs",
];

/// Sorts the files of a release into layers. `own` are the project's own applications, which its developers change. Modes
/// are reduced to what every user may have.
///
/// # Errors
///
/// Never for the tree of a release that could be written to a directory.
pub fn layers(
    release: &Tree,
    name: &str,
    own: &BTreeSet<String>,
) -> Result<BTreeMap<LayerKind, Tree>, ContentsError> {
    let mut layers = BTreeMap::new();
    let mut entries = release.entries().peekable();
    while let Some(entry) = entries.next() {
        // A directory comes with what it holds. It is right before it.
        let holds = entries.peek().is_some_and(|next| next.path.parent().as_ref() == Some(entry.path));
        if matches!(entry.node, Node::Directory { .. }) && holds {
            continue;
        }
        let Some(kind) = kind(entry.path.as_str(), name, own) else { continue };
        let path = TreePath::new(format!("{RELEASE_ROOT}/{}", entry.path))?;
        layers.entry(kind).or_insert_with(Tree::new).add(path, readable(entry.node))?;
    }
    Ok(layers)
}

/// Two files want one place, or a place cannot be.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum ContentsError {
    /// A path cannot be in a tree.
    Path(#[from] PathError),
    /// Two entries want one place.
    Conflict(#[from] Conflict),
}

/// An image must not depend on the umask of a checkout, nor hold a file that its user cannot read: it runs as a user that
/// owns nothing.
fn readable(node: &Node) -> Node {
    match node {
        Node::Directory { .. } => Node::Directory { mode: 0o755 },
        Node::File { mode, content } => {
            let mode = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
            Node::File { mode, content: content.clone() }
        }
        Node::Link { target } => Node::Link { target: target.clone() },
    }
}

/// The layer of a path of a release; none when it stays out.
fn kind(path: &str, name: &str, own: &BTreeSet<String>) -> Option<LayerKind> {
    if path == COOKIE || path == MANIFEST {
        return None;
    }
    let mut parts = path.splitn(3, '/');
    let (first, second, rest) = (parts.next()?, parts.next(), parts.next());
    if first.starts_with("erts-") {
        return is_needed_at_runtime(second, rest).then_some(LayerKind::Erlang);
    }
    match (first, second) {
        ("bin", Some(file)) if file == name => Some(LayerKind::Erlang),
        ("bin", Some(file)) if file.ends_with(".bat") => None,
        ("releases", Some(_)) if matches!(rest, Some("elixir" | "iex")) => None,
        ("releases", Some(_)) if rest.is_some_and(|rest| rest.ends_with(".bat")) => None,
        ("lib", Some(directory)) => {
            let application = directory.split_once('-').map_or(directory, |(application, _)| application);
            Some(application_layer(application, rest, own))
        }
        _ => Some(LayerKind::Release),
    }
}

fn application_layer(application: &str, rest: Option<&str>, own: &BTreeSet<String>) -> LayerKind {
    if own.contains(application) {
        let is_code = rest.is_some_and(|rest| rest == "ebin" || rest.starts_with("ebin/"));
        return if is_code { LayerKind::Application } else { LayerKind::Release };
    }
    if OTP.contains(&application) {
        return LayerKind::Erlang;
    }
    if ELIXIR.contains(&application) { LayerKind::Elixir } else { LayerKind::Dependencies }
}

/// Whether a running system needs a file of ERTS.
fn is_needed_at_runtime(directory: Option<&str>, rest: Option<&str>) -> bool {
    match (directory, rest) {
        (Some("bin"), Some(program)) => ERTS_PROGRAMS.contains(&program),
        (Some("bin" | "src" | "include" | "man" | "doc"), _) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use tree::Content;

    use super::*;

    #[test]
    fn every_file_has_its_layer_or_stays_out() {
        let own = ["shop", "shop_web"].map(str::to_owned).into();
        let cases = [
            ("erts-13.1/bin/beam.smp", Some(LayerKind::Erlang)),
            ("erts-13.1/bin/erl", None),
            ("erts-13.1/bin/dialyzer", None),
            ("bin/shop", Some(LayerKind::Erlang)),
            ("bin/shop.bat", None),
            ("bin/migrate", Some(LayerKind::Release)),
            ("lib/kernel-8.5/ebin/kernel.beam", Some(LayerKind::Erlang)),
            ("lib/elixir-1.18.3/ebin/elixir.beam", Some(LayerKind::Elixir)),
            ("lib/telemetry_metrics-1.0.0/ebin/x.beam", Some(LayerKind::Dependencies)),
            ("lib/shop-1.0.0-rc.1/ebin/shop.beam", Some(LayerKind::Application)),
            ("lib/shop-1.0.0/ebin/shop.beam", Some(LayerKind::Application)),
            ("lib/shop_web-1.0.0/priv/static/app.js", Some(LayerKind::Release)),
            ("releases/COOKIE", None),
            ("releases/MANIFEST", None),
            ("releases/1.0.0/start.boot", Some(LayerKind::Release)),
            ("releases/1.0.0/iex", None),
            ("releases/start_erl.data", Some(LayerKind::Release)),
            ("etc/extra", Some(LayerKind::Release)),
        ];
        for (path, expected) in cases {
            assert_eq!(kind(path, "shop", &own), expected, "{path}");
        }
    }

    #[test]
    fn everybody_may_read_it() {
        let mut release = Tree::new();
        let content = Content::Bytes((*b"x").into());
        let mut add = |path: &str, mode| {
            let node = Node::File { mode, content: content.clone() };
            release.add(TreePath::new(path).unwrap(), node).unwrap();
        };
        add("etc/secret", 0o600);
        add("etc/run", 0o700);
        release.add(TreePath::new("lib/a-1/priv").unwrap(), Node::Directory { mode: 0o700 }).unwrap();
        let layers = layers(&release, "a", &BTreeSet::new()).unwrap();
        let modes: Vec<_> = layers
            .values()
            .flat_map(Tree::entries)
            .map(|entry| match entry.node {
                Node::File { mode, .. } | Node::Directory { mode } => (entry.path.as_str(), *mode),
                Node::Link { .. } => unreachable!(),
            })
            .filter(|(path, _)| !["app", "app/lib", "app/lib/a-1", "app/etc"].contains(path))
            .collect();
        assert_eq!(modes, [("app/lib/a-1/priv", 0o755), ("app/etc/run", 0o755), ("app/etc/secret", 0o644)]);
    }
}
