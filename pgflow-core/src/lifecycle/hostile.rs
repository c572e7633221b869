//! The reader of definitions against texts that nobody meant: whatever it takes it gives back, and a graph is made of it.

use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Map, Value, json};

use super::Graph;
use crate::definition::{Condition, Definition, Problem, tests_fingerprint as fingerprint};

/// Definitions with every field of the format in them.
fn sound() -> Vec<Value> {
    let step = |id: &str, deps: &[&str]| json!({ "id": id, "kind": "step", "step": id, "deps": deps, "output": "u32" });
    let mut tuned = step("b", &["a"]);
    tuned["options"] = json!({
        "timeout_ms": 1000, "retries": 3, "retry_delay_ms": 5, "backoff": 1.5, "concurrency": 2, "gpu": 1, "vram_bytes": 9,
        "exclusive": "one", "memory_bytes": 7, "cpu_milli": 500, "priority": -3, "rate_limit": "100/1000ms",
        "cache_ms": 60000, "batch": "32/20ms", "revision": 4, "transactional": true,
    });
    tuned["redact"] = json!(["/a/0", ""]);
    tuned["tolerated"] = json!(true);
    let mut arm = step("c", &[]);
    arm["condition"] = json!({ "branch": "if:c", "arm": "Some(_)" });
    let flow = |nodes: Vec<Value>, output: &str| {
        json!({
            "name": "flow", "version": 1, "fingerprint": "",
            "options": { "timeout_ms": 60000, "concurrency": 1, "schedule": "0 3 * * *", "redact": ["/x"] },
            "input": [{ "name": "n", "type": "u32" }, { "name": "m", "type": "Vec<String>" }],
            "nodes": nodes, "output": { "type": "u32", "deps": [output] },
        })
    };
    let map = json!({ "id": "m", "kind": "map", "step": "each", "deps": ["a"], "limit": 8, "at_least": 0.9 });
    let waits = vec![
        json!({ "id": "sleep", "kind": "sleep", "deps": [] }),
        json!({ "id": "signal:go", "kind": "signal", "signal": "go", "deps": [], "after": ["sleep"] }),
        json!({ "id": "d", "kind": "child", "workflow": "other", "deps": ["signal:go"] }),
    ];
    let branch =
        json!({ "id": "if:c", "kind": "branch", "deps": ["a"], "arms": ["Some(_)", "None"] });
    vec![
        flow(vec![step("a", &[]), tuned], "b"),
        flow(vec![step("a", &[]), map], "m"),
        flow(vec![step("a", &[]), branch, arm], "c"),
        flow(waits, "d"),
    ]
}

/// Words that mean something somewhere in a definition.
const WORDS: [&str; 24] = [
    "id",
    "kind",
    "step",
    "deps",
    "after",
    "condition",
    "arms",
    "limit",
    "at_least",
    "output",
    "options",
    "redact",
    "branch",
    "map",
    "sleep",
    "a",
    "b",
    "m",
    "if:c",
    "/x",
    "start",
    "fingerprint",
    "nodes",
    "type",
];

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(&WORDS[..]).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key = prop_oneof![prop::sample::select(&WORDS[..]).prop_map(str::to_owned), ".{0,6}"];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((key, inner), 0..4).prop_map(|pairs| Value::from(Map::from_iter(pairs))),
        ]
    })
}

/// A place in a value, chosen by going down; how deep is chosen too.
fn place<'v>(value: &'v mut Value, way: &[Index]) -> &'v mut Value {
    let Some((next, rest)) = way.split_first() else { return value };
    let inside = match value {
        Value::Array(all) => all.len(),
        Value::Object(all) => all.len(),
        _ => 0,
    };
    if inside == 0 {
        return value;
    }
    let at = next.index(inside);
    let inner = match value {
        Value::Array(all) => all.get_mut(at),
        Value::Object(all) => all.values_mut().nth(at),
        _ => None,
    };
    place(inner.unwrap(), rest)
}

