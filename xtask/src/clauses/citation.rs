//! Which ids stand at tests.
//!
//! A citation is a line comment directly above a test or in its body. What stands anywhere else proves nothing.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, LineColumn, TokenStream, TokenTree};

use super::id::ids;
use crate::tokens::{inside, is_mark, is_word, line};

/// The macros of a file that make tests of the functions they are given.
pub(crate) fn test_macros(tokens: &TokenStream) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let sequence: Vec<_> = tokens.clone().into_iter().collect();
    for (n, token) in sequence.iter().enumerate() {
        if let Some((name, body)) = macro_rules(&sequence[n..])
            && makes_tests(&body)
        {
            names.insert(name);
        } else if let TokenTree::Group(group) = token {
            names.extend(test_macros(&group.stream()));
        }
    }
    names
}

/// The ids at the tests of a file, with their lines.
pub(crate) fn cited(text: &str, tokens: &TokenStream, macros: &BTreeSet<String>) -> Vec<(usize, String)> {
    let comments = comments(text, tokens);
    let mut cited = Vec::new();
    for mut test in functions(tokens, macros, false) {
        while comments.get(&(test.first - 1)).is_some_and(|comment| comment.is_alone) {
            test.first -= 1;
        }
        for (line, comment) in comments.range(test.first..=test.last) {
            cited.extend(ids(comment.text).into_iter().map(|id| (*line, id)));
        }
    }
    cited
}

/// The lines of a test, from its first attribute to the end of its body.
#[derive(Debug)]
struct Test {
    first: usize,
    last: usize,
}

/// The functions in a piece of code that are run as tests, which those with an empty body and those that are ignored are
/// not. Within a test macro all functions are tests.
fn functions(tokens: &TokenStream, macros: &BTreeSet<String>, are_all_tests: bool) -> Vec<Test> {
    let sequence: Vec<_> = tokens.clone().into_iter().collect();
    let mut tests = Vec::new();
    let (mut first, mut is_test, mut is_ignored) = (None, are_all_tests, false);
    let mut n = 0;
    while let Some(token) = sequence.get(n) {
        n += 1;
        if macro_rules(&sequence[n - 1..]).is_some() {
            n += 3;
            continue;
        }
        if let (true, Some(attribute)) = (is_mark(token, '#'), sequence.get(n).and_then(as_attribute)) {
            n += 1;
            first = first.or(Some(line(token)));
            is_test |= names_test(&attribute);
            is_ignored |= attribute.first().is_some_and(|name| is_word(name, "ignore"));
            continue;
        }
        if is_word(token, "fn") {
            let end = sequence[n..].iter().position(|token| is_mark(token, ';') || is_body(token));
            if let Some(TokenTree::Group(body)) = end.and_then(|end| sequence.get(n + end))
                && is_test
                && !is_ignored
                && !body.stream().is_empty()
            {
                tests.push(Test { first: first.unwrap_or(line(token)), last: body.span_close().end().line });
            }
        } else if QUALIFIERS.iter().any(|word| is_word(token, word)) {
            first = first.or(Some(line(token)));
            continue;
        }
        (first, is_test, is_ignored) = (None, are_all_tests, false);
        if let TokenTree::Group(group) = token {
            let is_test_macro = matches!(&sequence[..n - 1], [.., TokenTree::Ident(name), mark]
                if is_mark(mark, '!') && macros.contains(&name.to_string()));
            tests.extend(functions(&group.stream(), macros, is_test_macro));
        }
    }
    tests
}

/// Whether an attribute of a test stands in the body of a macro.
fn makes_tests(body: &TokenStream) -> bool {
    let sequence: Vec<_> = body.clone().into_iter().collect();
    let has_attribute = |pair: &[TokenTree]| {
        is_mark(&pair[0], '#') && as_attribute(&pair[1]).is_some_and(|attribute| names_test(&attribute))
    };
    let within = |token: &TokenTree| matches!(token, TokenTree::Group(group) if makes_tests(&group.stream()));
    sequence.windows(2).any(has_attribute) || sequence.iter().any(within)
}

/// The name and the body of a macro that is defined here.
fn macro_rules(sequence: &[TokenTree]) -> Option<(String, TokenStream)> {
    match sequence {
        [word, mark, TokenTree::Ident(name), TokenTree::Group(body), ..]
            if is_word(word, "macro_rules") && is_mark(mark, '!') =>
        {
            Some((name.to_string(), body.stream()))
        }
        _ => None,
    }
}

fn as_attribute(token: &TokenTree) -> Option<Vec<TokenTree>> {
    inside(token, Delimiter::Bracket).map(|inside| inside.into_iter().collect())
}

