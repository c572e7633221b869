//! Counts of constructs, and the outline of types, traits and impls that the detectors of patterns read.

use serde::{Deserialize, Serialize};
use tree_sitter::{Language, Node};

/// What is counted, in the order of the counts: node kinds of the grammar, and a few that need a look inside.
pub(crate) const COUNTS: [&str; 36] = [
    "function_item",
    "struct_item",
    "enum_item",
    "trait_item",
    "impl_item",
    "type_item",
    "const_item",
    "static_item",
    "macro_definition",
    "macro_invocation",
    "enum_variant",
    "field_declaration",
    "match_expression",
    "match_arm",
    "closure_expression",
    "for_expression",
    "while_expression",
    "loop_expression",
    "if_expression",
    "try_expression",
    "await_expression",
    "unsafe_block",
    "call_expression",
    "binary_expression",
    "index_expression",
    "assignment_expression",
    "compound_assignment_expr",
    "string_literal",
    "integer_literal",
    "reference_type",
    "generic_type",
    "lifetime",
    "where_clause",
    "visibility_modifier",
    "async",
    "trait_impl",
];

/// What the walk does with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Attribute,
    Comment,
    /// Attributes of the file itself.
    Passed,
    Module,
    Use,
    Path,
    MacroCall,
    TokenTree,
    Identifier,
    /// Nothing below it is read.
    Closed,
    /// What is in it stands directly in the module around it.
    Items,
    /// Punctuation or a keyword: nothing is below it.
    Sign,
    Other,
}

/// What a node is inside a macro's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Joint,
    Part,
    Tree,
    Other,
}

/// All that the walk asks of a kind of node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub class: Class,
    pub token: Token,
    pub outlined: bool,
    modifiers: bool,
    implements: bool,
    /// Place in [`COUNTS`].
    count: Option<usize>,
}

impl Kind {
    fn of(name: &str, named: bool) -> Self {
        let class = match name {
            _ if !named => Class::Sign,
            "attribute_item" => Class::Attribute,
            "line_comment" | "block_comment" => Class::Comment,
            "inner_attribute_item" => Class::Passed,
            "mod_item" => Class::Module,
            "use_declaration" | "extern_crate_declaration" => Class::Use,
            "scoped_identifier" | "scoped_type_identifier" => Class::Path,
            "macro_invocation" => Class::MacroCall,
            "token_tree" => Class::TokenTree,
            "identifier"
            | "type_identifier"
            | "field_identifier"
            | "shorthand_field_identifier" => Class::Identifier,
            "string_literal" | "raw_string_literal" | "char_literal" | "lifetime" | "label" => {
                Class::Closed
            }
            "foreign_mod_item" | "declaration_list" | "expression_statement" => Class::Items,
            _ => Class::Other,
        };
        let token = match name {
            "::" => Token::Joint,
            "identifier" | "crate" | "self" | "super" => Token::Part,
            "token_tree" => Token::Tree,
            _ => Token::Other,
        };
        Self {
            class,
            token,
            outlined: named
                && matches!(name, "struct_item" | "enum_item" | "trait_item" | "impl_item"),
            modifiers: named && name == "function_modifiers",
            implements: named && name == "impl_item",
            count: COUNTS.iter().position(|k| named && *k == name),
        }
    }
}

/// The kinds of a grammar by their number: names are compared once per grammar instead of once per node.
pub(super) struct Kinds {
    known: Vec<Kind>,
    other: Kind,
}

impl Kinds {
    pub(super) fn of(grammar: &Language) -> Self {
        let count = u16::try_from(grammar.node_kind_count()).unwrap_or(u16::MAX);
        let kind = |id| {
            let named = grammar.node_kind_is_named(id);
            Kind::of(grammar.node_kind_for_id(id).unwrap_or_default(), named)
        };
        Self { known: (0..count).map(kind).collect(), other: Kind::of("", true) }
    }

    pub(super) fn of_node(&self, node: Node<'_>) -> Kind {
        self.known.get(usize::from(node.kind_id())).copied().unwrap_or(self.other)
    }
}

