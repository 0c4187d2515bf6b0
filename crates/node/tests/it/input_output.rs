//! What a called function prints and reads is printed and read here.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use beamship_node::{Device, Geometry, Input, Prompt, Ready, Reply, Session};
use etf::{RawTerm, Term};

use crate::node::connect;

/// Input that is the key Ctrl-C, when the node has asked for it.
const INTERRUPT: &str = "\u{3}";

/// A device with input that is ready.
#[derive(Default)]
struct Script {
    input: VecDeque<&'static str>,
    output: Vec<u8>,
    prompts: Vec<String>,
    is_full: bool,
}

impl Device for Script {
    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.output.extend_from_slice(text);
        Ok(())
    }

    /// A pipe that is full every other time.
    fn write_some(&mut self, text: &[u8], timeout: Duration) -> io::Result<usize> {
        assert!(timeout < Duration::from_secs(60), "the node waits no longer");
        self.is_full = !self.is_full;
        let text = if self.is_full { &[] } else { &text[..text.len().min(3)] };
        self.write(text).map(|()| text.len())
    }

    fn geometry(&self) -> Option<Geometry> {
        Some(Geometry { columns: 132, rows: 43 })
    }

    fn begin_read(&mut self, prompt: &Prompt) -> io::Result<()> {
        self.prompts.push(String::from_utf8(prompt.text.clone()).unwrap());
        Ok(())
    }

    fn wait(&mut self, _: BorrowedFd<'_>, _: Duration) -> io::Result<Ready> {
        if self.input.front() == Some(&INTERRUPT) {
            if !self.output.ends_with(b"interrupt me") {
                return Ok(Ready { connection: true, ..Ready::default() });
            }
            self.input.pop_front();
            return Ok(Ready { interrupt: true, ..Ready::default() });
        }
        let input = self.input.pop_front().map_or(Input::End, |text| Input::Data(text.into()));
        Ok(Ready { input: Some(input), ..Ready::default() })
    }
}

