//! Whether a boot list can start: what `Mix.Release.make_boot_script/4` checks before it calls `systools`, and what `systools_make`
//! checks itself.

use std::collections::HashMap;

use etf::Atom;

use super::Booted;
use crate::error::ReleaseError;
use crate::graph::Graph;
use crate::mode::Mode;
use crate::spec::ReleaseSpec;

/// Mix's checks: everything that an application needs is in the list, and started if the application is.
pub(super) fn modes(spec: &ReleaseSpec, graph: &Graph, list: &[(Atom, Mode)]) -> Result<(), ReleaseError> {
    let mode_of: HashMap<&Atom, Mode> = list.iter().map(|(name, mode)| (name, *mode)).collect();
    for (name, mode) in list {
        if spec.skip_mode_validation_for.contains(name) {
            continue;
        }
        let Some(application) = graph.applications.get(name) else { continue };
        for dependency in &application.applications {
            match mode_of.get(dependency) {
                None if application.optional_applications.contains(dependency) => {}
                None => {
                    return Err(ReleaseError::DependencyNotListed {
                        application: name.clone(),
                        dependency: dependency.clone(),
                    });
                }
                Some(dependency_mode) if mode.starts() && !dependency_mode.starts() => {
                    return Err(ReleaseError::DependencyNotStarted {
                        application: name.clone(),
                        mode: *mode,
                        dependency: dependency.clone(),
                        dependency_mode: *dependency_mode,
                    });
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}

/// The checks of `systools_make`, in its order.
pub(super) fn applications(booted: &[Booted<'_>]) -> Result<(), ReleaseError> {
    mandatory(booted)?;
    undefined(booted)?;
    registered_names(booted)?;
    inclusions(booted)?;
    modules(booted)
}

fn mandatory(booted: &[Booted<'_>]) -> Result<(), ReleaseError> {
    for application in ["kernel", "stdlib"] {
        let found = match booted.iter().find(|item| item.application.name == application) {
            Some(item) if item.mode == Mode::Permanent => continue,
            Some(item) => format!("with mode `{}`", item.mode),
            None => "absent".to_owned(),
        };
        return Err(ReleaseError::MandatoryApplication { application, found });
    }
    Ok(())
}

/// Applications that are needed or included must be in the list, optional ones excepted.
fn undefined(booted: &[Booted<'_>]) -> Result<(), ReleaseError> {
    for item in booted {
        let optional = &item.application.optional_applications;
        let needed = item.uses.iter().filter(|name| !optional.contains(name)).chain(&item.includes);
        for name in needed {
            if !booted.iter().any(|other| other.application.name == *name) {
                return Err(ReleaseError::DependencyNotListed {
                    application: item.application.name.clone(),
                    dependency: name.clone(),
                });
            }
        }
    }
    Ok(())
}

fn registered_names(booted: &[Booted<'_>]) -> Result<(), ReleaseError> {
    let mut owner: HashMap<&Atom, &Atom> = HashMap::new();
    for item in booted {
        for name in &item.application.registered {
            if let Some(first) = owner.insert(name, &item.application.name) {
                return Err(ReleaseError::DuplicateRegisteredName {
                    name: name.clone(),
                    first: first.clone(),
                    second: item.application.name.clone(),
                });
            }
        }
    }
    Ok(())
}

fn inclusions(booted: &[Booted<'_>]) -> Result<(), ReleaseError> {
    let mut owner: HashMap<&Atom, &Atom> = HashMap::new();
    for item in booted {
        for name in &item.includes {
            if let Some(first) = owner.insert(name, &item.application.name) {
                return Err(ReleaseError::DuplicateInclusion {
                    application: name.clone(),
                    first: first.clone(),
                    second: item.application.name.clone(),
                });
            }
        }
    }
    Ok(())
}

fn modules(booted: &[Booted<'_>]) -> Result<(), ReleaseError> {
    let mut owner: HashMap<&Atom, &Booted<'_>> = HashMap::new();
    for item in booted {
        for module in &item.application.modules {
            if let Some(first) = owner.insert(module, item) {
                return Err(ReleaseError::DuplicateModule {
                    module: module.clone(),
                    first: first.application.name.clone(),
                    first_path: first.application.directory.clone(),
                    second: item.application.name.clone(),
                    second_path: item.application.directory.clone(),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use etf::Atom;

    use crate::BootScript;
    use crate::graph::Graph;
    use crate::memory::{Memory, machine, spec};
    use crate::spec::ReleaseSpec;

    fn failure(spec: &ReleaseSpec, machine: &Memory) -> String {
        let graph = Graph::resolve(spec, machine).unwrap();
        BootScript::make(spec, &graph, &graph.start).unwrap_err().to_string()
    }

    fn with_modes(modes: &[(&str, &str)]) -> ReleaseSpec {
        let mut spec = spec();
        spec.applications = modes.iter().map(|(name, mode)| (Atom::new(name), Atom::new(mode))).collect();
        spec
    }

    #[test]
    fn what_a_started_application_needs_is_started() {
        let message = failure(&with_modes(&[("elixir", "none")]), &machine(&[]));
        assert!(
            message.starts_with(
                "the application `demo` has mode `permanent` but it depends on `elixir`, which is set to `none`"
            ),
            "{message}"
        );
    }

    /// `skip_mode_validation_for`.
    #[test]
    fn validation_of_modes_can_be_skipped() {
        let mut spec = with_modes(&[("elixir", "load")]);
        spec.skip_mode_validation_for = vec![Atom::new("demo"), Atom::new("iex")];
        let graph = Graph::resolve(&spec, &machine(&[])).unwrap();
        assert!(BootScript::make(&spec, &graph, &graph.start).is_ok());
        assert!(BootScript::make(&spec, &graph, &graph.start_clean).is_ok());
    }

    #[test]
    fn leaves_and_whole_subtrees_need_not_be_started() {
        let mut machine = machine(&[]);
        machine.application("/build/lib/top", "top", "1", &["leaf"], "");
        machine.application("/build/lib/leaf", "leaf", "1", &[], "");
        for modes in [[("leaf", "none"), ("top", "none")], [("leaf", "load"), ("top", "load")]] {
            let mut spec = with_modes(&modes);
            for name in ["top", "leaf"] {
                spec.application_directories.insert(Atom::new(name), format!("/build/lib/{name}").into());
            }
            let graph = Graph::resolve(&spec, &machine).unwrap();
            assert!(BootScript::make(&spec, &graph, &graph.start).is_ok());
        }
    }

    #[test]
    fn kernel_and_stdlib_are_permanent() {
        let mut spec = with_modes(&[("stdlib", "temporary")]);
        spec.skip_mode_validation_for = vec![Atom::new("demo")];
        assert_eq!(
            failure(&spec, &machine(&[])),
            "the application `stdlib` must be part of the release with mode `permanent`, not with mode `temporary`"
        );
    }

    #[test]
    fn modules_and_registered_names_have_one_owner() {
        let mut machine = machine(&["other"]);
        machine.application("/build/lib/other", "other", "1", &[], ", {x, 1}");
        let mut spec = spec();
        spec.application_directories.insert(Atom::new("other"), "/build/lib/other".into());
        let app = |modules: &str, registered: &str| {
            format!(
                "{{application, other, [{{description, \"\"}}, {{vsn, \"1\"}}, {{modules, [{modules}]}}, \
                 {{registered, [{registered}]}}, {{applications, []}}]}}."
            )
        };
        machine.file("/build/lib/other/ebin/other.app", app("demo_module", ""), 0o644);
        let message = failure(&spec, &machine);
        assert!(message.starts_with("the module `demo_module` is in both `demo` and `other`"), "{message}");
        assert!(message.contains("/build/lib/other") && message.contains("/build/lib/demo"), "{message}");

        machine.file("/build/lib/other/ebin/other.app", app("", "here"), 0o644);
        let text = "{application, demo, [{description, \"\"}, {vsn, \"1\"}, {modules, []}, {registered, [here]}, \
                    {applications, [kernel, other]}]}.";
        machine.file("/build/lib/demo/ebin/demo.app", text, 0o644);
        let message = failure(&spec, &machine);
        assert!(
            message.starts_with("the applications `demo` and `other` both register the name `here`"),
            "{message}"
        );
    }

    #[test]
    fn circles_are_refused() {
        let mut machine = machine(&["left"]);
        machine.application("/build/lib/left", "left", "1", &["right"], "");
        machine.application("/build/lib/right", "right", "1", &["left"], "");
        let mut spec = spec();
        for name in ["left", "right"] {
            spec.application_directories.insert(Atom::new(name), format!("/build/lib/{name}").into());
        }
        let message = failure(&spec, &machine);
        assert!(message.contains("in a circle") && message.contains("`left`, `right`"), "{message}");
    }
}
