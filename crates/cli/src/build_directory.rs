//! Where Mix builds, as far as the environment says it.
//!
//! Commands that start no virtual machine cannot ask Mix, so a `build_path:` in `mix.exs` they do not see. That of an umbrella's
//! applications, which all have the same, is known.

use camino::{Utf8Path, Utf8PathBuf};

/// The build directory of a project (`Mix.Project.build_path/1`): `MIX_BUILD_PATH`, else `_build/ENVIRONMENT` or
/// `_build/TARGET_ENVIRONMENT`, for production where `MIX_ENV` says nothing.
pub(crate) fn find(project: &Utf8Path) -> Utf8PathBuf {
    find_with(project, |name| std::env::var(name).ok())
}

fn find_with(project: &Utf8Path, variable: impl Fn(&str) -> Option<String>) -> Utf8PathBuf {
    let variable = |name| variable(name).filter(|value| !value.is_empty());
    if let Some(path) = variable("MIX_BUILD_PATH") {
        return project.join(path);
    }
    let root = variable("MIX_BUILD_ROOT").map_or_else(|| usual_root(project), Utf8PathBuf::from);
    let environment = variable("MIX_ENV").unwrap_or_else(|| "prod".to_owned());
    let directory = match variable("MIX_TARGET").filter(|target| target != "host") {
        Some(target) => format!("{target}_{environment}"),
        None => environment,
    };
    project.join(root).join(directory)
}

/// `_build`, in the directory of the umbrella for one of its applications.
fn usual_root(project: &Utf8Path) -> Utf8PathBuf {
    let own = project.join("_build");
    let umbrella = project.parent().and_then(Utf8Path::parent);
    match umbrella.map(|umbrella| (umbrella.join("mix.exs"), umbrella.join("_build"))) {
        Some((mix_exs, shared)) if !own.is_dir() && mix_exs.is_file() && shared.is_dir() => shared,
        _ => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_of_an_umbrella_is_built_with_the_others() {
        let directory = tempfile::tempdir().unwrap();
        let umbrella = Utf8Path::from_path(directory.path()).unwrap();
        let application = umbrella.join("apps/web");
        fs_err::create_dir_all(&application).unwrap();
        fs_err::write(umbrella.join("mix.exs"), "").unwrap();
        let found = || find_with(&application, |_| None);
        assert_eq!(found(), application.join("_build/prod"));
        fs_err::create_dir(umbrella.join("_build")).unwrap();
        assert_eq!(found(), umbrella.join("_build/prod"));
        // One with a build directory of its own.
        fs_err::create_dir(application.join("_build")).unwrap();
        assert_eq!(found(), application.join("_build/prod"));
    }

    #[test]
    fn the_variables_of_mix_are_followed() {
        let cases: [(&[(&str, &str)], &str); 7] = [
            (&[], "/p/_build/prod"),
            (&[("MIX_ENV", "staging")], "/p/_build/staging"),
            (&[("MIX_ENV", ""), ("MIX_TARGET", "host")], "/p/_build/prod"),
            (&[("MIX_TARGET", "rpi4")], "/p/_build/rpi4_prod"),
            (&[("MIX_BUILD_ROOT", "out"), ("MIX_ENV", "dev")], "/p/out/dev"),
            (&[("MIX_BUILD_PATH", "/tmp/b"), ("MIX_ENV", "dev")], "/tmp/b"),
            (&[("MIX_BUILD_PATH", "b"), ("MIX_TARGET", "rpi4")], "/p/b"),
        ];
        for (variables, expected) in cases {
            let variable = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(find_with("/p".into(), variable), expected, "{variables:?}");
        }
    }
}
