//! What cargo, the module tree and the text itself make of a file.

use super::syntax::Parsed;
use super::tree::ModuleTree;
use crate::discovery::FileKind;
use crate::discovery::generated::by_directory;
use crate::discovery::portion::Portion;
use crate::language::directory;
use crate::manifest::TargetKind;

/// Libraries and binaries claim their files first, then the other targets, then nobody.
pub(super) fn kinds(
    portion: &Portion<'_>,
    tree: &ModuleTree<'_>,
    parsed: &[Parsed<&str>],
    generated: &[bool],
) -> Vec<FileKind> {
    let mut kinds: Vec<Option<FileKind>> = vec![None; parsed.len()];
    for module in &tree.modules {
        let home = &tree.crates[module.home];
        let root = tree.modules[home.root].file == module.file;
        let kind = kind_of(home.kind, root, module.test);
        let known = &mut kinds[module.file];
        *known = Some(known.map_or(kind, |k| k.min(kind)));
    }
    let sources = &portion.sources;
    for (i, includes) in parsed.iter().map(|p| &p.includes).enumerate() {
        let directory = directory(&sources[i]);
        for included in includes {
            let path = format!("{directory}/{included}");
            if let Ok(file) = sources.binary_search(&path) {
                kinds[file] = kinds[file].or(kinds[i]);
            }
        }
    }
    let unread = portion.unread();
    // without a manifest nobody can tell which files are dead
    let orphan = if portion.manifests.is_empty() { FileKind::Module } else { FileKind::Dead };
    let unreached = |path: &str| by_directory(path).unwrap_or(orphan);
    let files = kinds.into_iter().zip(sources).zip(generated);
    files
        .map(|((known, path), generated)| match known {
            _ if unread.contains(path.as_str()) => FileKind::Unread,
            _ if *generated => FileKind::Generated,
            known => known.unwrap_or_else(|| unreached(path)),
        })
        .collect()
}

fn kind_of(target: TargetKind, root: bool, test: bool) -> FileKind {
    match (target, root) {
        (TargetKind::Library | TargetKind::Binary, false) if test => FileKind::Test,
        (TargetKind::Library | TargetKind::Binary, false) => FileKind::Module,
        (TargetKind::Library, true) => FileKind::CrateRoot,
        (TargetKind::Binary, true) => FileKind::EntryPoint,
        (TargetKind::Test, _) => FileKind::Test,
        (TargetKind::Bench, _) => FileKind::Bench,
        (TargetKind::Example, _) => FileKind::Example,
        (TargetKind::BuildScript, _) => FileKind::BuildScript,
    }
}
