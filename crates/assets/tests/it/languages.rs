//! What is better than with Phoenix, and what any input has to leave whole.

use beamship_assets::references::{self, rewrite};
use beamship_assets::{Choice, Options, clean};
use cssparser::{Parser, Token};
use proptest::prelude::*;

use crate::place::{NOW, Place};

#[test]
fn modules_import_digested_modules() {
    let place = Place::new(&[
        (
            "app.js",
            "import {a} from './lib/a.js'\nconst b = () => import('./lib/b.js')\nnew URL('x.png', import.meta.url)",
        ),
        ("lib/a.js", "import '../app.js'; export const a = 1"),
        ("lib/b.js", "export default 2"),
        ("x.png", "x"),
        ("page.html", "<script type=\"importmap\">{\"imports\":{\"a\":\"/lib/a.js\"}}</script>"),
    ]);
    place.digest(&Options::usual(NOW)).unwrap();
    let [a, b, x] = ["lib/a.js", "lib/b.js", "x.png"].map(|path| place.latest(path));
    assert_eq!(
        place.text(&place.latest("app.js")),
        format!(
            "import {{a}} from './{a}?vsn=d'\nconst b = () => import('./{b}?vsn=d')\nnew URL('./{x}?vsn=d', import.meta.url)"
        )
    );
    assert!(place.text(&a).contains(&format!("'../{}?vsn=d'", place.latest("app.js"))));
    assert!(place.text(&place.latest("page.html")).contains(&format!("\"/{a}?vsn=d\"")));
}

#[test]
fn what_a_bundler_has_hashed_keeps_its_name() {
    let place = Place::new(&[
        (
            ".vite/manifest.json",
            "{\"js/app.js\":{\"file\":\"assets/app-BxYz1234.js\",\"css\":[\"assets/app-Cc34Dd56.css\"]}}",
        ),
        ("assets/app-BxYz1234.js", "import './chunk-7ZZ2QBJP.js'"),
        ("assets/app-Cc34Dd56.css", "a{}"),
        ("assets/chunk-7ZZ2QBJP.js", "1"),
        ("robots.txt", "x"),
    ]);
    place.digest(&Options::usual(NOW)).unwrap();
    let manifest = place.manifest();
    for path in ["assets/app-BxYz1234.js", "assets/app-Cc34Dd56.css", "assets/chunk-7ZZ2QBJP.js"] {
        assert_eq!(manifest.latest[path], path);
        assert!(!manifest.digests.contains_key(path), "cleaning would remove it");
    }
    assert_eq!(manifest.latest["js/app.js"], "assets/app-BxYz1234.js");
    assert_ne!(manifest.latest["robots.txt"], "robots.txt");
}

#[test]
fn a_module_that_a_hashed_file_imports_too_has_one_name() {
    let place = Place::new(&[
        (
            "assets/app.js",
            "import './chunk-7ZZ2QBJP.js'; import './vendor.js'; import './dep.js'; import './own.js'",
        ),
        ("assets/chunk-7ZZ2QBJP.js", "import './vendor.js'"),
        ("assets/vendor.js", "import './dep.js'"),
        ("assets/dep.js", "1"),
        ("assets/own.js", "import './dep.js'"),
        ("page.html", "<script type=\"importmap\">{\"imports\":{\"v\":\"/assets/vendor.js\"}}</script>"),
    ]);
    place.digest(&Options::usual(NOW)).unwrap();
    let own = place.latest("assets/own.js");
    // The chunk loads `vendor.js`, and that `dep.js`.
    assert_eq!(
        place.text(&place.latest("assets/app.js")),
        format!(
            "import './chunk-7ZZ2QBJP.js'; import './vendor.js'; import './dep.js'; import './{}?vsn=d'",
            own.trim_start_matches("assets/")
        )
    );
    assert_eq!(place.text(&own), "import './dep.js'");
    assert!(place.text(&place.latest("page.html")).contains("\"/assets/vendor.js\""));
    // Where the file is hashed once more, all names are replaced.
    place.digest(&Options { keeps_bundler_names: false, ..Options::usual(NOW) }).unwrap();
    assert!(!place.text(&place.latest("assets/app.js")).contains("'./vendor.js'"));
}

#[test]
fn an_image_with_a_name_like_a_hash_does_not_stay_in_browsers_when_it_changes() {
    let place = Place::new(&[
        ("app.css", "a{b:url(/images/banner-SUMMER25.jpg)}"),
        ("images/banner-SUMMER25.jpg", "1"),
        (".vite/manifest.json", "{\"x.js\":{\"file\":\"assets/admin-dashboard.js\"}}"),
        ("assets/admin-dashboard.js", "1"),
    ]);
    let files = ["app.css", "images/banner-SUMMER25.jpg", "assets/admin-dashboard.js"];
    place.digest(&Options::usual(NOW)).unwrap();
    let before = files.map(|file| place.latest(file));
    place.put("images/banner-SUMMER25.jpg", "2");
    place.put("assets/admin-dashboard.js", "2");
    place.digest(&Options::usual(NOW)).unwrap();
    for (file, before) in files.into_iter().zip(before) {
        assert_ne!(place.latest(file), before);
    }
}

