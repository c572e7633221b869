//! Weak labels: labelling functions that each look for one word in a file's name or in a directory above it. The name
//! is asked before the directory; two roles at the same place are a conflict and give no label. Words that were read to
//! mislead (`commands`, `handler`, `router`, `middleware`, `schema`, `runtime`, `components`, `auth`, `logs`,
//! `scheduler`) are left out on purpose. The model never sees a path, so what labels it cannot also be what it reads.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::language::{Language, base_name, module_path};
use crate::role::Role;
use crate::words;

/// The words of each role.
const WORDS: [(Role, &[&str]); 15] = [
    (
        Role::Cli,
        &[
            "cli",
            "arg",
            "args",
            "argument",
            "arguments",
            "cmd",
            "cmdline",
            "clap",
            "subcommand",
            "subcommands",
            "completions",
        ],
    ),
    (
        Role::HttpApi,
        &[
            "route",
            "routes",
            "routing",
            "endpoint",
            "endpoints",
            "controller",
            "controllers",
            "rest",
            "webhook",
            "webhooks",
            "openapi",
            "extract",
        ],
    ),
    (
        Role::Ui,
        &[
            "ui", "gui", "tui", "widget", "widgets", "dialog", "popup", "view", "views", "layout",
            "theme", "themes", "style", "styles", "screen",
        ],
    ),
    (Role::DataModel, &["model", "models", "entity", "entities", "types", "dto", "domain"]),
    (
        Role::Parsing,
        &[
            "parse",
            "parser",
            "parsers",
            "parsing",
            "lexer",
            "lex",
            "tokenizer",
            "tokenize",
            "scanner",
            "grammar",
            "reader",
        ],
    ),
    (
        Role::Codegen,
        &[
            "codegen",
            "emit",
            "emitter",
            "generate",
            "generator",
            "expand",
            "expander",
            "lower",
            "lowering",
            "derive",
            "assembler",
        ],
    ),
    (
        Role::Persistence,
        &[
            "db",
            "database",
            "storage",
            "store",
            "stores",
            "sqlite",
            "postgres",
            "mysql",
            "persistence",
            "persist",
            "wal",
            "repository",
            "repositories",
            "migration",
            "migrations",
            "btree",
        ],
    ),
    (
        Role::Transport,
        &[
            "transport",
            "transports",
            "net",
            "network",
            "socket",
            "sockets",
            "tcp",
            "udp",
            "quic",
            "connection",
            "conn",
            "connect",
            "connector",
            "listener",
            "ws",
            "websocket",
            "dns",
        ],
    ),
    (
        Role::Codec,
        &[
            "codec",
            "codecs",
            "encode",
            "encoder",
            "encoding",
            "decode",
            "decoder",
            "decoding",
            "ser",
            "serialize",
            "serializer",
            "deserialize",
            "deserializer",
            "de",
            "compress",
            "compression",
            "decompress",
            "base64",
        ],
    ),
    (
        Role::Runtime,
        &[
            "executor",
            "executors",
            "reactor",
            "eventloop",
            "worker",
            "workers",
            "threadpool",
            "task",
            "tasks",
            "spawn",
            "park",
        ],
    ),
    (
        Role::Platform,
        &[
            "platform", "unix", "windows", "linux", "macos", "android", "ios", "wasm", "wasm32",
            "sys", "os", "ffi", "apple", "darwin", "libc", "posix", "x11", "wayland", "win32",
            "bsd", "wasi",
        ],
    ),
    (
        Role::Security,
        &[
            "crypto",
            "cipher",
            "ciphers",
            "signature",
            "signatures",
            "sign",
            "signing",
            "certificate",
            "certificates",
            "cert",
            "x509",
            "password",
            "secret",
            "secrets",
            "permission",
            "permissions",
            "acl",
            "aes",
            "hmac",
            "jwt",
            "encrypt",
            "encryption",
            "decrypt",
            "tls",
            "ecdsa",
            "rsa",
            "key",
            "keys",
        ],
    ),
    (
        Role::Config,
        &[
            "config",
            "configs",
            "configuration",
            "setting",
            "settings",
            "conf",
            "cfg",
            "option",
            "options",
            "preferences",
        ],
    ),
    (Role::Error, &["error", "errors", "err"]),
    (
        Role::Observability,
        &[
            "log",
            "logger",
            "logging",
            "trace",
            "tracing",
            "metric",
            "metrics",
            "telemetry",
            "stats",
            "profiling",
            "profiler",
            "diagnostics",
        ],
    ),
];

