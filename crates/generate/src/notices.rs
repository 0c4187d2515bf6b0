//! What a project's runtime configuration should ask for, and does not.

use crate::project::Project;

/// How far code stands from the margin in a message.
const INDENTATION: &str = "    ";

/// Something that `config/runtime.exs` lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The environment variable that nothing reads.
    pub variable: &'static str,
    /// What is missing, as part of a sentence.
    pub message: &'static str,
    /// What to add to `config/runtime.exs`: Elixir code.
    pub snippet: String,
}

impl Notice {
    /// The code as it stands below the text of a message.
    pub fn indented_snippet(&self) -> String {
        let lines = self
            .snippet
            .lines()
            .map(|line| if line.is_empty() { String::new() } else { format!("{INDENTATION}{line}") });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// As Phoenix's generator says it: only for what concerns the project, and only where the name of the variable is nowhere in
/// the file.
pub fn notices(project: &Project) -> Vec<Notice> {
    let text = project.runtime_exs.as_deref().unwrap_or_default();
    let adapters = ["postgrex", "myxql", "tds"];
    let has_server_database = adapters.iter().any(|adapter| project.depends_on(adapter));
    let web = project.applications.iter().find(|application| application.name.ends_with("_web"));
    let web = web.or(project.applications.first());
    let (application, module) = web.map(|web| (web.name.as_str(), web.module.as_str())).unwrap_or_default();
    let endpoint =
        if project.is_umbrella { format!("{module}.Endpoint") } else { format!("{module}Web.Endpoint") };
    let ipv6 = Notice {
        variable: "ECTO_IPV6",
        message: "IPv6 connections to the database are not configured",
        snippet: format!(
            "maybe_ipv6 = if System.get_env(\"ECTO_IPV6\") in ~w(true 1), do: [:inet6], else: []\n\nconfig :{application}, {module}.Repo,\n  socket_options: maybe_ipv6"
        ),
    };
    let server = Notice {
        variable: "PHX_SERVER",
        message: "bin/server sets PHX_SERVER, which nothing asks for",
        snippet: format!(
            "if System.get_env(\"PHX_SERVER\") do\n  config :{application}, {endpoint}, server: true\nend"
        ),
    };
    let host = Notice {
        variable: "PHX_HOST",
        message: "the host in links is not configured",
        snippet: format!(
            "host = System.get_env(\"PHX_HOST\") || \"example.com\"\n\nconfig :{application}, {endpoint},\n  url: [host: host, port: 443, scheme: \"https\"]"
        ),
    };
    let has_phoenix = project.has_phoenix();
    let all = [(ipv6, project.has_ecto() && has_server_database), (server, has_phoenix), (host, has_phoenix)];
    all.into_iter()
        .filter(|(notice, concerns)| *concerns && !text.contains(notice.variable))
        .map(|(notice, _)| notice)
        .collect()
}
