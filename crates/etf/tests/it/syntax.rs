//! Pieces of syntax, common and odd, valid and not: what `file:consult/1` says, we say.

use crate::virtual_machine::{ask, expression};
use beamship_etf::text::consult;
use beamship_etf::{AtomEncoding, Term, decode, encode};

/// Texts that all releases of OTP take in the same way.
const TEXTS: &[&[u8]] = &[
    // Files.
    b"",
    b"  \n% only a comment",
    b"a. b.\nc. % end",
    b"a.\n",
    b"a.",
    b"a",
    b"a.b.",
    b"a.%comment",
    b"a b.",
    b"{a,\n b}.\n\n{c}.",
    b". a.",
    b"a. .",
    b"%% coding: latin-1\n'\xe9'.",
    b"%% -*- coding: Latin-1 -*-\n\"\xe9\".",
    b"% nothing\n% encoding=utf-8\n\"\xc3\xa9\".",
    b"\n\n% coding: latin-1\n\"\xc3\xa9\".",
    b"% coding: latin-1x\n\"\xc3\xa9\".",
    b"% coding : latin-1\n\"\xe9\".",
    b"\"\xe9\".",
    b"\"\xc3\xa9\".",
    b"\xc3\xa9t\xc3\xa9.",
    b"\xc3\x89t\xc3\xa9.",
    b"\xc3\x97.",
    b"\xe6\x97\xa5.",
    b"'\xe6\x97\xa5'.",
    b"a\xc2\xa0.\xc2\xa0b.\xc2\xa0",
    // Atoms.
    b"'a b'.",
    b"'a\\'b'.",
    b"'a\nb'.",
    b"''.",
    b"'a' 'b'.",
    b"foo@bar_Baz9.",
    b"end.",
    b"'end'.",
    b"fun.",
    b"_.",
    b"A.",
    b"_a.",
    b"'unfinished.",
    // Numbers.
    b"1.",
    b"1. 2.",
    b"1.5.",
    b"1.5e3. 1.5E-3. 1.5e+3.",
    b"1e3.",
    b"1.e3.",
    b"1.0e400.",
    b"1.0e-400.",
    b"1_000. 1_0.2_5. 1.0e1_0.",
    b"1__0.",
    b"1_.",
    b"_1.",
    b"16#ff. 16#FF. 2#101. 36#zZ. 16#f_f.",
    b"37#1.",
    b"1#1.",
    b"2#2.",
    b"16#.",
    b"16#fg.",
    b"0x10.",
    b"007.",
    b"123456789012345678901234567890.",
    b"-123456789012345678901234567890.",
    b"-9223372036854775808. 9223372036854775807. 9223372036854775808. -9223372036854775809.",
    b"-1. +1. - 1. -1.5. -$a. +$a. -0. -16#ff.",
    b"- -1.",
    b"-a.",
    b"-\"a\".",
    b"1+1.",
    b"(1). ((a)). -(1). {(a)}.",
    b"(1.",
    b"1a.",
    b"1.5a.",
    b"1.5.5.",
    // Characters.
    b"$a. $\\n. $\\s. $ . $\\\\. $\\x41. $\\x{263a}. $\\101. $\\^a. $\\^@. $'. $\". $\\\". $%. $$.",
    b"$\\x. ",
    b"$\\x{}.",
    b"$\\x{110000}.",
    b"$\\x{d800}.",
    b"$\\x{ffff}.",
    b"$\\400. $\\777.",
    b"$\n.",
    b"$\\\n.",
    b"$",
    b"$\\",
    b"$ab.",
    // Strings.
    b"\"\".",
    b"\"a\" \"b\" \"c\".",
    b"\"a\"\n % comment\n \"b\".",
    b"\"a\nb\".",
    b"\"a\\\nb\".",
    b"\"\\a\\b\\c\\d\\e\\f\\n\\r\\s\\t\\v\\0\\12\\123\\1234\\x41\\x{41}\\^A\\^z\\^[\\q\\'\\\"\\\\\".",
    b"\"\\xg\".",
    b"\"\\x+1\".",
    b"\"\\x4\".",
    b"\"unfinished.",
    b"\"a\" ++ \"b\".",
    b"\"a\" b.",
    // Lists and tuples.
    b"[].",
    b"[ ].",
    b"{}.",
    b"[a].",
    b"[a,].",
    b"[,a].",
    b"[a b].",
    b"[a|b]. [a|[b]]. [a,b|c]. [a|[b|c]].",
    b"[|a].",
    b"[a|b,c].",
    b"[a|b|c].",
    b"[a|].",
    b"{a,{b,{c}}}.",
    b"{a}}.",
    b"{a",
    b"{a]",
    b"{a,b,}.",
    b"[\"a\"|\"b\"].",
    // Maps.
    b"#{}.",
    b"#{a => 1}.",
    b"# {a=>1,\"b\"=>{c}}.",
    b"#{a => 1, a => 2, 1 => x, 1.0 => y}.",
    b"#{a := 1}.",
    b"#{a}.",
    b"#{a => }.",
    b"#a{}.",
    b"#a{b = 1}.",
    b"#{a => 1}#{b => 2}.",
    // Funs.
    b"fun lists:map/2.",
    b"fun 'A':'b c'/0.",
    b"fun lists : map / 2.",
    b"fun map/2.",
    b"fun lists:map/2.0.",
    b"fun lists:map/-1.",
    b"fun lists:map/256.",
    b"fun (X) -> X end.",
    b"fun lists:map.",
    b"fun L:map/2.",
    // Binaries.
    b"<<>>. << >>.",
    b"<<\"text\">>. <<\"a\" \"b\">>. <<\"a\", \"b\">>.",
    b"<<\"\xc3\xa9\">>. <<\"\xc3\xa9\"/utf8>>. <<\"\xe6\x97\xa5\">>. <<\"\xe6\x97\xa5\"/utf8>>.",
    b"<<\"\xe6\x97\xa5\xf0\x9f\x98\x80\"/utf16>>. <<\"\xe6\x97\xa5\xf0\x9f\x98\x80\"/utf16-little>>.",
    b"<<\"\xf0\x9f\x98\x80\"/utf32>>. <<\"\xf0\x9f\x98\x80\"/little-utf32>>.",
    b"<<1,2,3>>. <<256>>. <<-1>>. <<300:16>>. <<300:16/little>>. <<1:4>>. <<1:1,0:3,15:4>>.",
    b"<<1:12/little>>. <<16#abc:12/little>>. <<-2:12/little-signed>>. <<16#abcdef:20/little>>.",
    b"<<12345678901234567890123:100>>. <<-12345678901234567890123:100>>. <<-12345678901234567890123:100/little>>.",
    b"<<1:8/integer-unit:2>>. <<1:2/unit:8>>.",
    b"<<1/unit:8>>.",
    b"<<1.5/float>>. <<1.5:32/float>>. <<1:64/float>>. <<1.5:64/float-little>>. <<-1.5/float>>.",
    b"<<1.5>>.",
    b"<<1.5:17/float>>.",
    b"<<<<1,2>>/binary>>. <<(<<1,2>>)/binary, 3>>. <<<<1,2,3>>:2/binary>>. <<<<1:3>>/bitstring>>. <<<<1:3>>/bits,1:5>>.",
    b"<<<<1,2>>>>.",
    b"<<<<1:3>>/binary>>.",
    b"<<<<1,2>>:3/binary>>.",
    b"<<<<1,2>>:9/binary-unit:1>>. <<<<1,2>>/binary-unit:16>>. <<<<1,2,3>>/bytes>>.",
    b"<<<<1,2,3>>/binary-unit:16>>.",
    b"<<\"ab\":16>>. <<\"ab\":16/little>>. <<\"ab\":4>>. <<\"ab\"/integer>>. <<\"ab\"/float>>.",
    b"<<$a>>. <<$a:16>>. <<$a/utf16>>. <<16#1f600/utf8>>.",
    b"<<16#d800/utf8>>.",
    b"<<-1/utf8>>.",
    b"<<1:8/utf8>>.",
    b"<<a>>.",
    b"<<\"a\"/binary>>.",
    b"<<1/wrong>>.",
    b"<<1/little-big>>. ",
    b"<<1/integer-float>>.",
    b"<<1/signed-unsigned>>.",
    b"<<1/big-big-integer-integer>>.",
    b"<<1:8/unit:1-unit:2>>.",
    b"<<1:-1>>.",
    b"<<1:a>>.",
    b"<<1:0>>.",
    b"<<1,>>.",
    b"<<1",
    b"<<1>.",
    b"<<{a}>>.",
    // Expressions that are no values.
    b"foo:bar().",
    b"foo().",
    b"[X || X <- []].",
    b"a = b.",
    b"not true.",
    b"catch a.",
    b"begin a end.",
    b"?MACRO.",
    b"a;b.",
    b"a,b.",
    b"a -> b.",
];

