//! Command line of the pipeline.
use std::collections::BTreeMap;
fn main() {
    let limit = std::env::args().nth(1).and_then(|n| n.parse().ok());
    let data = architecture_learning::DataDir::at("/tmp/archdata");
    let t = std::time::Instant::now();
    let found = architecture_learning::codebase::find(&architecture_learning::codebase::registry_sources().unwrap(), limit).unwrap();
    println!("{} codebases in {:?}", found.len(), t.elapsed());
    let mut sums = BTreeMap::new();
    for c in &found {
        let d = architecture_learning::discovery::discover(&data, c).unwrap();
        if d.seconds > 3.0 { println!("{d:?}"); }
        *sums.entry("files").or_insert(0) += d.files;
        *sums.entry("edges").or_insert(0) += d.edges;
        *sums.entry("patterns").or_insert(0) += d.patterns;
    }
    println!("{sums:?} {:?}", t.elapsed());
}
