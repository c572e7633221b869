//! What the compiler can say of a workflow's time and names: the longest path over the stated timeouts, in constants,
//! since only rustc knows the options of a step that another crate declares.

use crate::spec::MapOptions;

/// One node: its step's name and timeout in milliseconds (0 where none is stated), and the earlier nodes it waits for.
#[derive(Debug)]
pub struct Cost {
    /// The step's stored name.
    pub name: &'static str,
    /// Its timeout in milliseconds.
    pub ms: u64,
    /// Indices of earlier nodes.
    pub waits: &'static [usize],
}

/// A complaint, written in a constant; longer ones are cut.
#[derive(Debug)]
pub struct Text {
    bytes: [u8; 2048],
    len: usize,
}

impl Text {
    const EMPTY: Self = Self { bytes: [0; 2048], len: 0 };

    /// The text.
    pub const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "the text of this message was cut",
        }
    }

    const fn push(mut self, text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() && self.len < self.bytes.len() {
            self.bytes[self.len] = bytes[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    /// Seconds where they are whole.
    const fn time(self, ms: u64) -> Self {
        if ms.is_multiple_of(1000) {
            self.number(ms / 1000).push(" s")
        } else {
            self.number(ms).push(" ms")
        }
    }

    const fn number(self, mut n: u64) -> Self {
        let mut digits = [0u8; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            // a remainder of ten fits
            digits[at] = b'0' + (n % 10) as u8;
            n /= 10;
            if n == 0 {
                break;
            }
        }
        match std::str::from_utf8(digits.split_at(at).1) {
            Ok(text) => self.push(text),
            Err(_) => self,
        }
    }
}

/// The timeout that a step states, 0 where none.
pub const fn timeout_of(ms: Option<u64>) -> u64 {
    match ms {
        Some(ms) => ms,
        None => 0,
    }
}

/// The complaint that the longest path does not fit, or nothing. A map counts as one element, a step as one attempt.
pub const fn longest_path<const N: usize>(workflow_ms: u64, costs: &[Cost; N]) -> Option<Text> {
    let (total, from) = longest(costs);
    let Some(end) = latest(&total) else { return None };
    if workflow_ms == 0 || total[end] <= workflow_ms {
        return None;
    }
    let text = Text::EMPTY
        .push("the longest path needs ")
        .time(total[end])
        .push(" but the workflow's timeout is ")
        .time(workflow_ms)
        .push(": ");
    Some(
        steps_of(text, costs, &from, end)
            .push("; raise `timeout`, lower a step's, or write `allow(longest_path)`"),
    )
}

/// Per node the time to its end, and the node that it waited for longest.
const fn longest<const N: usize>(costs: &[Cost; N]) -> ([u64; N], [Option<usize>; N]) {
    let mut total = [0u64; N];
    let mut from = [None; N];
    let mut i = 0;
    while i < N {
        let mut k = 0;
        while k < costs[i].waits.len() {
            let earlier = costs[i].waits[k];
            if from[i].is_none() || total[earlier] > total[i] {
                total[i] = total[earlier];
                from[i] = Some(earlier);
            }
            k += 1;
        }
        total[i] = total[i].saturating_add(costs[i].ms);
        i += 1;
    }
    (total, from)
}

const fn latest<const N: usize>(total: &[u64; N]) -> Option<usize> {
    let mut end = None;
    let mut i = 0;
    while i < N {
        match end {
            Some(best) if total[best] >= total[i] => {}
            _ => end = Some(i),
        }
        i += 1;
    }
    end
}

/// The steps on the way to `end` that state a timeout.
const fn steps_of<const N: usize>(
    mut text: Text,
    costs: &[Cost; N],
    from: &[Option<usize>; N],
    end: usize,
) -> Text {
    let mut path = [0usize; N];
    let mut n = 0;
    let mut at = Some(end);
    while let Some(node) = at {
        path[n] = node;
        n += 1;
        at = from[node];
    }
    let mut first = true;
    while n > 0 {
        n -= 1;
        let cost = &costs[path[n]];
        if cost.ms == 0 {
            continue;
        }
        if !first {
            text = text.push(" → ");
        }
        first = false;
        text = text.push(cost.name).push(" ").time(cost.ms);
    }
    text
}

/// The complaint that one attempt of a step may take longer than the whole workflow, or nothing.
pub const fn step_too_long(name: &str, ms: u64, workflow_ms: u64) -> Option<Text> {
    if workflow_ms == 0 || ms <= workflow_ms {
        return None;
    }
    Some(
        Text::EMPTY
            .push("step `")
            .push(name)
            .push("` may take ")
            .time(ms)
            .push(" but the workflow's timeout is ")
            .time(workflow_ms)
            .push("; raise the workflow's `timeout` or lower the step's"),
    )
}

/// The complaint that the bounds of a map leave nothing to run, or nothing.
pub const fn map_bounds(options: MapOptions) -> Option<Text> {
    if let Some(0) = options.limit {
        return Some(Text::EMPTY.push("`limit` must be at least 1"));
    }
    match options.at_least {
        Some(share) if !(share >= 0.0 && share <= 1.0) => {
            Some(Text::EMPTY.push("`at_least` is a share of the elements, from 0.0 to 1.0"))
        }
        _ => None,
    }
}

/// The complaint that an earlier node has this id, or nothing: two imports of one step look different in the source.
pub const fn clash(earlier: &[&'static str], id: &'static str) -> Option<Text> {
    let mut i = 0;
    while i < earlier.len() {
        if same(earlier[i], id) {
            let text = Text::EMPTY.push("two calls have the node id `").push(id);
            return Some(text.push("`; put `#[id = \"…\"]` before one of them"));
        }
        i += 1;
    }
    None
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(name: &'static str, ms: u64, waits: &'static [usize]) -> Cost {
        Cost { name, ms, waits }
    }

    #[test]
    fn the_longer_arm_of_a_diamond_counts() {
        let costs = [
            cost("a", 1_000, &[]),
            cost("b", 2_500, &[0]),
            cost("c", 1_000, &[0]),
            cost("d", 0, &[1, 2]),
        ];
        assert!(longest_path(3_500, &costs).is_none());
        assert!(longest_path(0, &costs).is_none());
        let text = longest_path(3_000, &costs).unwrap();
        assert_eq!(
            text.as_str(),
            "the longest path needs 3500 ms but the workflow's timeout is 3 s: a 1 s → b 2500 ms; \
             raise `timeout`, lower a step's, or write `allow(longest_path)`"
        );
    }

    #[test]
    fn nothing_is_said_of_no_nodes() {
        assert!(longest_path::<0>(1, &[]).is_none());
    }

    #[test]
    fn a_step_longer_than_the_workflow_is_named() {
        assert!(step_too_long("a", 40_000, 40_000).is_none());
        let text = step_too_long("a", 60_000, 40_000).unwrap();
        assert!(
            text.as_str().starts_with("step `a` may take 60 s but the workflow's timeout is 40 s")
        );
    }

    #[test]
    fn equal_ids_clash() {
        assert!(clash(&["a", "ab"], "abc").is_none());
        assert!(clash(&["a", "ab"], "ab").is_some());
    }
}