/// Texts that only newer releases take, or that older ones understand differently.
const NEWER_TEXTS: &[(u32, &str)] = &[
    (27, "\"\"\"\n  a\n    b\n\n  c\n  \"\"\"."),
    (27, "\"\"\"\n\"\"\"."),
    (27, "\"\"\"\n\n\"\"\"."),
    (27, "\"\"\"\n  a\\n\"b\"\n  \"\"\"."),
    (27, "\"\"\"\"\n  \"\"\"\n  \"\"\"\"."),
    (27, "\"\"\"  \n  a\r\n  b\r\n  \"\"\"."),
    (27, "\"\"\" x\n  a\n  \"\"\"."),
    (27, "\"\"\"\n a\n  \"\"\"."),
    (27, "\"\"\"\n  a"),
    (27, "\"\"\"\n  a \"\"\"\n  \"\"\"."),
    (27, "~\"text\". ~b\"te\\nxt\". ~B\"te\\nxt\". ~s\"te\\nxt\". ~S\"te\\nxt\"."),
    (27, "~\"é\\x{e9}日\". ~s(a(b). ~b[x]. ~{x}. ~<x>. ~/x/. ~|x|. ~#x#. ~`x`. ~'x'."),
    (27, "~B(a\\). ~b(a\\)b)."),
    (
        27,
        "~b\"\"\"\n  a\\tb\n  \"\"\". ~\"\"\"\n  a\\tb\n  \"\"\". ~s\"\"\"\n  a\\tb\n  \"\"\". ~S\"\"\"\n  a\\tb\n  \"\"\". ~B\"\"\"\n  a\\tb\n  \"\"\".",
    ),
    (27, "~x\"a\"."),
    (27, "~\"a\"x."),
    (27, "~ \"a\"."),
    (27, "~"),
    (27, "~a."),
    (27, "[~\"a\",~\"b\"]. #{~\"a\" => ~s\"b\"}."),
    (27, "~\"a\" \"b\"."),
    (27, "~s\"a\" \"b\"."),
    (28, "16#1.8. 2#1.01#e3. 2#1.1#e-2. 16#f.f#e1."),
    (28, "2#1.1e3."),
    (28, "2#1.1#."),
    (27, "\"\\^1\"."),
    (27, "<<~s\"a\">>. <<~\"a\"/binary>>. <<~\"a\">>."),
    (27, "<<~s\"a\" \"b\">>."),
    (27, "<<~s\"é日\"/utf8>>."),
];

