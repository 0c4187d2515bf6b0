use proptest::prelude::*;

use super::*;

/// `NAME` or `NAME|NAME` with what is needed, where these variables are set.
fn found(source: &str, set: &[&str]) -> Vec<(String, Need)> {
    let all = variables(source, "prod", &|name| set.contains(&name));
    all.into_iter().map(|it| (it.names.join("|"), it.need)).collect()
}

fn pairs(expected: &[(&str, Need)]) -> Vec<(String, Need)> {
    expected.iter().map(|(names, need)| ((*names).to_owned(), *need)).collect()
}

/// As Phoenix 1.8 generates it.
const PHOENIX: &str = r##"
import Config

# System.fetch_env!("IN_A_COMMENT")
if System.get_env("PHX_SERVER") do
  config :shop, ShopWeb.Endpoint, server: true
end

config :shop, ShopWeb.Endpoint, http: [port: String.to_integer(System.get_env("PORT", "4000"))]

if config_env() == :prod do
  database_url =
    System.get_env("DATABASE_URL") ||
      raise """
      environment variable DATABASE_URL is missing.
      For example: ecto://USER:PASS@HOST/DATABASE, or "System.fetch_env!("NOT_CODE")"
      """

  maybe_ipv6 = if System.get_env("ECTO_IPV6") in ~w(true 1), do: [:inet6], else: []

  config :shop, Shop.Repo,
    url: database_url,
    pool_size: String.to_integer(System.get_env("POOL_SIZE") || "10"),
    socket_options: maybe_ipv6

  secret_key_base =
    System.get_env("SECRET_KEY_BASE") ||
      raise """
      environment variable SECRET_KEY_BASE is missing.
      """

  host = System.get_env("PHX_HOST") || "example.com"
  config :shop, :dns_cluster_query, System.get_env("DNS_CLUSTER_QUERY")
end
"##;

#[test]
fn the_generated_configuration_of_phoenix() {
    let expected = [
        ("PHX_SERVER", Need::None),
        ("PORT", Need::None),
        ("DATABASE_URL", Need::Certain),
        ("ECTO_IPV6", Need::None),
        ("POOL_SIZE", Need::None),
        ("SECRET_KEY_BASE", Need::Certain),
        ("PHX_HOST", Need::None),
        ("DNS_CLUSTER_QUERY", Need::None),
    ];
    assert_eq!(found(PHOENIX, &[]), pairs(&expected));
    let lines = variables(PHOENIX, "prod", &|_| false);
    assert_eq!(lines.iter().map(|it| it.line).collect::<Vec<_>>(), [5, 9, 13, 19, 23, 27, 32, 33]);
    // Built for another environment it needs nothing.
    let other = variables(PHOENIX, "staging", &|_| false);
    assert!(other.iter().all(|it| it.need == Need::None), "{other:?}");
}

#[test]
fn forms_of_a_need() {
    for source in [
        "x = System.fetch_env!(\"X\")",
        "x = System.fetch_env! \"X\"",
        "x = \"X\" |> System.fetch_env!() |> String.to_integer()",
        "x = \"X\"\n|> System.fetch_env!",
        "config :a, url: \"https://#{System.fetch_env!(\"X\")}/\"",
        "x = System.get_env(\"X\") || raise(\"no X\")",
        "x = System.get_env(\"X\", nil)\n  ||\n  raise ArgumentError",
        "x = System.get_env(\"X\") || (raise \"no X\")",
        "if config_env() != :test do\n  System.fetch_env!(\"X\")\nend",
        "if config_env() == :dev do\n  1\nelse\n  System.fetch_env!(\"X\")\nend",
        "unless config_env() == :test, do: System.fetch_env!(\"X\")",
        "if(config_env() == :prod, do: System.fetch_env!(\"X\"))",
        "y = if config_env() == :dev, do: 1, else: System.fetch_env!(\"X\")",
        "y =\n  if config_env() == :dev,\n    do: 1,\n    else: System.fetch_env!(\"X\")",
        "y = if a, do: 1, else: 2\nSystem.fetch_env!(\"X\")",
        "f = fn a -> if a do 1 else 2 end end\ncase a do\n  1 -> 2\nend\nSystem.fetch_env!(\"X\")",
    ] {
        assert_eq!(found(source, &[]), pairs(&[("X", Need::Certain)]), "{source}");
    }
}