/// Words that say a role in Rust, and in other languages mostly something else: `views` that answer requests, the `emitter`
/// of events, `de` for German.
const RUST_ALONE: &[&str] = &[
    "assembler",
    "connect",
    "connector",
    "de",
    "derive",
    "domain",
    "emit",
    "emitter",
    "expand",
    "expander",
    "extract",
    "generate",
    "generator",
    "key",
    "keys",
    "lower",
    "lowering",
    "os",
    "park",
    "reader",
    "rest",
    "ser",
    "sign",
    "spawn",
    "store",
    "stores",
    "style",
    "styles",
    "sys",
    "task",
    "tasks",
    "view",
    "views",
];

/// Words that say a role by the conventions of other languages.
const CONVENTIONS: &[(Language, Role, &[&str])] = &[
    (Language::Python, Role::Error, &["exception", "exceptions"]),
    (Language::Python, Role::Codec, &["serializers"]),
    (Language::Python, Role::HttpApi, &["urls"]),
    (Language::TypeScript, Role::Ui, &["component", "components", "page", "pages"]),
    (Language::JavaScript, Role::Ui, &["component", "components", "page", "pages"]),
    (Language::Elixir, Role::Ui, &["live", "components", "html"]),
    (Language::Elixir, Role::HttpApi, &["router", "plug", "plugs"]),
    (Language::Elixir, Role::Persistence, &["repo"]),
];

/// Names of helpers, containers and algorithms: what has such a name has none of the roles.
const ROLELESS: &[&str] = &[
    "util",
    "utils",
    "utility",
    "utilities",
    "helper",
    "helpers",
    "common",
    "misc",
    "macros",
    "prelude",
    "math",
    "iter",
    "iterator",
    "iterators",
    "slice",
    "vec",
    "array",
    "list",
    "set",
    "map",
    "hashmap",
    "tree",
    "graph",
    "heap",
    "queue",
    "stack",
    "matrix",
    "vector",
    "hash",
    "hasher",
    "algorithm",
    "algorithms",
    "sort",
    "search",
    "distance",
    "number",
    "num",
    "numeric",
    "float",
    "int",
    "integer",
    "random",
    "rand",
    "rng",
    "arith",
    "bits",
    "ops",
    "range",
    "ranges",
    "cmp",
    "geometry",
    "interval",
    "permutation",
    "combinatorics",
    "polynomial",
    "statistics",
];

/// What the labelling functions say of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vote {
    /// All that vote agree.
    For(Role, &'static str, Place),
    /// They do not.
    Conflict,
    /// None votes.
    Silent,
}

/// Where a labelling function looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The file's own name.
    Stem,
    /// The nearest directory above it that has a word.
    Directory,
}

/// How the labelling functions did on a corpus.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LabelReport {
    /// Files that could have a role.
    pub eligible: usize,
    /// Files with a label.
    pub labelled: usize,
    /// Files on which functions disagreed.
    pub conflicts: usize,
    /// Files per role, by the role's name.
    pub roles: BTreeMap<String, usize>,
    /// Files per labelling function, named `role/place/word`.
    pub functions: BTreeMap<String, usize>,
}

impl LabelReport {
    pub(crate) fn add(&mut self, vote: Vote) {
        self.eligible += 1;
        match vote {
            Vote::For(role, word, place) => {
                self.labelled += 1;
                *self.roles.entry(role.name().to_owned()).or_default() += 1;
                let place = if place == Place::Stem { "stem" } else { "directory" };
                *self.functions.entry(format!("{}/{place}/{word}", role.name())).or_default() += 1;
            }
            Vote::Conflict => self.conflicts += 1,
            Vote::Silent => {}
        }
    }
}

/// Votes on the path of a module, relative to its codebase.
pub(crate) fn vote(path: &str) -> Vote {
    let language = Language::of(path).unwrap_or_default();
    let inside = path.rsplit_once("src/").map_or(path, |(_, inside)| inside);
    let inside = module_path(inside);
    let mut parts = inside.rsplit('/');
    let vote = |part, place| in_part(part, place, language);
    let stem = vote(parts.next().unwrap_or_default(), Place::Stem);
    if stem != Vote::Silent {
        return stem;
    }
    let nearest = parts.map(|part| vote(part, Place::Directory)).find(|vote| *vote != Vote::Silent);
    nearest.unwrap_or(Vote::Silent)
}

