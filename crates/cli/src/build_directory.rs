//! Where Mix builds, as far as the environment says it.
//!
//! Commands that start no virtual machine cannot ask Mix, so a `build_path:` in `mix.exs` they do not see.

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
    let root = variable("MIX_BUILD_ROOT").unwrap_or_else(|| "_build".to_owned());
    let environment = variable("MIX_ENV").unwrap_or_else(|| "prod".to_owned());
    let directory = match variable("MIX_TARGET").filter(|target| target != "host") {
        Some(target) => format!("{target}_{environment}"),
        None => environment,
    };
    project.join(root).join(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

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
