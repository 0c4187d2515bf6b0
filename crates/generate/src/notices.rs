//! What a project's runtime configuration should ask for, and does not.

use crate::project::Project;

/// Something that `config/runtime.exs` lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The variable.
    pub variable: &'static str,
    /// What is missing, and what to write.
    pub text: String,
}

/// As Phoenix's generator says it: only for what concerns the project, and only where the name of the variable is nowhere in
/// the file.
pub fn notices(project: &Project) -> Vec<Notice> {
    let text = project.runtime_configuration.text.as_deref().unwrap_or_default();
    let adapters = ["postgrex", "myxql", "tds"];
    let has_server_database = adapters.iter().any(|adapter| project.depends_on(adapter));
    let web = project.applications.iter().find(|application| application.name.ends_with("_web"));
    let web = web.or(project.applications.first());
    let (application, module) = web.map(|web| (web.name.as_str(), web.module.as_str())).unwrap_or_default();
    let endpoint =
        if project.is_umbrella { format!("{module}.Endpoint") } else { format!("{module}Web.Endpoint") };
    let all = [
        (
            "ECTO_IPV6",
            project.has_ecto() && has_server_database,
            format!(
                "IPv6 connections to the database are not configured. Add to config/runtime.exs:\n\n    maybe_ipv6 = if System.get_env(\"ECTO_IPV6\") in ~w(true 1), do: [:inet6], else: []\n\n    config :{application}, {module}.Repo,\n      socket_options: maybe_ipv6"
            ),
        ),
        (
            "PHX_SERVER",
            project.has_phoenix(),
            format!(
                "bin/server sets PHX_SERVER, which nothing asks for. Add to config/runtime.exs:\n\n    if System.get_env(\"PHX_SERVER\") do\n      config :{application}, {endpoint}, server: true\n    end"
            ),
        ),
        (
            "PHX_HOST",
            project.has_phoenix(),
            format!(
                "the host in links is not configured. Add to config/runtime.exs:\n\n    host = System.get_env(\"PHX_HOST\") || \"example.com\"\n\n    config :{application}, {endpoint},\n      url: [host: host, port: 443, scheme: \"https\"]"
            ),
        ),
    ];
    all.into_iter()
        .filter(|(variable, concerns, _)| *concerns && !text.contains(variable))
        .map(|(variable, _, text)| Notice { variable, text })
        .collect()
}
