//! Text of tokens, the same under every compiler: `TokenStream`'s own `Display` changes between versions, and type
//! texts stand in snapshots.

use proc_macro2::{Delimiter, Group, Punct, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// The tokens as one line of ordinary Rust.
pub fn stable(tokens: &impl ToTokens) -> String {
    let mut printer = Printer { out: String::new(), glued: true };
    printer.stream(tokens.to_token_stream());
    printer.out.trim().to_owned()
}

/// `glued`: the next token follows without a space.
struct Printer {
    out: String,
    glued: bool,
}

impl Printer {
    fn stream(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(g) => self.group(&g),
                TokenTree::Punct(p) => self.punct(&p),
                word => self.word(&word.to_string()),
            }
        }
    }

    fn word(&mut self, text: &str) {
        if !self.glued {
            self.space();
        }
        self.out.push_str(text);
        self.glued = false;
    }

    fn group(&mut self, group: &Group) {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        if self.out.ends_with([',', '@', '|']) || (open == "{" && !self.glued) {
            self.space();
        }
        let is_wide = open == "{" && !group.stream().is_empty();
        self.out.push_str(open);
        if is_wide {
            self.out.push(' ');
        }
        self.glued = true;
        self.stream(group.stream());
        if is_wide {
            self.out.push(' ');
        }
        self.out.push_str(close);
        self.glued = false;
    }

    fn punct(&mut self, punct: &Punct) {
        let c = punct.as_char();
        let tight = matches!(c, '.' | ',' | ';' | ':' | '?' | '!' | '<' | '>' | '&' | '\'');
        if !self.glued && (!tight || (c == '&' && !self.out.ends_with('&'))) {
            self.space();
        }
        if self.out.ends_with(',') && c != ',' {
            self.space();
        }
        self.out.push(c);
        self.glued = match c {
            '.' | '<' | '!' | '\'' | '&' => true,
            ':' => self.out.ends_with("::") || punct.spacing() == Spacing::Joint,
            '=' if self.out.ends_with("..=") => true,
            _ => punct.spacing() == Spacing::Joint,
        };
        if c == '>' && self.out.ends_with("->") {
            self.glued = false;
        }
    }

    fn space(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with([' ', '(', '[', '{']) {
            self.out.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> String {
        let tokens: TokenStream = text.parse().unwrap();
        stable(&tokens)
    }

    #[test]
    fn types_read_as_they_are_written() {
        for text in [
            "Discovery",
            "Vec<u32>",
            "Result<Vec<(u32, String)>, E>",
            "HashMap<String, Vec<Option<u32>>>",
            "std::collections::HashMap<String, u32>",
            "[u8; 4]",
            "()",
            "&'a str",
            "Box<dyn Fn(u32) -> u32>",
            "A::Big { n: _, .. } | B {}",
            "all @ [1..=5, ..] | (_, None)",
        ] {
            assert_eq!(printed(text), text);
        }
    }

    #[test]
    fn spaces_in_the_source_do_not_matter() {
        assert_eq!(printed("Vec < ( u32 ,String ) >"), "Vec<(u32, String)>");
        assert_eq!(printed("steps :: train"), "steps::train");
    }
}