/// Whether the name of a module says that it has none of the roles: its own name only, and only where nothing on its path
/// speaks for a role.
pub(crate) fn is_roleless(path: &str) -> bool {
    let name = base_name(module_path(path));
    let words = words::split(name);
    let known = words.iter().any(|word| ROLELESS.contains(&word.as_str()));
    known && vote(path) == Vote::Silent
}

/// Whether a file's own name says that it holds errors, where names are seldom wrong.
pub(crate) fn is_error_name(path: &str) -> bool {
    matches!(vote(path), Vote::For(Role::Error, _, Place::Stem))
}

fn in_part(part: &str, place: Place, language: Language) -> Vote {
    let mut vote = Vote::Silent;
    let mut words = words::split(part);
    // nobody has measured what the first words of a compound are worth elsewhere: `errorContext` is no error
    if language != Language::Rust {
        words = words.pop().into_iter().collect();
    }
    for word in words {
        let Some((role, known)) = look_up(&word, language) else { continue };
        vote = match vote {
            Vote::Silent => Vote::For(role, known, place),
            Vote::For(other, ..) if other != role => return Vote::Conflict,
            agreed => agreed,
        };
    }
    vote
}

fn look_up(word: &str, language: Language) -> Option<(Role, &'static str)> {
    static KNOWN: LazyLock<HashMap<&str, (Role, &str)>> = LazyLock::new(|| {
        let of = |(role, words): &(Role, &'static [&'static str])| {
            let role = *role;
            words.iter().map(move |word| (*word, (role, *word)))
        };
        WORDS.iter().flat_map(of).collect()
    });
    if language != Language::Rust {
        let conventions = CONVENTIONS.iter().filter(|(of, ..)| *of == language);
        let mut found = conventions.filter_map(|(_, role, words)| {
            words.iter().find(|known| **known == word).map(|known| (*role, *known))
        });
        if let Some(found) = found.next() {
            return Some(found);
        }
        if RUST_ALONE.contains(&word) {
            return None;
        }
    }
    KNOWN.get(word).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(path: &str) -> Option<Role> {
        if let Vote::For(role, ..) = vote(path) { Some(role) } else { None }
    }

    #[test]
    fn the_name_is_asked_before_the_directory() {
        assert_eq!(role("src/parser/expr.rs"), Some(Role::Parsing));
        assert_eq!(role("src/parser/error.rs"), Some(Role::Error));
        assert_eq!(role("src/platform/mod.rs"), Some(Role::Platform));
        assert_eq!(role("core/src/net/tcp_socket.rs"), Some(Role::Transport));
    }

    #[test]
    fn conflicts_and_misleading_words_give_no_label() {
        assert_eq!(vote("src/config_error.rs"), Vote::Conflict);
        for word in [
            "commands",
            "handler",
            "router",
            "middleware",
            "schema",
            "runtime",
            "components",
            "auth",
            "logs",
            "scheduler",
        ] {
            assert_eq!(vote(&format!("src/{word}.rs")), Vote::Silent, "{word}");
        }
    }

    #[test]
    fn other_languages_have_conventions_of_their_own() {
        assert_eq!(role("app/exceptions.py"), Some(Role::Error));
        assert_eq!(role("shop/views.py"), None);
        assert_eq!(role("src/views.rs"), Some(Role::Ui));
        assert_eq!(role("web/src/components/Button/index.tsx"), Some(Role::Ui));
        assert_eq!(role("lib/shop/repo.ex"), Some(Role::Persistence));
        assert_eq!(role("internal/config/load.go"), Some(Role::Config));
        assert_eq!(role("src/orders/order.entity.ts"), Some(Role::DataModel));
        assert_eq!(role("lib/error-message.js"), None);
    }

    #[test]
    fn helpers_have_no_role_where_nothing_speaks_for_one() {
        assert!(is_roleless("src/util/mod.rs") && is_roleless("src/hash_map.rs"));
        assert!(!is_roleless("src/parser/util.rs") && !is_roleless("src/billing.rs"));
    }

    #[test]
    fn no_word_speaks_for_two_roles() {
        let mut seen: std::collections::BTreeSet<_> = ROLELESS.iter().copied().collect();
        assert!(WORDS.iter().flat_map(|(_, words)| words.iter()).all(|word| seen.insert(*word)));
    }
}
