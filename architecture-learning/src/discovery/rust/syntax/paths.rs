//! Paths and `use` trees.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use tree_sitter::Node;

/// One leaf of a `use` declaration: groups are expanded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Use<S = String> {
    /// From the left, `crate`, `self` and `super` among its [`steps`].
    pub path: S,
    /// The name that it binds here: the last step or the one after `as`; none for `_` and globs.
    pub binds: Option<S>,
    pub glob: bool,
    /// Visible outside this module: a re-export.
    pub public: bool,
    pub line: u32,
    pub test: bool,
}

/// The steps of a path as [`plain_path`] writes it.
pub(crate) fn steps(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split(':').filter(|step| !step.is_empty())
}

/// A path as written, without generics, spaces and raw prefixes.
pub(super) fn plain_path(path: &str) -> Cow<'_, str> {
    if !path.contains(|c: char| matches!(c, '<' | '>' | '#') || c.is_whitespace()) {
        return Cow::Borrowed(path);
    }
    let mut depth = 0_usize;
    let mut written = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            c if depth == 0 && !c.is_whitespace() => written.push(c),
            _ => {}
        }
    }
    Cow::Owned(steps(&written).filter_map(plain).collect::<Vec<_>>().join("::"))
}

/// The last step of a path as written.
pub(super) fn last_step(path: &str) -> Option<Cow<'_, str>> {
    match plain_path(path) {
        Cow::Borrowed(path) => steps(path).next_back().map(Cow::Borrowed),
        Cow::Owned(path) => steps(&path).next_back().map(|step| Cow::Owned(step.to_owned())),
    }
}

/// A segment without its raw prefix; none where nothing is left.
pub(super) fn plain(segment: &str) -> Option<&str> {
    let plain = segment.trim_start_matches("r#");
    (!plain.is_empty()).then_some(plain)
}

/// All leaves of a `use` or `extern crate` declaration.
pub(super) fn uses(node: Node<'_>, text: &str, line: u32) -> Vec<Use> {
    let mut cursor = node.walk();
    let public = node.children(&mut cursor).any(|c| c.kind() == "visibility_modifier");
    let mut leaves = Vec::new();
    if node.kind() == "extern_crate_declaration" {
        let field = |name| node.child_by_field_name(name).map(|n| text[n.byte_range()].to_owned());
        if let Some(name) = field("name") {
            let binds = field("alias").or_else(|| Some(name.clone()));
            leaves.push((name, binds, false, 0));
        }
    } else if let Some(argument) = node.child_by_field_name("argument") {
        expand(argument, text, &mut leaves);
    }
    let leaf = |(path, binds, glob, row): Leaf| {
        let line = line + u32::try_from(row).unwrap_or(0);
        Use { path, binds, glob, public, line, test: false }
    };
    leaves.into_iter().map(leaf).collect()
}

/// Path, the name that it binds, whether it is a glob, and its row below the declaration's.
type Leaf = (String, Option<String>, bool, usize);

/// Expands groups with a list of its own, as sources nest deeper than threads do.
fn expand(root: Node<'_>, text: &str, leaves: &mut Vec<Leaf>) {
    let of = |n: Node<'_>| &text[n.byte_range()];
    let row = |n: Node<'_>| n.start_position().row - root.start_position().row;
    let mut open = vec![(root, String::new())];
    while let Some((node, prefix)) = open.pop() {
        let joined = |n: Node<'_>| {
            let path = plain_path(of(n));
            if prefix.is_empty() { path.into_owned() } else { format!("{prefix}::{path}") }
        };
        match node.kind() {
            "scoped_use_list" => {
                let path = node.child_by_field_name("path").map_or_else(|| prefix.clone(), joined);
                open.extend(node.child_by_field_name("list").map(|list| (list, path)));
            }
            "use_list" => {
                let mut cursor = node.walk();
                let first = open.len();
                open.extend(node.named_children(&mut cursor).map(|child| (child, prefix.clone())));
                open[first..].reverse();
            }
            "use_as_clause" => {
                let alias = node.child_by_field_name("alias");
                let alias = alias.map(|n| of(n).trim_start_matches("r#"));
                if let Some(path) = node.child_by_field_name("path") {
                    let binds = alias.filter(|a| *a != "_").map(str::to_owned);
                    leaves.push((without_self(joined(path)), binds, false, row(node)));
                }
            }
            "use_wildcard" => {
                let path = node.named_child(0).map_or_else(|| prefix.clone(), joined);
                leaves.push((path, None, true, row(node)));
            }
            "line_comment" | "block_comment" => {}
            _ => {
                let path = without_self(joined(node));
                let binds = steps(&path).next_back().map(str::to_owned);
                leaves.push((path, binds, false, row(node)));
            }
        }
    }
}

/// `a::{self}` is `a`.
fn without_self(mut path: String) -> String {
    if let Some(outer) = path.strip_suffix("::self") {
        path.truncate(outer.len());
    }
    path
}
