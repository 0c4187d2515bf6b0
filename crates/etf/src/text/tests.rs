use super::*;

fn error(text: &str) -> String {
    consult(text.as_bytes()).expect_err("this is no term").to_string()
}

#[test]
fn reads_an_application_file() {
    let text = br#"%% a comment
{application, demo, [{description, "a " "b"}, {vsn, "1.0"}, {modules, ['Elixir.Demo', demo]}, {n, -16#ff}]}.
"#;
    let terms = consult(text).unwrap();
    let properties = &terms[0].as_tuple().unwrap()[2];
    assert_eq!(properties.property("description").and_then(Term::to_text).as_deref(), Some("a b"));
    assert_eq!(properties.property("n"), Some(&Term::Integer(-255)));
    let expected = r#"{application,demo,
             [{description,"a b"},
              {vsn,"1.0"},
              {modules,['Elixir.Demo',demo]},
              {n,-255}]}"#;
    assert_eq!(pretty(&terms[0]), expected);
}

#[test]
fn errors_say_what_was_expected_and_what_was_found() {
    let cases = [
        ("{a, b", "line 1, column 6: expected “,” or “}”, and found the end of the file"),
        ("{a,\n b c}.", "line 2, column 4: expected “,” or “}”, and found the atom c"),
        ("a", "line 1, column 2: expected a full stop at the end of the term, and found the end of the file"),
        (
            "{if, x}.",
            "line 1, column 2: expected a term, and found the reserved word if (an atom of this name must be quoted: \
             'if')",
        ),
        (
            "[Name].",
            "line 1, column 2: expected a term, and found the variable Name (only values may stand here)",
        ),
        ("\n \"abc", "line 2, column 2: the string that begins here has no end (\")"),
        ("#{a -> 1}.", "line 1, column 5: expected “=>” between key and value of a map, and found “->”"),
        (
            "#rec{}.",
            "line 1, column 2: expected “{” of a map (records cannot stand here), and found the atom rec",
        ),
        (
            "fun() -> ok end.",
            "line 1, column 4: expected Module:Function/Arity after “fun” (other funs cannot stand in a file), and found “(”",
        ),
        ("é日.", "line 1, column 2: no term contains the character '日' here"),
        ("[1,2]]", "line 1, column 6: expected a full stop at the end of the term, and found “]”"),
        ("40#1.", "line 1, column 1: the base of a number must be between 2 and 36"),
        ("<<1:8/foo>>.", "line 1, column 7: there is no type foo in a binary"),
    ];
    for (text, message) in cases {
        assert_eq!(error(text), message, "{text}");
    }
}

#[test]
fn offsets_count_bytes_of_the_file() {
    assert_eq!(consult("\"é\" x.".as_bytes()).unwrap_err().offset, 5);
    let latin1 = b"% coding: latin-1\n\"\xe9\" x.";
    let error = consult(latin1).unwrap_err();
    assert_eq!((error.offset, error.line, error.column), (22, 2, 5));
    assert_eq!(latin1[error.offset], b'x');
    let error = consult(b"a.\n\"\xe9\".").unwrap_err();
    assert_eq!((error.offset, error.line, error.column), (4, 2, 2));
}

#[test]
fn encoding_can_be_chosen() {
    let read = consult_as(b"\"\xe9\".", TextEncoding::Latin1).unwrap();
    assert_eq!(read, [Term::string("é")]);
}

#[test]
fn spans_are_those_of_the_terms() {
    let text = "{a, % comment\n [-1|x], #{k => \"s\" \"t\"} } .";
    let terms = parse(text).unwrap();
    let Node::Tuple(elements) = &terms[0].node else { panic!("a tuple") };
    let spans: Vec<&str> = elements.iter().map(|element| &text[element.span.clone()]).collect();
    assert_eq!(spans, ["a", "[-1|x]", "#{k => \"s\" \"t\"}"]);
    assert_eq!(&text[terms[0].span.clone()], "{a, % comment\n [-1|x], #{k => \"s\" \"t\"} }");
    let Node::Map(entries) = &elements[2].node else { panic!("a map") };
    assert_eq!(&text[entries[0].1.span.clone()], "\"s\" \"t\"");
}

#[test]
fn nesting_is_limited() {
    for (open, close) in [("[", "]"), ("{", "}"), ("(", ")"), ("#{a=>", "}"), ("<<", ">>"), ("-", "")] {
        let text = |levels: usize| format!("{}1{}.", open.repeat(levels), close.repeat(levels));
        assert!(consult(text(100_000).as_bytes()).is_err(), "{open}");
    }
    let text = format!("{}{}.", "[".repeat(crate::MAXIMUM_DEPTH), "]".repeat(crate::MAXIMUM_DEPTH));
    let terms = consult(text.as_bytes()).expect("as deep as permitted");
    assert_eq!(consult(format!("{}.", pretty(&terms[0])).as_bytes()), Ok(terms));
}

#[test]
fn sizes_do_not_ask_for_more_memory_than_there_is() {
    let many = format!("<<{}1>>.", "1:4000000,".repeat(1000));
    for text in ["<<1:99999999>>.", "<<1:65536/unit:256>>.", "<<\"abcdefgh\":1200000>>.", &many] {
        assert!(consult(text.as_bytes()).is_err(), "{text}");
    }
    assert_eq!(
        consult(b"<<1:800000>>.").map(|terms| terms[0].as_binary().map(<[u8]>::len)),
        Ok(Some(100_000))
    );
}

#[test]
fn reserved_words_depend_on_the_release() {
    assert_eq!(plain_with(&Term::atom("maybe"), &Style::for_otp(25)), "maybe");
    assert_eq!(plain_with(&Term::atom("maybe"), &Style::for_otp(27)), "'maybe'");
    assert_eq!(plain(&Term::atom("end")), "'end'");
    assert_eq!(plain(&Term::atom("")), "''");
    // Newer releases reserve more words; ours are atoms in both.
    assert_eq!(consult(b"maybe."), Ok(vec![Term::atom("maybe")]));
}

#[test]
fn strings_depend_on_the_printable_range() {
    let term = Term::string("日");
    assert_eq!(pretty(&term), "[26085]");
    let unicode = Style { printable: PrintableRange::Unicode, ..Style::default() };
    assert_eq!(pretty_with(&term, &unicode), "\"日\"");
    assert_eq!(plain(&Term::string("ab")), "[97,98]");
}

#[test]
fn floats_have_the_shortest_digits() {
    let cases = [
        (0.0, "0.0"),
        (-1.0, "-1.0"),
        (100.0, "100.0"),
        (0.1, "0.1"),
        (1.0e-4, "0.0001"),
        (1.0e-5, "1.0e-5"),
        (123_456.789, "123456.789"),
        (1.0e22, "1.0e22"),
        (9_007_199_254_740_991.0, "9007199254740991.0"),
        (9_007_199_254_740_992.0, "9.007199254740992e15"),
        // Exactly between …2 and …3.
        (-8_267_885_914_020_842.0 / 8.0, "-1033485739252605.2"),
        (5.0e-324, "5.0e-324"),
    ];
    for (value, text) in cases {
        assert_eq!(plain(&Term::Float(value)), text);
    }
}