#[derive(Debug, Clone)]
enum Change {
    Put(Value),
    Word(&'static str),
    Remove(Index),
    Add(&'static str, Value),
    Twice(Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        anything().prop_map(Change::Put),
        prop::sample::select(&WORDS[..]).prop_map(Change::Word),
        any::<Index>().prop_map(Change::Remove),
        (prop::sample::select(&WORDS[..]), anything())
            .prop_map(|(key, value)| Change::Add(key, value)),
        any::<Index>().prop_map(Change::Twice),
    ]
}

fn apply(value: &mut Value, change: Change) {
    match (change, value) {
        (Change::Put(new), value) => *value = new,
        (Change::Word(word), value) => *value = word.into(),
        (Change::Remove(at), Value::Array(all)) if !all.is_empty() => {
            all.remove(at.index(all.len()));
        }
        (Change::Remove(at), Value::Object(all)) if !all.is_empty() => {
            let key = all.keys().nth(at.index(all.len())).cloned();
            key.and_then(|key| all.remove(&key));
        }
        (Change::Add(_, new), Value::Array(all)) => all.push(new),
        (Change::Add(key, new), Value::Object(all)) => {
            all.insert(key.into(), new);
        }
        (Change::Twice(at), Value::Array(all)) if !all.is_empty() => {
            all.push(all[at.index(all.len())].clone());
        }
        _ => {}
    }
}

/// The text with the fingerprint that its shape has, so that what is read does not end there.
fn signed(value: &Value) -> String {
    match serde_json::from_value::<Definition>(value.clone()) {
        Ok(mut definition) => {
            definition.fingerprint = fingerprint(&definition);
            definition.to_json()
        }
        Err(_) => value.to_string(),
    }
}

/// Reads it: what is taken is given back, and a graph is made of it; what is refused is said in bounded words.
fn read(text: &str) -> bool {
    match Definition::from_json(text) {
        Ok(definition) => {
            assert_eq!(Definition::from_json(&definition.to_json()).as_ref(), Ok(&definition));
            let graph = Graph::new(&definition).unwrap();
            assert_eq!(graph.len(), definition.nodes.len());
            true
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            let said: usize = problems.iter().map(|p| p.to_string().len()).sum();
            assert!(said < 1 << 20, "{said} bytes of problems");
            false
        }
    }
}

#[test]
fn what_is_changed_here_is_sound_at_first() {
    for value in sound() {
        assert!(read(&signed(&value)), "{:?}", Definition::from_json(&signed(&value)));
    }
}

proptest! {
    #[test]
    fn no_json_makes_the_reader_panic(value in anything()) {
        read(&value.to_string());
    }

    #[test]
    fn a_definition_changed_at_random_is_refused_or_makes_a_graph(
        which in any::<Index>(),
        changes in vec((vec(any::<Index>(), 0..5), change()), 1..4),
    ) {
        let mut all = sound();
        let mut value = all.swap_remove(which.index(all.len()));
        for (way, change) in changes {
            apply(place(&mut value, &way), change);
        }
        read(&signed(&value));
    }

    #[test]
    fn a_text_changed_at_random_is_refused_or_makes_a_graph(
        which in any::<Index>(),
        edits in vec((any::<Index>(), 0_usize..3, any::<char>()), 1..4),
    ) {
        let mut all = sound();
        let mut text: Vec<char> = signed(&all.swap_remove(which.index(all.len()))).chars().collect();
        for (at, kind, with) in edits {
            let at = at.index(text.len());
            match kind {
                0 => drop(text.remove(at)),
                1 => text.insert(at, with),
                _ => text.truncate(at.max(1)),
            }
            if text.is_empty() {
                break;
            }
        }
        read(&text.into_iter().collect::<String>());
    }
}

/// `n` steps, each of which reads the one before it.
fn chain(n: usize) -> Definition {
    let node = |i: usize| {
        let deps: Vec<String> =
            i.checked_sub(1).iter().map(|before| format!("s{before}")).collect();
        json!({ "id": format!("s{i}"), "kind": "step", "step": "s", "deps": deps })
    };
    let nodes: Vec<Value> = (0..n).map(node).collect();
    let mut definition: Definition = serde_json::from_value(json!({
        "name": "chain", "version": 1, "fingerprint": "", "options": {}, "input": [], "nodes": nodes,
        "output": { "type": "u32", "deps": [format!("s{}", n - 1)] },
    }))
    .unwrap();
    definition.fingerprint = fingerprint(&definition);
    definition
}

fn refusals(definition: &Definition) -> Vec<Problem> {
    definition.check().unwrap_err()
}

#[test]
fn sizes_are_accepted_up_to_their_limits_and_refused_above() {
    let longest = chain(10_000);
    assert!(read(&longest.to_json()));
    assert_eq!(refusals(&chain(10_001)), [Problem::TooLarge(10_001)]);

    let mut dense = chain(2);
    // beside them a dependency, and the one of the output
    dense.nodes[1].deps = vec!["s0".into(); 99_999];
    dense.fingerprint = fingerprint(&dense);
    assert_eq!(dense.check(), Ok(()));
    Graph::new(&dense).unwrap();
    dense.nodes[1].deps.push("s0".into());
    assert_eq!(refusals(&dense), [Problem::TooDense(100_001)]);
    let mut armed = chain(2);
    armed.nodes[1].redact = vec!["/a".into(); 100_001];
    assert!(matches!(refusals(&armed)[..], [Problem::TooDense(100_003)]));

    let mut wordy = chain(2);
    wordy.nodes[1].output = Some("t".repeat(65_536));
    assert_eq!(wordy.check(), Ok(()));
    wordy.nodes[1].output = Some("t".repeat(65_537));
    let [Problem::TooLong { begin, size: 65_537 }] = &refusals(&wordy)[..] else { panic!() };
    assert_eq!(begin.chars().count(), 101);

    let text = chain(2).to_json();
    let padded = |size: usize| format!("{text}{}", " ".repeat(size - text.len()));
    assert!(read(&padded(16 << 20)));
    let size = (16 << 20) + 1;
    assert_eq!(Definition::from_json(&padded(size)), Err(vec![Problem::Text { size }]));
}

#[test]
fn what_follows_the_definition_is_refused() {
    let text = chain(2).to_json();
    for behind in ["x", "{}", "]", "1", "\u{0}"] {
        let [Problem::Unreadable { path, problem }] =
            &Definition::from_json(&format!("{text}{behind}")).unwrap_err()[..]
        else {
            panic!("{behind}")
        };
        assert_eq!(path, "behind the definition");
        assert!(problem.contains("trailing characters"), "{problem}");
    }
    assert!(read(&format!("  {text}\n\n\t ")));
}

#[test]
fn as_many_mistakes_as_fit_are_told_in_bounded_words() {
    // each names one that is not there, beside as many that are
    let mut unknown = chain(10_000);
    for node in &mut unknown.nodes[1..] {
        node.deps = (0..9).map(|n| format!("nobody{n}")).collect();
    }
    let problems = refusals(&unknown);
    assert_eq!((problems.len(), problems.last()), (101, Some(&Problem::More(9 * 9_999 - 100))));
    assert!(problems[0].to_string().ends_with("and 9990 more"), "{}", problems[0]);
    assert!(!read(&unknown.to_json()));

    let mut armless = chain(10_000);
    armless.nodes[0].arms = (0..50_000).map(|n| format!("arm{n}")).collect();
    for node in &mut armless.nodes[1..] {
        node.condition = Some(Condition { branch: "s0".into(), arm: "none".into() });
    }
    assert!(!read(&armless.to_json()));

    let mut circle = chain(10_000);
    circle.nodes[0].deps = vec!["s9999".into()];
    let problems = refusals(&circle);
    assert_eq!(
        problems[0].to_string(),
        "a cycle: `s0` → `s9999` → `s9998` → `s9997` → `s9996` → `s9995` → `s9994` → `s9993` → `s9992` → `s9991` → \
         … 9990 more … → `s0`; remove one of these dependencies"
    );

    let mut long = chain(2);
    long.nodes[1].id = "x".repeat(60_000);
    long.nodes[1].deps = vec!["y".repeat(60_000)];
    assert!(!read(&long.to_json()));
}

#[test]
fn a_node_that_nothing_uses_is_refused_and_an_effect_is_not() {
    let node = |id: &str, deps: &[&str], after: &[&str]| json!({ "id": id, "kind": "step", "step": id, "deps": deps, "after": after });
    let check = |nodes: Vec<Value>, output: &[&str]| {
        let value = json!({
            "name": "flow", "version": 1, "fingerprint": "", "options": {}, "input": [], "nodes": nodes,
            "output": { "type": "u32", "deps": output },
        });
        Definition::from_json(&signed(&value)).map(drop)
    };
    let unused = Err(vec![Problem::Unused("b".into())]);
    assert_eq!(check(vec![node("a", &[], &[]), node("b", &[], &[])], &["a"]), unused);
    // beside what the output reads, behind a part of it
    let nodes = vec![node("a", &[], &[]), node("b", &["a"], &[]), node("c", &["a"], &[])];
    assert_eq!(check(nodes, &["c"]), unused);
    let effects = [
        // the last one, one that others wait for, and all of them where the value reads none
        (vec![node("a", &[], &[]), node("b", &[], &["a"])], &["a"][..]),
        (vec![node("b", &[], &[]), node("a", &[], &["b"])], &["a"]),
        (vec![node("a", &[], &[]), node("b", &[], &[])], &[]),
    ];
    for (nodes, output) in effects {
        assert_eq!(check(nodes, output), Ok(()));
    }
}