/// `test`, `tokio::test`, `tokio::test(..)`.
fn names_test(attribute: &[TokenTree]) -> bool {
    let path = match attribute {
        [path @ .., TokenTree::Group(_)] => path,
        path => path,
    };
    path.last().is_some_and(|name| is_word(name, "test"))
}

fn is_body(token: &TokenTree) -> bool {
    inside(token, Delimiter::Brace).is_some()
}

/// A line comment.
struct Comment<'t> {
    text: &'t str,
    /// Nothing else stands in its line.
    is_alone: bool,
}

/// The line comments of a file by their lines. What documents an item is none, nor is what a string holds.
fn comments<'t>(text: &'t str, tokens: &TokenStream) -> BTreeMap<usize, Comment<'t>> {
    let mut literals = Vec::new();
    collect_literals(tokens, &mut literals);
    let mut comments = BTreeMap::new();
    for (n, text) in text.lines().enumerate() {
        let line = n + 1;
        let is_outside = |column: usize| {
            let place = LineColumn { line, column };
            !literals.iter().any(|(start, end)| *start <= place && place < *end)
        };
        let start = text.match_indices("//").find(|(byte, _)| is_outside(text[..*byte].chars().count()));
        if let Some((byte, _)) = start {
            comments.insert(line, Comment { text: &text[byte..], is_alone: text[..byte].trim().is_empty() });
        }
    }
    comments
}

fn collect_literals(tokens: &TokenStream, literals: &mut Vec<(LineColumn, LineColumn)>) {
    for token in tokens.clone() {
        match token {
            TokenTree::Group(group) => collect_literals(&group.stream(), literals),
            TokenTree::Literal(literal) => literals.push((literal.span().start(), literal.span().end())),
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// What may stand between the attributes of a function and `fn`.
const QUALIFIERS: [&str; 5] = ["pub", "const", "async", "unsafe", "extern"];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(usize, &str)]) {
        let tokens: TokenStream = text.parse().unwrap();
        let found = cited(text, &tokens, &test_macros(&tokens));
        let found: Vec<_> = found.iter().map(|(line, id)| (*line, id.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_comment_at_a_test_counts() {
        check("// LS-001\n#[test]\nfn a() { b() }", &[(1, "LS-001")]);
        check(
            "// LS-001\n// LS-002\n/// Docs.\n#[tokio::test(x = 1)]\n// LS-003\nasync fn a() {\n    b(); // LS-004\n}",
            &[(1, "LS-001"), (2, "LS-002"), (5, "LS-003"), (7, "LS-004")],
        );
        check(
            "mod tests {\n    // LS-001 to LS-002\n    #[test]\n    fn a() { b() }\n}",
            &[(2, "LS-001"), (2, "LS-002")],
        );
    }

    #[test]
    fn a_comment_anywhere_else_does_not() {
        for text in [
            "// LS-001\nfn a() { b() }",
            "// LS-001\n\n#[test]\nfn a() { b() }",
            "//! LS-001\n\n#[test]\nfn a() { b() }",
            "/// LS-001\n#[test]\nfn a() { b() }",
            "// LS-001\nuse b;\n#[test]\nfn a() { b() }",
            "use b; // LS-001\n#[test]\nfn a() { b() }",
            "#[test]\nfn a() { b() }\n// LS-001\nfn c() { d() }",
            "// LS-001\n#[cfg(test)]\nmod tests { fn a() { b() } }",
            "// LS-001\n#[cfg(test)]\nfn a() { b() }",
            "#[test]\nfn a() {\n    b(\"\n// LS-001\n\", \"// LS-001\")\n}",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn a_test_that_does_nothing_or_is_not_run_does_not_count() {
        check("// LS-001\n#[test]\nfn a() {}", &[]);
        check("// LS-001\n#[test]\nfn a() {\n    // LS-002\n}", &[]);
        check("// LS-001\n#[test]\n#[ignore = \"ahead of the code\"]\nfn a() { b() }", &[]);
    }

    #[test]
    fn the_functions_that_a_macro_makes_tests_of_count() {
        let definition = "macro_rules! all { ($(fn $name:ident $body:block)*) => {$(#[test] fn $name() $body)*} }\n";
        let tests = "all! {\n    // LS-001\n    fn a(b) { c() }\n\n    // LS-002\n    fn d(b) { e() }\n}";
        check(&format!("{definition}{tests}"), &[(3, "LS-001"), (6, "LS-002")]);
        check(tests, &[]);
        check(&format!("{}{tests}", definition.replace("#[test]", "")), &[]);
        check(
            "macro_rules! a {\n    () => {\n        // LS-001\n        #[test]\n        fn b() { c() }\n    }\n}",
            &[],
        );
    }
}
