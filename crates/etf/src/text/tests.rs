use super::*;

#[test]
fn reads_an_application_file() {
    let text = br#"%% a comment
{application, demo, [{description, "a " "b"}, {vsn, "1.0"}, {modules, ['Elixir.Demo', demo]}, {n, -16#ff}]}.
"#;
    let terms = consult(text).unwrap();
    let term = &terms[0];
    let properties = &term.as_tuple().unwrap()[2];
    assert_eq!(properties.property("description").and_then(Term::to_text).as_deref(), Some("a b"));
    assert_eq!(properties.property("n"), Some(&Term::Integer(-255)));
    assert_eq!(
        pretty(term),
        "{application,demo,\n             [{description,\"a b\"},\n              {vsn,\"1.0\"},\n              {modules,['Elixir.Demo',demo]},\n              {n,-255}]}"
    );
}