#[test]
fn forms_that_need_nothing() {
    for source in [
        "System.get_env(\"X\")",
        "System.get_env(\"X\", \"1\")",
        "System.get_env(\"X\") || \"1\"",
        "System.fetch_env(\"X\")",
        "if config_env() == :test do\n  System.fetch_env!(\"X\")\nend",
        "if config_env() == :prod, do: 1, else: System.fetch_env!(\"X\")",
    ] {
        assert_eq!(found(source, &[]), pairs(&[("X", Need::None)]), "{source}");
    }
    for source in
        ["", "System.fetch_env!(name)", "# System.fetch_env!(\"X\")", "~S|System.fetch_env!(\"X\")|"]
    {
        assert_eq!(found(source, &[]), [], "{source}");
    }
}

#[test]
fn a_condition_on_a_variable_is_known() {
    for source in [
        "if System.get_env(\"MAIL\") do\n  config :a, b: System.fetch_env!(\"PASSWORD\")\nend",
        "if host = System.get_env(\"MAIL\") do\n  config :a, b: System.fetch_env!(\"PASSWORD\")\nend",
    ] {
        assert_eq!(found(source, &[]), pairs(&[("MAIL", Need::None), ("PASSWORD", Need::None)]), "{source}");
        assert_eq!(
            found(source, &["MAIL"]),
            pairs(&[("MAIL", Need::None), ("PASSWORD", Need::Certain)]),
            "{source}"
        );
    }
}

#[test]
fn other_conditions_leave_it_open() {
    for source in [
        "if enabled? do\n  System.fetch_env!(\"X\")\nend",
        "case kind do\n  :a -> System.fetch_env!(\"X\")\nend",
        "if config_env() == :prod and a, do: System.fetch_env!(\"X\")",
        "fetch = fn -> System.fetch_env!(\"X\") end",
        "if config_env() == :prod do\n  cond do\n    a -> System.fetch_env!(\"X\")\n  end\nend",
    ] {
        assert_eq!(found(source, &[]), pairs(&[("X", Need::Unclear)]), "{source}");
    }
    // The strongest need of all places counts.
    let source = "if a do\n  System.fetch_env!(\"X\")\nend\nSystem.fetch_env!(\"X\")";
    assert_eq!(found(source, &[]), pairs(&[("X", Need::Certain)]));
}

#[test]
fn one_of_several_is_enough() {
    let source = "System.get_env(\"A\") || System.get_env(\"B\") || raise \"neither\"";
    assert_eq!(found(source, &[]), pairs(&[("A|B", Need::Certain)]));
    assert_eq!(
        found("System.get_env(\"A\") || System.fetch_env!(\"B\")", &[]),
        pairs(&[("A|B", Need::Certain)])
    );
}

proptest! {
    #[test]
    fn any_text_is_scanned(source in "(?s).{0,200}") {
        variables(&source, "prod", &|_| false);
    }

    /// Pieces that matter, in any order.
    #[test]
    fn any_code_is_scanned(pieces in proptest::collection::vec(prop_oneof![
        Just("if "), Just("unless"), Just(" do\n"), Just("do: "), Just("else: "), Just(" else "), Just(" end"), Just("fn"),
        Just("System.fetch_env!"), Just("System.get_env"), Just("(\"X\")"), Just("\""), Just("\"\"\""), Just("#{"), Just("}"),
        Just("("), Just(")"), Just("||"), Just("raise"), Just("|>"), Just("~s("), Just("?"), Just("\\"), Just("\n"), Just("é"),
    ], 0..40)) {
        let source = pieces.concat();
        for found in variables(&source, "prod", &|_| true) {
            prop_assert!(!found.names.is_empty());
            prop_assert!(found.line >= 1 && found.line <= source.lines().count().max(1));
        }
    }
}