#[test]
fn texts_are_accepted_and_refused_as_by_consult() {
    let newer = NEWER_TEXTS.iter().map(|(since, text)| (*since, text.as_bytes()));
    let texts: Vec<(u32, &[u8])> = TEXTS.iter().map(|text| (0, *text)).chain(newer).collect();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let input = directory.path().join("texts");
    let list = Term::List(texts.iter().map(|(_, text)| Term::binary(text)).collect());
    fs_err::write(&input, encode(&list, AtomEncoding::Utf8).expect("binaries")).expect("the texts");

    let answer = ask(&expression(include_str!("syntax.erl")), &[input.to_str().expect("a UTF-8 path")]);
    let answers = answer.term.as_list().expect("answers");
    assert_eq!(answers.len(), texts.len());
    let mut differences = Vec::new();
    for ((since, text), theirs) in texts.iter().zip(answers) {
        if *since > answer.otp {
            continue;
        }
        let theirs = theirs
            .as_tuple()
            .and_then(|parts| parts[1].as_binary())
            .map(|bytes| decode(bytes).expect("terms"));
        let ours = consult(text);
        let same = match (&theirs, &ours) {
            (Some(theirs), Ok(ours)) => Term::List(ours.clone()).compare_as_keys(theirs).is_eq(),
            (None, Err(_)) => true,
            _ => false,
        };
        if !same {
            differences.push(format!("{}\n  OTP: {theirs:?}\n  us: {ours:?}", String::from_utf8_lossy(text)));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
