//! Generated files, looked at by those who will read them: Phoenix's cases, YAML and TOML, shellcheck, systemd.

#![allow(clippy::disallowed_methods, reason = "these tests run programs")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may fail"
)]

mod cases;
mod readers;

use std::collections::BTreeSet;

use beamship_generate::{File, Options, OwnApplication, Part, Project, files};

pub(crate) fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A project of Phoenix's generator.
pub(crate) fn phoenix() -> Project {
    Project {
        release: "my_shop".to_owned(),
        applications: vec![OwnApplication {
            name: "my_shop".to_owned(),
            path: String::new(),
            module: "MyShop".to_owned(),
            has_repositories: true,
            aliases: names(&[]),
        }],
        dependencies: names(&["phoenix", "ecto_sql", "postgrex", "bandit", "dns_cluster"]),
        has_hex: true,
        aliases: names(&["assets.setup", "assets.deploy"]),
        elixir: "1.18.3".to_owned(),
        otp: "27".to_owned(),
        versions_from: ".tool-versions".to_owned(),
        present: names(&[
            "mix.lock",
            "priv",
            "lib",
            "assets",
            "config/config.exs",
            "config/prod.exs",
            "config/runtime.exs",
        ]),
        ..Project::default()
    }
}

/// An umbrella with a repository in one application and pages in the other.
pub(crate) fn umbrella() -> Project {
    let application = |name: &str, module: &str, has_repositories, aliases: &[&str]| OwnApplication {
        name: name.to_owned(),
        path: format!("apps/{name}"),
        module: module.to_owned(),
        has_repositories,
        aliases: names(aliases),
    };
    Project {
        release: "all".to_owned(),
        is_umbrella: true,
        applications: vec![
            application("shop", "Shop", true, &[]),
            application("shop_web", "ShopWeb", false, &["assets.setup", "assets.deploy"]),
        ],
        aliases: names(&[]),
        present: names(&["mix.lock", "config/config.exs", "config/runtime.exs", "apps/shop_web/assets"]),
        ..phoenix()
    }
}

pub(crate) fn generated(project: &Project, parts: &[Part]) -> Vec<File> {
    files(project, parts, Options::default()).unwrap()
}

pub(crate) fn text(project: &Project, parts: &[Part], path: &str) -> String {
    let files = generated(project, parts);
    let file = files.iter().find(|file| file.path == path);
    file.unwrap_or_else(|| panic!("{path} is not among {files:?}")).text.clone()
}
