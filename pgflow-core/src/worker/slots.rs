//! How many tasks a worker runs at once: it follows the backlog between bounds.

use std::ops::RangeInclusive;

/// Twice as many after each look for work that came back full, half as many after one that found nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slots {
    least: usize,
    most: usize,
    now: usize,
}

impl Slots {
    /// As many at first as there are at least.
    pub fn between(bounds: RangeInclusive<usize>) -> Self {
        let least = (*bounds.start()).max(1);
        Self { least, most: least.max(*bounds.end()), now: least }
    }

    pub fn now(self) -> usize {
        self.now
    }

    pub fn most(self) -> usize {
        self.most
    }

    /// A look for work is back.
    pub fn looked(&mut self, wanted: usize, found: usize) {
        if found == 0 {
            self.now = (self.now / 2).max(self.least);
        } else if found >= wanted {
            self.now = (self.now * 2).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_grow_while_there_is_more_than_they_can_take_and_shrink_when_there_is_nothing() {
        let mut slots = Slots::between(2..=12);
        let mut look = |found: usize| {
            slots.looked(slots.now(), found.min(slots.now()));
            slots.now()
        };
        assert_eq!([look(50), look(50), look(50), look(50)], [4, 8, 12, 12]);
        assert_eq!([look(5), look(0), look(0), look(0), look(0)], [12, 6, 3, 2, 2]);
        assert_eq!(Slots::between(0..=0), Slots { least: 1, most: 1, now: 1 });
    }
}
