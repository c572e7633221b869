//! Leads imports to the files that define what they name, along re-exports.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::discovery::dialect::{Facts, Found, Import, Modules};
use crate::discovery::{Edge, EdgeKind};

/// Places asked for the definition of one name: more are no chain of re-exports that a person wrote.
const HOPS_MAX: usize = 500;

/// What the imports of a portion lead to.
#[derive(Default)]
pub(super) struct Resolution {
    pub edges: Vec<Edge>,
    /// Per file the packages outside, each with the first line that names it.
    pub outside: Vec<BTreeMap<String, u32>>,
    pub unresolved: usize,
}

/// Follows the imports of all files.
pub(super) fn resolve(facts: &[Facts], modules: &dyn Modules) -> Resolution {
    let links: Vec<_> =
        facts.iter().enumerate().map(|(file, facts)| Links::of(file, facts, modules)).collect();
    let (known, asked) = (HashMap::new(), HashMap::new());
    let mut definers = Definers { facts, modules, links: &links, known, asked };
    let mut result =
        Resolution { outside: vec![BTreeMap::new(); facts.len()], ..Resolution::default() };
    let mut edges: BTreeMap<(usize, usize, EdgeKind), u32> = BTreeMap::new();
    for (from, (facts, links)) in facts.iter().zip(&links).enumerate() {
        for (import, found) in facts.imports.iter().zip(&links.found) {
            let targets = match found {
                Found::Files(files) => definers.targets(files, import),
                Found::Outside(name) => {
                    result.outside[from].entry(name.clone()).or_insert(import.line);
                    continue;
                }
                Found::Missing => {
                    let parts = parts(modules, from, import);
                    result.unresolved += usize::from(parts.is_empty());
                    parts
                }
                Found::Nothing => continue,
            };
            for to in targets.into_iter().filter(|to| *to != from) {
                edges.entry((from, to, import.kind)).or_insert(import.line);
            }
        }
    }
    let id = |file: usize| u32::try_from(file).unwrap_or(u32::MAX);
    let edge = |((from, to, kind), line)| Edge { from: id(from), to: id(to), kind, line };
    result.edges = edges.into_iter().map(edge).collect();
    result
}

/// The files that are parts of a module which has no file of its own.
fn parts(modules: &dyn Modules, from: usize, import: &Import) -> BTreeSet<usize> {
    let part = |(name, _): &(String, String)| match modules
        .find(from, &modules.part(&import.module, name)?)
    {
        Found::Files(files) => files.first().copied(),
        _ => None,
    };
    import.names.iter().filter_map(part).collect()
}

/// The imports of one file.
struct Links<'a> {
    /// What each means.
    found: Vec<Found>,
    /// The imports that bring in a name, by what it is called here, each with what it is called there.
    names: HashMap<&'a str, Vec<(usize, &'a str)>>,
    /// Imports all of whose names are names of this file.
    whole: Vec<usize>,
}

impl<'a> Links<'a> {
    fn of(file: usize, facts: &'a Facts, modules: &dyn Modules) -> Self {
        let imports = &facts.imports;
        let mut names: HashMap<&str, Vec<(usize, &str)>> = HashMap::new();
        for (i, import) in imports.iter().enumerate() {
            for (original, local) in &import.names {
                names.entry(local).or_default().push((i, original));
            }
        }
        let found = imports.iter().map(|import| modules.find(file, &import.module)).collect();
        let whole = (0..imports.len()).filter(|i| imports[*i].all).collect();
        Self { found, names, whole }
    }
}

