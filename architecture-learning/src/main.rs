//! Command line of the pipeline.
use architecture_learning::*;
struct P;
impl observer::Observer for P { fn progress(&mut self, d: usize, t: usize, n: &str) { println!("{d}/{t} {n}"); } }
fn main() {
    let limit = std::env::args().nth(1).and_then(|n| n.parse().ok());
    let data = DataDir::at("/tmp/archdata");
    let t = std::time::Instant::now();
    let found = codebase::find(&codebase::registry_sources().unwrap(), limit).unwrap();
    println!("{} codebases in {:?}", found.len(), t.elapsed());
    let d: Vec<_> = found.iter().map(|c| discovery::discover(&data, c).unwrap()).collect();
    println!("discovered {:?}", t.elapsed());
    let a = analysis::analyse(&data, &d, &mut observer::Unobserved).unwrap();
    println!("{:?} {:?}", a.labelled, t.elapsed());
    let m = training::train(&data, &a, &model::DeviceChoice::Cpu.resolve().unwrap(), &Default::default(), &mut P).unwrap();
    println!("{m:#?}");
}
