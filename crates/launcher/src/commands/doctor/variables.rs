//! The variables that `runtime.exs` asks for.

use diagnosis::Findings;
use diagnosis::runtime_configuration::{Need, variables};

use super::DoctorContext;
use crate::configuration::Configuration;

/// The most bytes of a configuration that are read.
const LARGEST_CONFIGURATION: usize = 1 << 20;

const CHECK: &str = "variables";

/// The variable that a Phoenix application needs to listen.
const PHX_SERVER: &str = "PHX_SERVER";

pub(super) fn check(context: &DoctorContext<'_>, findings: &mut Findings) {
    let path = context.release.version_directory().join("runtime.exs");
    let Ok(source) = std::fs::read(&path) else {
        findings
            .ok(CHECK, format_args!("there is no runtime.exs: the system is configured when it is built"));
        return;
    };
    let source = String::from_utf8_lossy(source.get(..LARGEST_CONFIGURATION).unwrap_or(&source)).into_owned();
    // The launcher sets its own for the system.
    let is_set = |name: &str| name.starts_with("RELEASE_") || std::env::var_os(name).is_some();
    let environment =
        context.configuration.as_ref().map_or_else(|| "prod".to_owned(), Configuration::environment);
    let mut needed = Vec::new();
    let mut is_missing = false;
    for found in variables(&source, &environment, &is_set) {
        let names = found.names.join(" or ");
        let is_there = found.names.iter().any(|name| is_set(name));
        if found.need == Need::Certain {
            needed.push(names.clone());
        }
        match (is_there, found.need) {
            (true, _) => findings.detail(CHECK, format_args!("{names} is set")),
            (false, Need::Certain) => {
                is_missing = true;
                findings.error(CHECK, format_args!("{names} is not set, but runtime.exs requires it (line {})", found.line), format_args!("set it where the system is started: in the container, the unit's EnvironmentFile=, or rel/env.sh.eex"));
            }
            (false, Need::Unclear) => findings.warning(
                CHECK,
                format_args!("{names} is not set, and runtime.exs may require it (line {})", found.line),
                format_args!(
                    "it stands under a condition that only the start can evaluate: set it, if that is met"
                ),
            ),
            (false, Need::None)
                if names == PHX_SERVER && !context.release.root.join("bin/server").exists() =>
            {
                findings.warning(CHECK, format_args!("{PHX_SERVER} is not set: `start` opens no port for requests"), format_args!("start the system with {PHX_SERVER}=true; `beamship gen release` writes a bin/server that does"));
            }
            (false, Need::None) => {
                findings
                    .detail(CHECK, format_args!("{names} is not set, and runtime.exs does not require it"));
            }
        };
    }
    if !is_missing {
        match needed.as_slice() {
            [] => findings.ok(CHECK, format_args!("runtime.exs requires none")),
            needed => {
                findings.ok(CHECK, format_args!("what runtime.exs needs is set: {}", needed.join(", ")));
            }
        }
    }
}
