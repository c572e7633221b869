//! Work on many things of which none depends on another, on all cores.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Pieces that the work is cut into for each core, so that none waits long for another.
const PIECES: usize = 64;

/// How many cores there are.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// `f` of each number below `n`, in order.
pub(crate) fn map<T: Send>(n: usize, f: impl Fn(usize) -> T + Sync) -> Vec<T> {
    map_with(n, || (), |(), i| f(i))
}

/// `f` of each number below `n`, in order; each core has a `state` of its own, which answers must not depend on.
pub(crate) fn map_with<S, T: Send>(
    n: usize,
    state: impl Fn() -> S + Sync,
    f: impl Fn(&mut S, usize) -> T + Sync,
) -> Vec<T> {
    let size = (n / (cores() * PIECES)).max(1);
    let blocks = n.div_ceil(size);
    let threads = cores().min(blocks);
    if threads < 2 {
        let mut state = state();
        return (0..n).map(|i| f(&mut state, i)).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut state = state();
        let mut done = Vec::new();
        loop {
            let block = next.fetch_add(1, Ordering::Relaxed);
            if block >= blocks {
                return done;
            }
            let places = block * size..n.min((block + 1) * size);
            done.push((block, places.map(|i| f(&mut state, i)).collect::<Vec<T>>()));
        }
    };
    let mut done: Vec<_> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(block, _)| *block);
    done.into_iter().flat_map(|(_, of)| of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_stand_in_order() {
        for n in [0, 1, 2, 100, 12_345] {
            assert_eq!(map(n, |i| i * 2), (0..n).map(|i| i * 2).collect::<Vec<_>>());
        }
        let counted = map_with(
            200,
            || 0,
            |seen, _| {
                *seen += 1;
                *seen
            },
        );
        assert!(counted.iter().all(|seen| (1..=200).contains(seen)));
    }
}
