//! A git revision as a list of files and their bytes, through the `git` program: whoever has a revision has it, it knows
//! every kind of repository, and a library for it would be sixty crates. Nothing is checked out, nothing is written.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::LearningError;

/// Objects larger than this are left out, as larger files are.
const BYTES_MAX: u64 = 8 * 1024 * 1024;

/// A commit, seen from one directory of its repository.
#[derive(Clone, Debug)]
pub struct Revision {
    root: PathBuf,
    /// The commit's hash.
    pub commit: String,
    /// Object by path relative to the directory.
    objects: BTreeMap<String, String>,
}

impl Revision {
    /// The commit that `name` stands for in the repository around `root`.
    ///
    /// # Errors
    /// [`LearningError::Git`] without git, without a repository or without such a revision.
    pub fn open(root: &Path, name: &str) -> Result<Self, LearningError> {
        let wanted = format!("{name}^{{commit}}");
        let commit = git(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])
            .map_err(|error| match error {
                LearningError::Git { reason, .. } if reason.is_empty() => {
                    LearningError::NoRevision { name: name.to_owned() }
                }
                other => other,
            })?;
        let commit = String::from_utf8_lossy(&commit).trim().to_owned();
        let listed = git(root, &["ls-tree", "-r", "-z", &commit])?;
        let objects = listed.split(|byte| *byte == 0).filter_map(entry).collect();
        Ok(Self { root: root.to_owned(), commit, objects })
    }

    /// Paths of its files, relative to the directory.
    pub(crate) fn paths(&self) -> impl Iterator<Item = String> + '_ {
        self.objects.keys().cloned()
    }

    /// The bytes of `paths`, of one process for all.
    pub(crate) fn read<'p>(
        &self,
        paths: impl Iterator<Item = &'p str>,
    ) -> Result<BTreeMap<String, Vec<u8>>, LearningError> {
        let wanted: Vec<_> = paths.filter_map(|p| Some((p, self.objects.get(p)?))).collect();
        let mut child = Command::new("git")
            .arg("-C")
            .arg(&self.root)
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| failed("cat-file", &e))?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("cat-file", &"no pipes"));
        };
        let asked: Vec<_> = wanted.iter().map(|(_, object)| object.as_str()).collect();
        let asked = asked.join("\n") + "\n";
        // answers come while questions are still being written
        let asking = std::thread::spawn(move || input.write_all(asked.as_bytes()));
        let mut output = BufReader::new(output);
        let mut read = BTreeMap::new();
        for (path, _) in wanted {
            let bytes = blob(&mut output).map_err(|e| failed("cat-file", &e))?;
            read.extend(bytes.map(|bytes| (path.to_owned(), bytes)));
        }
        drop(asking.join());
        child.wait().map_err(|e| failed("cat-file", &e))?;
        Ok(read)
    }
}

/// Paths that differ from `revision`, new and deleted ones among them, relative to `root`.
///
/// # Errors
/// [`LearningError::Git`] when git does not answer.
pub fn changed(root: &Path, revision: &Revision) -> Result<Vec<String>, LearningError> {
    let differ = git(root, &["diff", "--name-only", "-z", "--relative", &revision.commit, "--"])?;
    let new = git(root, &["ls-files", "--others", "--exclude-standard", "-z"])?;
    let names = differ.split(|b| *b == 0).chain(new.split(|b| *b == 0));
    let mut paths: Vec<_> =
        names.filter(|n| !n.is_empty()).map(|n| String::from_utf8_lossy(n).into_owned()).collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

/// `mode type object TAB path`; links and submodules are left out.
fn entry(line: &[u8]) -> Option<(String, String)> {
    let line = String::from_utf8_lossy(line);
    let (about, path) = line.split_once('\t')?;
    let mut about = about.split(' ');
    let is_file = about.next()?.starts_with("100") && about.next()? == "blob";
    is_file.then(|| Some((path.to_owned(), about.next()?.to_owned())))?
}

/// One answer of `cat-file --batch`.
fn blob(output: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut head = String::new();
    output.read_line(&mut head)?;
    let Some(size) = head.trim().rsplit(' ').next().and_then(|n| n.parse::<u64>().ok()) else {
        return Ok(None);
    };
    let mut limited = output.by_ref().take(size + 1);
    if size > BYTES_MAX {
        std::io::copy(&mut limited, &mut std::io::sink())?;
        return Ok(None);
    }
    let mut bytes = Vec::new();
    limited.read_to_end(&mut bytes)?;
    bytes.pop();
    Ok(Some(bytes))
}

fn git(root: &Path, arguments: &[&str]) -> Result<Vec<u8>, LearningError> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output();
    let output = output.map_err(|e| failed(arguments[0], &e))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let reason = stderr.trim().trim_start_matches("fatal: ").replace('\n', " ");
    Err(LearningError::Git { command: arguments[0].to_owned(), reason })
}

fn failed(command: &str, reason: &impl ToString) -> LearningError {
    LearningError::Git { command: command.to_owned(), reason: reason.to_string() }
}
