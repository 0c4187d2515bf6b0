//! The programs and schemas that read generated files.

use std::process::Command;

use beamship_generate::{Part, Project};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Service;

use crate::{generated, names, phoenix, text, umbrella};

const ALL: [Part; 6] =
    [Part::Release, Part::Docker, Part::Entrypoint, Part::Fly, Part::Systemd, Part::Kubernetes];

fn projects() -> [Project; 3] {
    let plain = Project {
        dependencies: names(&[]),
        has_hex: false,
        aliases: names(&[]),
        present: names(&["lib"]),
        ..phoenix()
    };
    [phoenix(), umbrella(), plain]
}

#[test]
fn kubernetes_knows_every_field() {
    for project in projects() {
        let yaml = text(&project, &ALL, "deploy/kubernetes.yaml");
        let mut kinds = Vec::new();
        for document in yaml.split("\n---\n") {
            let value: serde_json::Value =
                serde_saphyr::from_str(document).unwrap_or_else(|error| panic!("{error}\n{document}"));
            let kind = value["kind"].as_str().unwrap().to_owned();
            // What the types do not know is lost on the way through them.
            let through = match kind.as_str() {
                "Job" => serde_json::to_value(serde_json::from_value::<Job>(value.clone()).unwrap()),
                "Deployment" => {
                    serde_json::to_value(serde_json::from_value::<Deployment>(value.clone()).unwrap())
                }
                "Service" => serde_json::to_value(serde_json::from_value::<Service>(value.clone()).unwrap()),
                other => panic!("{other}"),
            };
            assert_eq!(through.unwrap(), value, "{document}");
            kinds.push(kind);
        }
        let expected: &[&str] = if project.dependencies.contains("ecto_sql") {
            &["Job", "Deployment", "Service", "Service"]
        } else {
            &["Deployment", "Service", "Service"]
        };
        assert_eq!(kinds, expected);
    }
}

#[test]
fn fly_is_toml() {
    for project in projects() {
        let table: toml::Table = toml::from_str(&text(&project, &ALL, "fly.toml")).unwrap();
        assert_eq!(table["http_service"]["internal_port"].as_integer(), Some(8080));
        assert_eq!(table["env"]["PORT"].as_str(), Some("8080"));
        let migrates = project.dependencies.contains("ecto_sql");
        assert_eq!(table.get("deploy").is_some(), migrates);
    }
}

/// Writes a file where a program can read it.
fn written(directory: &tempfile::TempDir, name: &str, text: &str) -> std::path::PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn scripts_pass_shellcheck() {
    if Command::new("shellcheck").arg("--version").output().is_err() {
        testing::skip("there is no shellcheck");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut checked = 0;
    for project in projects() {
        for file in generated(&project, &ALL).into_iter().filter(|file| file.text.starts_with("#!")) {
            let path = written(&directory, "script", &file.text);
            let output = Command::new("shellcheck").arg(&path).output().unwrap();
            assert!(output.status.success(), "{}\n{}", file.path, String::from_utf8_lossy(&output.stdout));
            checked += 1;
        }
    }
    assert!(checked >= 6, "{checked}");
}

#[test]
fn the_unit_passes_systemd() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        testing::skip("there is no systemd-analyze");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for project in projects() {
        let path = format!("deploy/{}.service", project.release);
        // Its programs are not installed here.
        let unit = text(&project, &ALL, &path);
        let unit: String = unit
            .lines()
            .map(|line| match line.split_once('=') {
                Some((key @ ("ExecStart" | "ExecStartPre"), _)) => format!("{key}=/bin/true\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let path = written(&directory, "unit.service", &unit);
        let output =
            Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let about_it: Vec<&str> = said.lines().filter(|line| line.contains("unit.service")).collect();
        assert!(about_it.is_empty() && output.status.success(), "{said}");
    }
}
