//! Maps whose elements have all begun, so that an element that ends there wakes no other. What one worker lets wait
//! another may have to wake whose own definition has no limit, so this is asked of the database, with the first flush.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use crate::store::RunId;

/// So many are remembered; then they are asked about again.
const MAPS_MAX: usize = 10_000;

/// Maps whose elements have all begun, by run and number of the node. All elements are born in one flush and none goes
/// back to waiting, so what was true once stays so.
#[derive(Default)]
pub(super) struct AllBegun(Mutex<HashSet<(RunId, i16)>>);

impl AllBegun {
    pub fn knows(&self, run: RunId, map: i16) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&(run, map))
    }

    pub fn learn(&self, maps: &[(RunId, i16)]) {
        if maps.is_empty() {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + maps.len() > MAPS_MAX {
            known.clear();
        }
        known.extend(maps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded() {
        let begun = AllBegun::default();
        for run in 0..25_000 {
            begun.learn(&[(RunId(run), 3)]);
            assert!(begun.knows(RunId(run), 3) && !begun.knows(RunId(run), 4));
        }
        assert!(begun.0.lock().unwrap().len() <= MAPS_MAX);
    }
}