/// Adds `node` to the counts.
pub(super) fn count(node: Node<'_>, kind: Kind, text: &str, counts: &mut [u32]) {
    let mut add = |name: &str| {
        if let Some(i) = COUNTS.iter().position(|k| *k == name) {
            counts[i] += 1;
        }
    };
    if kind.implements && node.child_by_field_name("trait").is_some() {
        add("trait_impl");
    }
    if kind.modifiers && text[node.byte_range()].contains("async") {
        add("async");
    }
    if let Some(i) = kind.count {
        counts[i] += 1;
    }
}

/// The types, traits and impls of a file, outside tests.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outline {
    pub types: Vec<Type>,
    pub traits: Vec<Trait>,
    pub impls: Vec<Impl>,
}

/// A struct or enum.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Type {
    pub name: String,
    pub line: u32,
    pub phantom: bool,
}

/// A trait with the names of its methods.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trait {
    pub name: String,
    pub line: u32,
    pub methods: Vec<String>,
}

/// An impl block.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Impl {
    /// The type without its arguments.
    pub of: String,
    /// The arguments as written, for type-state.
    pub arguments: String,
    pub of_trait: Option<String>,
    pub line: u32,
    pub methods: Vec<Method>,
}

/// A method of an impl block.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Method {
    pub name: String,
    /// Takes and gives `Self`: a link of a chain.
    pub chains: bool,
}

impl Outline {
    pub(super) fn add(&mut self, node: Node<'_>, text: &str, line: u32) {
        match node.kind() {
            "struct_item" | "enum_item" => self.types.extend(type_of(node, text, line)),
            "trait_item" => self.traits.extend(trait_of(node, text, line)),
            "impl_item" => self.impls.extend(impl_of(node, text, line)),
            _ => {}
        }
    }
}

fn field<'t>(node: Node<'_>, name: &str, text: &'t str) -> Option<&'t str> {
    node.child_by_field_name(name).map(|n| &text[n.byte_range()])
}

fn type_of(node: Node<'_>, text: &str, line: u32) -> Option<Type> {
    let body = node.child_by_field_name("body");
    Some(Type {
        name: field(node, "name", text)?.to_owned(),
        line,
        phantom: body.is_some_and(|b| text[b.byte_range()].contains("PhantomData")),
    })
}

fn functions(body: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = body.walk();
    body.named_children(&mut cursor)
        .filter(|c| matches!(c.kind(), "function_item" | "function_signature_item"))
        .collect()
}

fn trait_of(node: Node<'_>, text: &str, line: u32) -> Option<Trait> {
    let methods = node.child_by_field_name("body").map(functions).unwrap_or_default();
    Some(Trait {
        name: field(node, "name", text)?.to_owned(),
        line,
        methods: methods
            .iter()
            .filter_map(|m| field(*m, "name", text))
            .map(str::to_owned)
            .collect(),
    })
}

fn impl_of(node: Node<'_>, text: &str, line: u32) -> Option<Impl> {
    let written = field(node, "type", text)?;
    let (of, arguments) = written.split_once('<').unwrap_or((written, ""));
    let methods = node.child_by_field_name("body").map(functions).unwrap_or_default();
    let of_trait = field(node, "trait", text).map(|t| t.split('<').next().unwrap_or(t).to_owned());
    Some(Impl {
        of: of.to_owned(),
        arguments: arguments.trim_end_matches('>').to_owned(),
        of_trait,
        line,
        methods: methods.iter().filter_map(|m| method_of(*m, of, text)).collect(),
    })
}

fn method_of(node: Node<'_>, of: &str, text: &str) -> Option<Method> {
    let takes_self = field(node, "parameters", text).is_some_and(|p| {
        let p = p.trim_start_matches('(').trim_start();
        p.starts_with("self") || p.starts_with("mut self") || p.starts_with("&mut self")
    });
    let result = field(node, "return_type", text).unwrap_or_default();
    let plain = result.trim_start_matches('&').trim_start_matches("mut ").trim();
    let plain = plain.split('<').next().unwrap_or_default();
    Some(Method {
        name: field(node, "name", text)?.to_owned(),
        chains: takes_self && (plain == "Self" || plain == of),
    })
}
