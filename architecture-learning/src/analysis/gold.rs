//! The files of the gold set in the graphs of their codebases, apart from what is trained and tested on.

use serde::{Deserialize, Serialize};

use super::labels::{self, Vote};
use crate::discovery::Shard;
use crate::gold;
use crate::graph::Graph;
use crate::role::Role;

/// A codebase with files that were read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GoldGraph {
    /// Its graph, without labels.
    pub graph: Graph,
    /// The files that were read.
    pub files: Vec<GoldNode>,
}

/// A file that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoldNode {
    /// Its place among the graph's nodes.
    pub node: usize,
    /// The role that was read; none for a file without any.
    pub role: Option<Role>,
    /// The role that its name says.
    pub named: Option<Role>,
}

/// The gold files of a codebase, if it has any; `graph` has no labels yet.
pub(super) fn find(shard: &Shard, graph: &Graph) -> Option<GoldGraph> {
    let wanted = gold::files_of(&shard.codebase.name, &shard.codebase.version);
    let nodes = graph.nodes.iter().enumerate();
    let files: Vec<_> = nodes
        .filter_map(|(node, file)| {
            let role = wanted.get(file.path.as_str())?.role;
            Some(GoldNode { node, role, named: named(&file.path) })
        })
        .collect();
    (!files.is_empty()).then(|| GoldGraph { graph: graph.clone(), files })
}

fn named(path: &str) -> Option<Role> {
    match labels::vote(path) {
        Vote::For(role, ..) => Some(role),
        Vote::Conflict | Vote::Silent => None,
    }
}