#[test]
fn an_image_that_esbuild_has_hashed_keeps_the_name_that_its_bundle_asks_for() {
    let place = Place::new(&[
        ("assets/app.js", "var logo = \"./logo-QK2ZX5AB.png\"; console.log(logo)"),
        ("assets/app-7ZZ2QBJP.css", "a{b:url(./font-ABCD2345.woff2)}"),
        ("assets/logo-QK2ZX5AB.png", "logo"),
        ("assets/font-ABCD2345.woff2", "font"),
        ("assets/other-SUMMER25.png", "other"),
    ]);
    place.digest(&Options::usual(NOW)).unwrap();
    for path in ["assets/app-7ZZ2QBJP.css", "assets/logo-QK2ZX5AB.png", "assets/font-ABCD2345.woff2"] {
        assert_eq!(place.latest(path), path);
    }
    assert_ne!(place.latest("assets/other-SUMMER25.png"), "assets/other-SUMMER25.png");
}

#[test]
fn a_manifest_of_vite_with_a_source_outside_of_its_root_does_not_make_later_runs_fail() {
    let place = Place::new(&[
        (".vite/manifest.json", "{\"../deps/live/a.js\":{\"file\":\"assets/a-BxYz1234.js\"}}"),
        ("assets/a-BxYz1234.js", "1"),
    ]);
    for _ in 0..2 {
        place.digest(&Options::usual(NOW)).unwrap();
        assert_eq!(place.manifest().latest.len(), 1, "the file, and not its source");
    }
    clean(&place.root, Choice::All, false).unwrap();
}

/// URLs as a real parser of CSS sees them.
fn urls_of_a_parser(text: &str) -> Vec<String> {
    fn walk(parser: &mut Parser<'_>, urls: &mut Vec<String>) {
        while let Ok(token) = parser.next_including_whitespace().cloned() {
            match token {
                Token::UnquotedUrl(url) => urls.push(url.to_string()),
                Token::Function(name) => {
                    let is_url = name.eq_ignore_ascii_case("url");
                    let _ = parser.parse_nested_block(|inner| {
                        if is_url && let Ok(url) = inner.expect_string().cloned() {
                            urls.push(url.to_string());
                        }
                        walk(inner, urls);
                        Ok::<(), cssparser::ParseError<()>>(())
                    });
                }
                Token::ParenthesisBlock | Token::SquareBracketBlock | Token::CurlyBracketBlock => {
                    let _ = parser.parse_nested_block(|inner| {
                        walk(inner, urls);
                        Ok::<(), cssparser::ParseError<()>>(())
                    });
                }
                _ => {}
            }
        }
    }
    let mut urls = Vec::new();
    walk(&mut Parser::new(text), &mut urls);
    urls
}

/// Pieces of stylesheets, well-formed each.
fn stylesheet() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a{b:url(x.png)}",
        "c{d:URL( 'y z.png' )}",
        "/* url(no) */",
        "e{content:\"url(no)\"}",
        "f{g:calc(1px + (2px))}",
        "@media (x){h{i:url(\"j.woff\")}}",
        "k{l:url()}",
        "m{n:var(--url)}",
        "o{p:f(url(q.svg),'r')}",
        "\n",
        "s{t:'\\'url(no)'}",
        "u{v:url(data:image/png;base64,AA==)}",
        "w::after{content:'}'}",
    ]);
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

/// What Phoenix's expression for stylesheets, `(url\(\s*)(\S+?)(\s*\))`, has for its second group, found by trying
/// everything, as the expression says it.
fn urls_of_phoenix(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let spaces = |at: usize| bytes[at..].iter().take_while(|byte| b" \t\n\x0b\x0c\r".contains(byte)).count();
    let end = |start: usize| {
        let length = (0..bytes.len() - start).take_while(|length| spaces(start + length) == 0).count();
        (start + 1..=start + length).find(|end| bytes.get(end + spaces(*end)) == Some(&b')'))
    };
    let (mut urls, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let start = at + 4;
        if text.get(at..start) == Some("url(")
            && let start = start + spaces(start)
            && let Some(end) = end(start)
        {
            urls.push(&text[start..end]);
            at = end + spaces(end) + 1;
        } else {
            at += 1;
        }
    }
    urls
}

type Scanner = fn(&[u8]) -> Vec<references::Reference>;

proptest! {
    #[test]
    fn stylesheets_are_read_as_a_parser_reads_them(text in stylesheet()) {
        let found = references::css::references(text.as_bytes());
        let found: Vec<&str> = found.iter().map(|reference| &text[reference.range.clone()]).collect();
        let expected: Vec<String> =
            urls_of_a_parser(&text).into_iter().filter(|url| !url.is_empty()).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn with_phoenix_stylesheets_are_read_as_its_expression_reads_them(
        pieces in prop::collection::vec(prop::sample::select(vec!["url(", ")", " ", "\n", "\x0b", "a", "/"]), 0..16))
    {
        let text = pieces.concat();
        let found = references::phoenix::css(text.as_bytes());
        let found: Vec<&str> = found.iter().map(|reference| &text[reference.range.clone()]).collect();
        prop_assert_eq!(found, urls_of_phoenix(&text));
    }

    #[test]
    fn any_bytes_are_scanned(bytes in prop::collection::vec(prop::sample::select(
        b"url()@import'\"`${}/\\*#= \n.;,<script type=importmap>:[]\xc3\xa9sourceMappingURLnewfromexport".to_vec()), 0..200))
    {
        let scanners: [Scanner; 7] = [
            references::css::references, references::javascript::references, references::source_map::references,
            references::import_map::references, references::phoenix::css, references::phoenix::javascript,
            references::phoenix::source_map,
        ];
        for scan in scanners {
            let found = scan(&bytes);
            let mut end = 0;
            for reference in &found {
                prop_assert!(reference.range.start >= end && reference.range.end > reference.range.start);
                end = reference.range.end;
            }
            prop_assert!(end <= bytes.len());
            let same = rewrite(&bytes, &found, |_, _| None);
            prop_assert_eq!(&*same, &bytes[..]);
        }
    }
}
