//! What the regression reads of each file, sparse: its own words; those of its neighbours in the graph and those of the
//! other files of its directory, each with weights of their own; and its structure.

use std::collections::BTreeMap;

use super::Reads;
use super::statistics::{Statistics, to_unit_length};
use crate::discovery::STRUCTURE;
use crate::graph::{Graph, Node};

/// Places and values.
pub(super) type Row = Vec<(u32, f32)>;

/// How many places a row has.
pub(super) fn width(reads: Reads) -> usize {
    reads.own + 2 * reads.around + STRUCTURE
}

/// The row of each node; an empty one for a node that is not `wanted`.
pub(super) fn rows(
    graph: &Graph,
    statistics: &Statistics,
    reads: Reads,
    wanted: impl Fn(&Node) -> bool,
) -> Vec<Row> {
    let mut around = Around::of(graph, statistics, reads);
    let [neighbours, directory, structure] =
        [reads.own, reads.own + reads.around, reads.own + 2 * reads.around];
    let row = |(place, node): (usize, &Node)| {
        if !wanted(node) {
            return Row::new();
        }
        let mut row = statistics.words(node, reads.own);
        row.extend(moved(neighbours, around.neighbours(place)));
        row.extend(moved(directory, around.directory(place, node)));
        row.extend(moved(structure, (0..).zip(statistics.structure(node)).collect()));
        row
    };
    graph.nodes.iter().enumerate().map(row).collect()
}

fn moved(by: usize, words: Row) -> impl Iterator<Item = (u32, f32)> {
    let by = u32::try_from(by).unwrap_or(u32::MAX);
    words.into_iter().map(move |(word, weight)| (word + by, weight))
}

/// What the files of a graph show to each other.
struct Around {
    seen: Vec<Row>,
    neighbours: Vec<Vec<u32>>,
    directories: BTreeMap<u32, Vec<(u32, f32, u32)>>,
    sum: Sum,
}

impl Around {
    fn of(graph: &Graph, statistics: &Statistics, reads: Reads) -> Self {
        let mut sum = Sum::new(reads.around);
        if reads.around == 0 {
            let (seen, neighbours, directories) = Default::default();
            return Self { seen, neighbours, directories, sum };
        }
        let seen: Vec<_> = graph.nodes.iter().map(|n| statistics.shared(n, reads.around)).collect();
        let neighbours = graph.neighbours();
        let shared = graph.directories().into_iter().filter(|(_, files)| files.len() > 1);
        let directories = shared
            .map(|(name, files)| (name, sum.of(files.iter().map(|file| &seen[*file as usize]))))
            .collect();
        Self { seen, neighbours, directories, sum }
    }

    /// The words of a node's neighbours, of unit length together.
    fn neighbours(&mut self, place: usize) -> Row {
        let Some(neighbours) = self.neighbours.get(place) else { return Row::new() };
        let sum = self.sum.of(neighbours.iter().map(|file| &self.seen[*file as usize]));
        let mut words: Vec<_> = sum.into_iter().map(|(word, weight, _)| (word, weight)).collect();
        to_unit_length(&mut words);
        words
    }

    /// The words of the other files of a node's directory, of unit length together: the sum of all without its own.
    fn directory(&self, place: usize, node: &Node) -> Row {
        let Some(all) = self.directories.get(&node.directory) else { return Row::new() };
        let mut own = self.seen[place].iter().peekable();
        let mut words = Vec::with_capacity(all.len());
        for (word, weight, files) in all {
            match own.next_if(|(own, _)| own == word) {
                Some(_) if *files == 1 => {}
                Some((_, own)) => words.push((*word, weight - own)),
                None => words.push((*word, *weight)),
            }
        }
        to_unit_length(&mut words);
        words
    }
}

/// Adds words up.
struct Sum {
    weights: Vec<f32>,
    files: Vec<u32>,
}

impl Sum {
    fn new(words: usize) -> Self {
        Self { weights: vec![0.0; words], files: vec![0; words] }
    }

    /// The words of `rows` in order, with the sum of their weights and the number of rows that have them.
    fn of<'r>(&mut self, rows: impl Iterator<Item = &'r Row>) -> Vec<(u32, f32, u32)> {
        let mut touched = Vec::new();
        for (word, weight) in rows.flatten() {
            let place = *word as usize;
            if self.files[place] == 0 {
                touched.push(*word);
            }
            self.weights[place] += weight;
            self.files[place] += 1;
        }
        touched.sort_unstable();
        let taken = |word: u32| {
            let place = word as usize;
            let (weight, files) = (&mut self.weights[place], &mut self.files[place]);
            (word, std::mem::take(weight), std::mem::take(files))
        };
        touched.into_iter().map(taken).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::FeatureSettings;

    /// Three files, the first two in one directory, the first and third joined by an edge.
    fn graph() -> Graph {
        let mut graph = Graph::tiny();
        graph.nodes.push(graph.nodes[0].clone());
        graph.nodes[0].shared = vec![(0, 1), (1, 1)];
        graph.nodes[1].shared = vec![(1, 1), (2, 1)];
        graph.nodes[2].shared = vec![(3, 1)];
        graph.nodes[2].own = vec![(0, 1)];
        graph.nodes[2].directory = 7;
        graph.edges = vec![(2, 0)];
        graph
    }

    #[test]
    fn what_stands_around_a_file_has_places_of_its_own() {
        let graph = graph();
        let settings = FeatureSettings::of((0..5).map(|i| i.to_string()).collect());
        let statistics = Statistics::of(std::slice::from_ref(&graph), &settings);
        let reads = Reads { own: 5, around: 4, directory: true };
        let rows = rows(&graph, &statistics, reads, |_| true);
        let places = |row: &Row, from: u32, to: u32| -> Vec<u32> {
            row.iter().map(|(place, _)| *place).filter(|p| (from..to).contains(p)).collect()
        };
        assert_eq!(places(&rows[0], 0, 5), [0, 1]);
        assert_eq!(places(&rows[0], 5, 9), [8], "what its neighbour shares, and not what it keeps");
        assert_eq!(places(&rows[0], 9, 13), [10, 11], "the other file, and not itself");
        assert_eq!(places(&rows[1], 5, 9), Vec::<u32>::new());
        assert_eq!(places(&rows[2], 0, 5), [0, 3]);
        assert_eq!(places(&rows[2], 5, 9), [5, 6]);
        assert_eq!(places(&rows[2], 9, 13), Vec::<u32>::new());
        assert_eq!(places(&rows[0], 13, 100).len(), STRUCTURE);
        for row in &rows {
            for (from, to) in [(0, 5), (5, 9), (9, 13)] {
                let part = row.iter().filter(|(p, _)| (from..to).contains(p));
                let length: f32 = part.map(|(_, w)| w * w).sum();
                assert!(length == 0.0 || (length - 1.0).abs() < 1e-5, "{row:?}");
            }
        }
    }

    #[test]
    fn without_surroundings_a_row_is_words_and_structure() {
        let graph = graph();
        let settings = FeatureSettings::of((0..5).map(|i| i.to_string()).collect());
        let statistics = Statistics::of(std::slice::from_ref(&graph), &settings);
        let reads = Reads { own: 5, around: 0, directory: false };
        let rows = rows(&graph, &statistics, reads, |node| node.directory == 7);
        assert!(rows[0].is_empty());
        assert_eq!(rows[2].len(), 2 + STRUCTURE);
        assert_eq!(rows[2].last().map(|(place, _)| *place as usize + 1), Some(width(reads)));
    }
}
