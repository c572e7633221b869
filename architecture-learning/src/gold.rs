//! The gold set: files of test owners whose role was read from their text, twice, in two orders and from different
//! excerpts, with the path hidden. It scores what names cannot: files without a telling name, and files without a role.

use std::collections::BTreeMap;

use crate::role::Role;

/// One file a line: crate, version, path, the first label, the second one, the role agreed on; tabs between them.
const FILES: &str = include_str!("../corpus/gold.tsv");

/// What stands for "none of the roles".
const NONE: &str = "none";

/// A file that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoldFile {
    /// Name of its crate, which is one of the corpus.
    pub package: &'static str,
    /// Version of its crate.
    pub version: &'static str,
    /// Path relative to the crate, with `/`.
    pub path: &'static str,
    /// What the first reading said; none for a file without any of the roles.
    pub first: Option<Role>,
    /// What the second reading said.
    pub second: Option<Role>,
    /// What was agreed on, after a third look where the two differ.
    pub role: Option<Role>,
}

/// All files of the set.
pub fn files() -> Vec<GoldFile> {
    FILES.lines().filter_map(GoldFile::parse).collect()
}

/// The files of one crate, by their path.
pub fn files_of(package: &str, version: &str) -> BTreeMap<&'static str, GoldFile> {
    let of_crate = files().into_iter().filter(|f| (f.package, f.version) == (package, version));
    of_crate.map(|f| (f.path, f)).collect()
}

/// Cohen's kappa of the two readings: their agreement beyond what chance has it.
#[expect(clippy::cast_precision_loss, reason = "counts of files")]
pub fn kappa(files: &[GoldFile]) -> f64 {
    let mut said: BTreeMap<Option<Role>, (usize, usize)> = BTreeMap::new();
    for file in files {
        said.entry(file.first).or_default().0 += 1;
        said.entry(file.second).or_default().1 += 1;
    }
    let n = files.len().max(1) as f64;
    let agreed = files.iter().filter(|f| f.first == f.second).count() as f64 / n;
    let chance: f64 = said.values().map(|(a, b)| *a as f64 * *b as f64 / (n * n)).sum();
    if chance < 1.0 { (agreed - chance) / (1.0 - chance) } else { 1.0 }
}

impl GoldFile {
    fn parse(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        let (package, version, path) = (fields.next()?, fields.next()?, fields.next()?);
        let mut label = || label(fields.next()?);
        Some(Self { package, version, path, first: label()?, second: label()?, role: label()? })
    }
}

/// A role by its name, or [`NONE`]; nothing for what is neither.
#[expect(clippy::option_option, reason = "a label that says that there is no role is a label")]
fn label(name: &str) -> Option<Option<Role>> {
    if name == NONE {
        return Some(None);
    }
    Role::ALL.into_iter().find(|role| role.name() == name).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codebase::Split;
    use crate::corpus;

    #[test]
    fn every_line_is_a_file_of_a_test_owner() {
        let files = files();
        assert_eq!(files.len(), FILES.lines().count());
        let crates = corpus::crates();
        for file in &files {
            let known = crates.iter().find(|c| (c.name, c.version) == (file.package, file.version));
            assert!(known.is_some_and(|c| c.split() == Split::Test), "{file:?}");
        }
    }

    #[test]
    fn agreement_counts_beyond_chance() {
        let of = |first, second| GoldFile {
            package: "",
            version: "",
            path: "",
            first,
            second,
            role: first,
        };
        let (cli, none) = (Some(Role::Cli), None);
        assert!((kappa(&[of(cli, cli), of(none, none)]) - 1.0).abs() < 1e-9);
        assert!(kappa(&[of(cli, none), of(cli, cli), of(none, none), of(none, cli)]).abs() < 1e-9);
    }
}
