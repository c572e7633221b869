//! The languages that discovery reads, and what of a path depends on them. Only Rust is learnt; see [`Language::is_learnt`].

use serde::{Deserialize, Serialize};

/// A language.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Rust.
    #[default]
    Rust,
    /// Python.
    Python,
    /// TypeScript, with JSX or without.
    TypeScript,
    /// JavaScript, with JSX or without.
    JavaScript,
    /// Go.
    Go,
    /// Elixir.
    Elixir,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Rust, Self::Python, Self::TypeScript, Self::JavaScript, Self::Go, Self::Elixir];

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::TypeScript => "typescript",
            Self::JavaScript => "javascript",
            Self::Go => "go",
            Self::Elixir => "elixir",
        }
    }

    /// The name as people write it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::TypeScript => "TypeScript",
            Self::JavaScript => "JavaScript",
            Self::Go => "Go",
            Self::Elixir => "Elixir",
        }
    }

    /// Whether the model was trained on it. Of the others it knows nothing and is not asked.
    pub fn is_learnt(self) -> bool {
        self == Self::Rust
    }

    /// The language of a source file, by its extension.
    pub fn of(path: &str) -> Option<Self> {
        let (_, extension) = base_name(path).rsplit_once('.')?;
        let fits = |known: &&'static str| known.eq_ignore_ascii_case(extension);
        Self::ALL.into_iter().find(|l| l.extensions().iter().any(fits))
    }

    /// The endings of its files, without the dot.
    pub(crate) fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["rs"],
            Self::Python => &["py", "pyi"],
            Self::TypeScript => &["ts", "tsx", "mts", "cts"],
            Self::JavaScript => &["js", "jsx", "mjs", "cjs"],
            Self::Go => &["go"],
            Self::Elixir => &["ex", "exs"],
        }
    }

    /// The name of the file that stands for its directory.
    fn index(self) -> Option<&'static str> {
        match self {
            Self::Rust => Some("mod"),
            Self::Python => Some("__init__"),
            Self::TypeScript | Self::JavaScript => Some("index"),
            Self::Go | Self::Elixir => None,
        }
    }

    /// Directories of other people's code and of tools, wherever they stand.
    pub(crate) fn foreign(self) -> &'static [&'static str] {
        match self {
            Self::Python => &[
                ".venv",
                "venv",
                "__pycache__",
                "site-packages",
                ".tox",
                ".nox",
                ".eggs",
                "_vendor",
                "_vendored",
                "_build",
            ],
            Self::TypeScript | Self::JavaScript => {
                &["bower_components", ".next", ".nuxt", ".output", ".svelte-kit", ".turbo", ".yarn"]
            }
            Self::Rust | Self::Go | Self::Elixir => &[],
        }
    }

    /// Directories that builds write, where they stand beside one of [`Language::manifests`].
    pub(crate) fn built(self) -> &'static [&'static str] {
        match self {
            Self::Python => &["build", "dist"],
            Self::TypeScript | Self::JavaScript => &["build", "dist", "coverage", "deps", "_build"],
            Self::Elixir => &["deps", "_build", "cover"],
            Self::Rust | Self::Go => &[],
        }
    }

    /// Names of the files that say what a package is and needs.
    pub(crate) fn manifests(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["Cargo.toml"],
            Self::Python => {
                &["pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "Pipfile"]
            }
            Self::TypeScript | Self::JavaScript => {
                &["package.json", "tsconfig.json", "jsconfig.json"]
            }
            Self::Go => &["go.mod"],
            Self::Elixir => &["mix.exs"],
        }
    }
}

/// The last part of a path.
pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The directory of a path, without a `/` at its end.
pub(crate) fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// Whether a path lies in a directory, at whatever depth.
pub(crate) fn within(path: &str, directory: &str) -> bool {
    directory.is_empty() || path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// A path without the extension of its language: `src/net/mod.rs` is `src/net/mod`.
pub(crate) fn without_extension(path: &str) -> &str {
    match Language::of(path) {
        Some(_) => path.rsplit_once('.').map_or(path, |(start, _)| start),
        None => path,
    }
}

/// The path of the module that a file is: without its extension, and its directory where the file stands for that.
pub(crate) fn module_path(path: &str) -> &str {
    let plain = without_extension(path);
    let index = Language::of(path).and_then(Language::index);
    let directory = index.and_then(|index| plain.strip_suffix(index)?.strip_suffix('/'));
    directory.unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_a_directory_and_lies_within_those_above() {
        assert_eq!((directory("a/b/c.rs"), base_name("a/b/c.rs")), ("a/b", "c.rs"));
        assert_eq!((directory("c.rs"), base_name("c.rs")), ("", "c.rs"));
        assert!(within("cmd/app/main.go", "cmd/app") && within("main.go", ""));
        assert!(!within("cmd/app2/main.go", "cmd/app") && !within("cmd/app", "cmd/app"));
    }

    #[test]
    fn a_file_has_a_language_and_a_module() {
        for (path, language, module) in [
            ("src/net/mod.rs", Some(Language::Rust), "src/net"),
            ("src/index.rs", Some(Language::Rust), "src/index"),
            ("app/models/__init__.py", Some(Language::Python), "app/models"),
            ("web/src/index.tsx", Some(Language::TypeScript), "web/src"),
            ("lib/app.ex", Some(Language::Elixir), "lib/app"),
            ("cmd/main.go", Some(Language::Go), "cmd/main"),
            ("README.md", None, "README.md"),
            ("py", None, "py"),
        ] {
            assert_eq!(Language::of(path), language, "{path}");
            assert_eq!(module_path(path), module);
        }
    }
}
