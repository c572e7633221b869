//! Codebases in other languages than Rust: what is an edge, what rules can tell of roles, and what is left open.

mod ecmascript;
mod elixir;
mod go;
mod mixed;
mod python;

use std::fs;

use architecture_learning::architecture::Basis;
use architecture_learning::codebase::Codebase;
use architecture_learning::discovery::{self, FileKind};
use architecture_learning::language::Language;
use architecture_learning::role::Role;
use architecture_learning::serving::Serving;
use architecture_learning::settings::Settings;
use architecture_learning::survey::Survey;

use crate::support::Scratch;

/// A codebase looked at with the bundled model.
struct Looked {
    scratch: Scratch,
    survey: Survey,
}

impl Looked {
    fn at(name: &str, files: &[(&str, &str)]) -> Self {
        let scratch = Scratch::new(name);
        for (path, text) in files {
            let path = scratch.path(name).join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, text).expect("a file");
        }
        let codebase = Codebase::open_sources(&scratch.path(name)).expect("sources");
        let shard = discovery::scan(&codebase).expect("a shard");
        let serving = Serving::bundled().expect("a model");
        Self { survey: Survey::of(&serving, &Settings::default(), shard), scratch }
    }

    /// `from → to`, for every file that imports another.
    fn edges(&self) -> Vec<String> {
        let shard = &self.survey.shard;
        let path = |i: u32| &shard.files[i as usize].path;
        let mut edges: Vec<_> =
            shard.edges.iter().map(|e| format!("{} → {}", path(e.from), path(e.to))).collect();
        edges.dedup();
        edges
    }

    #[track_caller]
    fn assert_edges(&self, expected: &[(&str, &[&str])]) {
        let expected: Vec<_> = expected
            .iter()
            .flat_map(|(from, to)| to.iter().map(move |to| format!("{from} → {to}")))
            .collect();
        assert_eq!(self.edges(), expected);
    }

    fn kind(&self, path: &str) -> FileKind {
        let file = self.survey.shard.files.iter().find(|f| f.path == path);
        file.unwrap_or_else(|| panic!("no {path}")).kind
    }

    /// Role and who says so.
    fn role(&self, path: &str) -> Option<(Role, Basis)> {
        let files = self.survey.shard.files.iter().zip(&self.survey.assigned);
        let (_, assigned) = files.into_iter().find(|(f, _)| f.path == path).expect("the file");
        assigned.map(|a| (a.role, a.basis))
    }

    #[track_caller]
    fn assert_roles(&self, expected: &[(&str, Option<(Role, Basis)>)]) {
        for (path, role) in expected {
            assert_eq!(self.role(path), *role, "{path}");
        }
    }

    /// The evidence of a pattern, as `note (path:line)`.
    fn shown(&self, pattern: &str) -> Option<String> {
        let found = self.survey.shard.patterns.iter().find(|p| p.name == pattern)?;
        let first = found.evidence.first()?;
        Some(format!("{} ({}:{})", first.note, first.path, first.line))
    }

    /// What the program prints about it.
    fn told(&self, arguments: &[&str]) -> String {
        let mut command = crate::support::archlearn(&self.scratch, arguments);
        let output = command
            .current_dir(&self.survey.shard.codebase.root)
            .env_remove("CI")
            .output()
            .expect("starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// Every language survives what nobody should write, and says what it left out.
#[test]
fn hostile_files_are_told_and_survived() {
    let deep = |open: &str, close: &str| [open.repeat(20_000), close.repeat(20_000)].concat();
    for (language, name, start) in
        [(Language::Python, "deep.py", "x = "), (Language::Python, "deeper.pyi", "import a\nx = ")]
    {
        let parentheses = [start, &deep("(", ")")].concat();
        let brackets = [start, &"[".repeat(20_000)].concat();
        let looked =
            Looked::at("hostile", &[(name, &parentheses), (&format!("b{name}"), &brackets)]);
        let own = |f: &&discovery::SourceFile| f.language == language;
        assert_eq!(looked.survey.shard.files.iter().filter(own).count(), 2, "{name}");
        fs::write(looked.scratch.path("hostile").join(name), b"caf\xe9 = \xff\xfe")
            .expect("a file");
        fs::write(looked.scratch.path("hostile").join(format!("b{name}")), vec![b'#'; 9_000_000])
            .expect("a file");
        assert!(looked.told(&[]).contains("1 files unreadable or too large"), "{name}");
    }
}
