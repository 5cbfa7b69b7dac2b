//! A Rust file as the lexer sees it: comments gone, strings apart from code, macro bodies as plain as the rest.

use std::mem;

use proc_macro2::{Delimiter, LexError, TokenStream, TokenTree};

/// The tokens of one file.
#[derive(Debug)]
pub(crate) struct Tokens(TokenStream);

impl Tokens {
    /// Reads a file, or says in which line it stops being Rust.
    pub(crate) fn read(text: &str) -> Result<Self, (usize, String)> {
        text.parse().map(Self).map_err(|error: LexError| (error.span().start().line, error.to_string()))
    }

    /// Uses of macros that mark unfinished code.
    pub(crate) fn unfinished(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        each_sequence(&self.0, &mut |sequence| {
            for window in sequence.windows(3) {
                let [name, mark, TokenTree::Group(_)] = window else { continue };
                let unfinished = UNFINISHED.iter().find(|unfinished| is_word(name, unfinished));
                if let (Some(unfinished), true) = (unfinished, is_mark(mark, '!')) {
                    found.push((line(name), (*unfinished).to_owned()));
                }
            }
        });
        found
    }

    /// `#[ignore]` that gives no reason.
    pub(crate) fn ignored_without_reason(&self) -> Vec<usize> {
        let attributes = self.attributes();
        let ignored = attributes.iter().filter(|attribute| is_word(&attribute[0], "ignore"));
        ignored.filter(|attribute| attribute.len() == 1).map(|attribute| line(&attribute[0])).collect()
    }

    /// Members of `#[serde(..)]` that lose what the language crate has to keep.
    pub(crate) fn serde_shortcuts(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for attribute in self.attributes().into_iter().filter(|attribute| is_word(&attribute[0], "serde")) {
            each_sequence(&attribute.into_iter().collect(), &mut |sequence| {
                for token in sequence {
                    let name = SHORTCUTS.iter().find(|name| is_word(token, name));
                    found.extend(name.map(|name| (line(token), (*name).to_owned())));
                }
            });
        }
        found
    }

    /// Items at the top level that are neither `mod name;` nor `use` nor `extern crate`. An empty inline module counts as
    /// a module: it carries attributes only, such as documentation to test.
    pub(crate) fn not_only_modules(&self) -> Vec<usize> {
        let mut found = Vec::new();
        let mut item = Vec::new();
        let mut tokens = self.0.clone().into_iter().peekable();
        while let Some(token) = tokens.next() {
            if item.is_empty() && is_mark(&token, '#') {
                tokens.next_if(|next| is_mark(next, '!'));
                tokens.next();
                continue;
            }
            item.push(token);
            if ends_item(&item) {
                found.extend(line_if_no_module(&mem::take(&mut item)));
            }
        }
        found.extend(line_if_no_module(&item));
        found
    }

    /// What stands in the brackets of each attribute, never empty; `cfg_attr` is replaced by what it holds.
    fn attributes(&self) -> Vec<Vec<TokenTree>> {
        let mut attributes = Vec::new();
        each_sequence(&self.0, &mut |sequence| {
            for (n, token) in sequence.iter().enumerate() {
                let is_outer = sequence[..n].last().is_some_and(|before| is_mark(before, '#'));
                let is_inner = matches!(&sequence[..n], [.., a, b] if is_mark(a, '#') && is_mark(b, '!'));
                if let (Some(inside), true) = (inside(token, Delimiter::Bracket), is_outer || is_inner) {
                    unfold(inside.into_iter().collect(), &mut attributes);
                }
            }
        });
        attributes
    }
}

/// Calls `see` with the tokens between each pair of brackets, and with those outside of all.
fn each_sequence(tokens: &TokenStream, see: &mut impl FnMut(&[TokenTree])) {
    let sequence: Vec<_> = tokens.clone().into_iter().collect();
    see(&sequence);
    for token in &sequence {
        if let TokenTree::Group(group) = token {
            each_sequence(&group.stream(), see);
        }
    }
}

fn unfold(attribute: Vec<TokenTree>, attributes: &mut Vec<Vec<TokenTree>>) {
    match attribute.as_slice() {
        [] => {}
        [name, arguments, ..] if is_word(name, "cfg_attr") => {
            let arguments: Vec<_> = inside(arguments, Delimiter::Parenthesis).into_iter().flatten().collect();
            // The first is the condition.
            for argument in arguments.split(|token| is_mark(token, ',')).skip(1) {
                unfold(argument.to_vec(), attributes);
            }
        }
        [..] => attributes.push(attribute),
    }
}

/// Braces end an item, except those of `use a::{b, c};`.
fn ends_item(item: &[TokenTree]) -> bool {
    let is_use = without_visibility(item).first().is_some_and(|token| is_word(token, "use"));
    item.last().is_some_and(|last| is_mark(last, ';') || (!is_use && inside(last, Delimiter::Brace).is_some()))
}

fn line_if_no_module(item: &[TokenTree]) -> Option<usize> {
    let is_module = match without_visibility(item) {
        [] => true,
        [word, _name, end] if is_word(word, "mod") => {
            is_mark(end, ';') || inside(end, Delimiter::Brace).is_some_and(|body| body.is_empty())
        }
        [word, ..] if is_word(word, "use") => true,
        [word, next, ..] => is_word(word, "extern") && is_word(next, "crate"),
        [_] => false,
    };
    if is_module { None } else { item.first().map(line) }
}

fn without_visibility(item: &[TokenTree]) -> &[TokenTree] {
    match item {
        [word, scope, rest @ ..] if is_word(word, "pub") && inside(scope, Delimiter::Parenthesis).is_some() => rest,
        [word, rest @ ..] if is_word(word, "pub") => rest,
        _ => item,
    }
}

pub(crate) fn inside(token: &TokenTree, delimiter: Delimiter) -> Option<TokenStream> {
    match token {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group.stream()),
        _ => None,
    }
}

pub(crate) fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

pub(crate) fn is_mark(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

pub(crate) fn line(token: &TokenTree) -> usize {
    token.span().start().line
}

const UNFINISHED: [&str; 3] = ["todo", "unimplemented", "dbg"];
const SHORTCUTS: [&str; 2] = ["flatten", "untagged"];