/// Who defines what.
struct Definers<'a> {
    facts: &'a [Facts],
    modules: &'a dyn Modules,
    links: &'a [Links<'a>],
    /// The file that defines what a file calls so, where that does not hang on who asks.
    known: HashMap<(usize, &'a str), Option<usize>>,
    /// The same where a question begins.
    asked: HashMap<(usize, &'a str), Option<usize>>,
}

/// One question for a definition.
#[derive(Default)]
struct Question<'a> {
    seen: HashSet<(usize, &'a str)>,
    /// Times that a file was asked again or too many were: what was answered since is true of this question alone.
    cut: usize,
}

impl<'a> Definers<'a> {
    /// The files that an import leads to: those that define its names, else the module itself.
    fn targets(&mut self, files: &[usize], import: &'a Import) -> BTreeSet<usize> {
        let chief = files.first().copied();
        if import.names.is_empty() || import.all {
            return chief.into_iter().collect();
        }
        let definer = |(name, _): &'a (String, String)| {
            let mut question = Question::default();
            self.among(files, name, &mut question).or(chief)
        };
        import.names.iter().filter_map(definer).collect()
    }

    /// The file that defines what the first of `files` that knows it calls `name`.
    fn among(
        &mut self,
        files: &[usize],
        name: &'a str,
        question: &mut Question<'a>,
    ) -> Option<usize> {
        files.iter().find_map(|file| self.definer(*file, name, question))
    }

    /// The file that defines what `file` calls `name`, along re-exports.
    fn definer(
        &mut self,
        file: usize,
        name: &'a str,
        question: &mut Question<'a>,
    ) -> Option<usize> {
        if self.facts[file].defines.contains(name) {
            return Some(file);
        }
        let first = question.seen.is_empty();
        let asked = || first.then(|| self.asked.get(&(file, name))).flatten();
        if let Some(known) = self.known.get(&(file, name)).or_else(asked) {
            return *known;
        }
        if question.seen.len() > HOPS_MAX || !question.seen.insert((file, name)) {
            question.cut += 1;
            return None;
        }
        let cut = question.cut;
        let found = self.imported(file, name, question);
        let found = found.or_else(|| self.modules.child(file, name));
        if question.cut == cut {
            self.known.insert((file, name), found);
        } else if first {
            self.asked.insert((file, name), found);
        }
        found
    }

    /// The same among the imports of `file`.
    fn imported(
        &mut self,
        file: usize,
        name: &'a str,
        question: &mut Question<'a>,
    ) -> Option<usize> {
        let Links { found, names, whole } = &self.links[file];
        for (import, original) in names.get(name).into_iter().flatten() {
            let Found::Files(files) = &found[*import] else { continue };
            let defined = self.among(files, original, question);
            if let Some(target) = defined.or(files.first().copied()) {
                return Some(target);
            }
        }
        whole.iter().find_map(|import| match &found[*import] {
            Found::Files(files) => self.among(files, name, question),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Modules whose names are numbers of files, and how often they were asked for.
    #[derive(Default)]
    struct Numbered(Cell<usize>);

    impl Modules for Numbered {
        fn find(&self, _from: usize, module: &str) -> Found {
            self.0.set(self.0.get() + 1);
            module.parse().map_or(Found::Missing, |file| Found::Files(vec![file]))
        }
    }

    fn import(module: usize, names: &[&str]) -> Import {
        Import {
            module: module.to_string(),
            names: names.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect(),
            all: names.is_empty(),
            kind: EdgeKind::Use,
            line: 1,
        }
    }

    fn file(defines: &[&str], imports: Vec<Import>) -> Facts {
        let defines = defines.iter().map(|name| (*name).to_owned()).collect();
        Facts { imports, defines, ..Facts::default() }
    }

    fn targets(facts: &[Facts]) -> Vec<(u32, u32)> {
        let edges = resolve(facts, &Numbered::default()).edges;
        edges.iter().map(|edge| (edge.from, edge.to)).collect()
    }

    #[test]
    fn each_import_is_looked_up_once() {
        let names: Vec<_> = (0..60).map(|n| format!("n{n}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let mut facts = vec![
            file(&[], vec![import(1, &names), import(1, &names)]),
            file(&[], (0..60).map(|n| import(n + 2, &[])).collect()),
        ];
        facts.extend(names.iter().map(|name| file(&[name], Vec::new())));
        let modules = Numbered::default();
        let resolution = resolve(&facts, &modules);
        let targets: BTreeSet<_> =
            resolution.edges.iter().filter(|e| e.from == 0).map(|e| e.to).collect();
        assert_eq!(targets, (2..62).collect());
        assert_eq!(modules.0.get(), 62);
    }

    /// Two barrels export each other: what one says while the other asks is not what it says of itself.
    #[test]
    fn an_answer_within_a_circle_is_nobody_elses() {
        let facts = [
            file(&[], vec![import(1, &["x", "y"])]),
            file(&[], vec![import(2, &[]), import(3, &[])]),
            file(&[], vec![import(1, &[])]),
            file(&["x"], Vec::new()),
            file(&[], vec![import(2, &["x", "y"])]),
        ];
        assert_eq!(targets(&facts), [(0, 1), (0, 3), (1, 2), (1, 3), (2, 1), (4, 2), (4, 3)]);
    }
}
