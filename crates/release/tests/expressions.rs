//! The expressions that boot scripts bring along are what their sources say.

#![allow(clippy::disallowed_methods, reason = "this test asks the real machine")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use std::process::Command;

const PARSE: &str = "{ok, Source} = file:read_file(os:getenv(\"SOURCE\")),
    {ok, Tokens, _} = erl_scan:string(binary_to_list(Source)),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    Plain = [erl_parse:map_anno(fun(_) -> 1 end, Expression) || Expression <- Expressions],
    io:format(\"~tp.~n\", [Plain]), halt().";

#[test]
fn terms_are_the_parsed_sources() {
    for name in ["background", "configuration"] {
        let source = format!("{}/src/boot/{name}.erl", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new("erl");
        command.args(["-noshell", "-eval", PARSE]).env("SOURCE", &source);
        let output = command.output().expect("erl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let kept = std::fs::read(source.replace(".erl", ".term")).unwrap();
        assert_eq!(etf::text::consult(&output.stdout).unwrap(), etf::text::consult(&kept).unwrap(), "{name}");
    }
}