/// Evaluates Erlang expressions on the node; gives what was printed, the prompts, and the value.
fn evaluate(expressions: &str, input: &[&'static str]) -> (String, Vec<String>, Term) {
    let mut connection = connect();
    let mut script = Script { input: input.iter().copied().collect(), ..Script::default() };
    let mut session = Session::new(&mut connection, &mut script);
    let scanned =
        returned(session.call("erl_scan", "string", vec![Term::string(&format!("{expressions}."))]));
    let tokens = RawTerm::split(&scanned).unwrap().0.tuple().unwrap()[1].opaque();
    let parsed = returned(session.call("erl_parse", "parse_exprs", vec![tokens]));
    let forms = RawTerm::split(&parsed).unwrap().0.tuple().unwrap()[1].opaque();
    let value = returned(session.call("erl_eval", "exprs", vec![forms, Term::nil()]));
    let value = RawTerm::split(&value).unwrap().0.tuple().unwrap()[1].decode().unwrap();
    (String::from_utf8(script.output).unwrap(), script.prompts, value)
}

fn returned(reply: Result<Reply, beamship_node::NodeError>) -> Vec<u8> {
    match reply.unwrap() {
        Reply::Returned(value) => value,
        other => panic!("{other:?}"),
    }
}

fn printed(expressions: &str) -> String {
    evaluate(expressions, &[]).0
}

fn value(expressions: &str, input: &[&'static str]) -> String {
    etf::text::pretty(&evaluate(expressions, input).2)
}

#[test]
fn text_is_printed_in_every_form() {
    assert_eq!(printed("io:put_chars(\"plain\")"), "plain");
    assert_eq!(printed("io:format(\"~p ~ts~n\", [{a, 1}, \"\\x{20ac}\"])"), "{a,1} €\n");
    assert_eq!(printed("io:put_chars([[\"a\", [<<\"b\">>, $c]], <<195,169>>])"), "abcé");
    assert_eq!(printed("io:request(group_leader(), {put_chars, latin1, <<233>>})"), "é");
    assert_eq!(printed("io:nl(), io:write([1, x])"), "\n[1,x]");
}

#[test]
fn several_requests_in_one_are_answered_in_order() {
    let requests = "[{put_chars, unicode, \"1\"}, {put_chars, unicode, io_lib, format, [\"~w\", [2]]}, \
                    {put_chars, unicode, \"3\"}]";
    let (output, _, value) = evaluate(&format!("io:requests({requests})"), &[]);
    assert_eq!((output.as_str(), value), ("123", Term::atom("ok")));
    let (output, _, value) =
        evaluate("io:requests([{put_chars, unicode, \"1\"}, {nonsense}, {put_chars, unicode, \"3\"}])", &[]);
    assert_eq!((output.as_str(), etf::text::plain(&value)), ("1", "{error,request}".to_owned()));
}

#[test]
fn a_deep_and_large_text_is_printed() {
    let deep = "io:put_chars(lists:foldl(fun(_, A) -> [A, $x] end, [], lists:seq(1, 20000)))";
    assert_eq!(printed(deep), "x".repeat(20_000));
    assert_eq!(printed("io:put_chars(binary:copy(<<\"0123456789\">>, 300000))").len(), 3_000_000);
}

#[test]
fn processes_of_a_call_print_side_by_side() {
    let code = "S = self(), [spawn(fun() -> io:format(\"~w\", [x]), S ! done end) || _ <- lists:seq(1, 50)], \
                [receive done -> ok end || _ <- lists:seq(1, 50)], ok";
    assert_eq!(printed(code), "x".repeat(50));
}

#[test]
fn lines_characters_and_terms_are_read() {
    assert_eq!(value("io:get_line(\"\")", &["one\ntwo\n"]), "<<\"one\\n\">>");
    assert_eq!(value("io:get_line(\"\"), io:get_line(\"\")", &["one\ntw", "o"]), "<<\"two\">>");
    assert_eq!(value("io:get_line(\"\")", &[]), "eof");
    assert_eq!(value("io:get_chars(\"\", 3)", &["ab", "cd\n"]), "<<\"abc\">>");
    assert_eq!(value("io:get_chars(\"\", 9)", &["abc"]), "<<\"abc\">>");
    assert_eq!(value("io:fread(\"\", \"~d ~d\")", &["1 2\n"]), "{ok,[1,2]}");
    assert_eq!(value("io:read(\"\")", &["{a,\n", "b}.\n"]), "{ok,{a,b}}");
    assert_eq!(
        value("{ok, A} = io:read(\"\"), {A, io:get_line(\"\")}", &["x. rest\n"]),
        "{x,<<\"rest\\n\">>}"
    );
    let (_, _, list) = evaluate("io:setopts([list]), io:get_line(\"\")", &["é\n"]);
    assert_eq!(list, Term::string("é\n"));
}

#[test]
fn prompts_are_shown_once() {
    let (_, prompts, _) = evaluate("io:get_line(\"name> \"), io:get_line('atom> ')", &["1\n", "2\n"]);
    assert_eq!(prompts, ["name> ", "atom> "]);
}

/// It was never prompted, and so never read.
#[test]
fn who_waits_behind_an_interrupted_reader_is_prompted() {
    let (_, prompts, value) = evaluate(
        "G = group_leader(),
         G ! {io_request, self(), one, {get_line, unicode, \"one \"}},
         G ! {io_request, self(), other, {get_line, unicode, \"other \"}},
         io:put_chars(\"interrupt me\"),
         [receive {io_reply, Which, Answer} -> Answer end || Which <- [one, other]]",
        &[INTERRUPT, "line\n"],
    );
    assert_eq!(etf::text::pretty(&value), "[{error,interrupted},<<\"line\\n\">>]");
    assert_eq!(prompts, ["one ", "other "]);
}

#[test]
fn the_device_can_be_asked() {
    assert_eq!(value("{io:columns(), io:rows()}", &[]), "{{ok,132},{ok,43}}");
    assert_eq!(value("proplists:get_value(encoding, io:getopts())", &[]), "unicode");
    assert_eq!(value("io:get_password()", &["secret\n"]), "{error,enotsup}");
    assert_eq!(value("io:request(group_leader(), nonsense)", &[]), "{error,request}");
}
