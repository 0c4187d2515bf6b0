//! JavaScript: modules, `new URL(…, import.meta.url)` and the comment that names a source map.
//!
//! The lexer cuts the text into tokens, well enough to tell a regular expression from a division and what is code from
//! what is a string or a comment. The recognizer looks for the few sequences of tokens that name a file.

mod lexer;
mod recognizer;

use self::lexer::{Lexer, Token};
use self::recognizer::Recognizer;
use super::{Purpose, Reference};

/// The references of a script or module.
#[must_use]
pub fn references(content: &[u8]) -> Vec<Reference> {
    let mut lexer = Lexer::new(content);
    let mut recognizer = Recognizer::default();
    while let Some(token) = lexer.next_token() {
        if let Token::SourceMap(range) = token {
            recognizer.references.push(Reference { range, purpose: Purpose::SourceMap });
        } else {
            recognizer.see(content, &token);
        }
    }
    // A URL is known only at the end of its expression, and there may be an import in between.
    let mut references = recognizer.references;
    references.sort_by_key(|reference| reference.range.start);
    references
}

#[cfg(test)]
mod tests {
    use super::super::texts;
    use super::*;

    fn found(text: &str) -> Vec<String> {
        texts(text, &references(text.as_bytes()))
    }

    #[test]
    fn modules_are_found() {
        for (text, expected) in [
            (r#"import "./a.js""#, vec!["./a.js"]),
            // Found by fuzzing.
            (r#"import ""; import("")"#, vec![]),
            (r#"import a, {b as c} from "./a.js"; import * as d from './d.js'"#, vec!["./a.js", "./d.js"]),
            (
                r#"import{a as b}from"./a.js";export*from"./b.js";export{c}from"./c.js""#,
                vec!["./a.js", "./b.js", "./c.js"],
            ),
            (
                "const x = await import('./a.js'), y = import(`./b.js`, {with: {type: 'json'}})",
                vec!["./a.js", "./b.js"],
            ),
            ("import('./a' + n + '.js'); import(`./${n}.js`)", vec![]),
            ("object.import('./a.js'); ({import: './b.js'})", vec![]),
            ("export default './a.js'; export const from = './b.js'", vec![]),
            ("export {a}\nconst from = 1; './b.js'", vec![]),
            (r#"import data from "./d.json" with {type: "json"}"#, vec!["./d.json"]),
            ("import.meta.url; './a.js'", vec![]),
            ("import from from './a.js'", vec!["./a.js"]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn urls_of_modules_are_found() {
        for (text, expected) in [
            (r#"new URL("./a.png", import.meta.url)"#, vec!["./a.png"]),
            (r#"new Worker(new URL('w.js',import.meta.url),{type:"module"})"#, vec!["w.js"]),
            (r#"new URL("./a.png", location)"#, vec![]),
            (r#"new URL(import.meta.url)"#, vec![]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_code_is_none() {
        for text in [
            r#"// import "./a.js""#,
            r#"/* import "./a.js" */"#,
            r#"const x = 'import "./a.js"'"#,
            r#"const x = `import "./a.js"`"#,
            r#"const x = /import "./a.js"/"#,
            r#"if (x) /import ".a.js"/.test(y)"#,
            r#"x = a ? /"/ : /import ".a.js"/"#,
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_looks_like_a_regular_expression_may_be_a_division() {
        for text in [
            "a / b; import './x.js'; c / d",
            "a[1] / 2; import('./x.js') / 3",
            "(a) / 2 + '/'; import './x.js'",
            "`${a / b}`; import './x.js'",
            "{}\n/'/.test(y); import './x.js'; z = '/'",
            "function f() {} /'/.exec(a); import './x.js'",
            "a++ / 2; import './x.js'; '/'",
        ] {
            assert_eq!(found(text), ["./x.js"], "{text}");
        }
    }

    #[test]
    fn templates_nest() {
        let text = "`a ${ `b ${ import('./x.js') } c` } import './y.js' ${ import('./z.js') }`";
        assert_eq!(found(text), ["./x.js", "./z.js"]);
    }

    #[test]
    fn comments_name_source_maps() {
        assert_eq!(found("x\n//# sourceMappingURL=app.js.map\n"), ["app.js.map"]);
        assert_eq!(found("x\n/*# sourceMappingURL=app.js.map */"), ["app.js.map"]);
        assert_eq!(found("'//# sourceMappingURL=app.js.map'"), [""; 0]);
    }
}
