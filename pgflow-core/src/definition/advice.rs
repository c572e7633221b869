//! What a developer who changed a workflow has to do about it.

use serde_json::json;

use super::{Definition, Obstacle, differences, retyped, shape::changes};

/// One paragraph on the way from an accepted definition to the one of the code: a change of tuning, a new version, and
/// which runs under way could be moved to it. Empty where nothing differs.
pub fn advice(accepted: &Definition, now: &Definition) -> String {
    let shape = differences(accepted, now);
    let (name, old, new) = (&now.name, accepted.version, now.version);
    if new != accepted.version {
        return format!(
            "Version {new} of `{name}` stands beside version {old}. {}",
            moving(accepted, now)
        );
    }
    if !shape.is_empty() {
        return format!(
            "The shape of `{name}` changed under version {old}, and a database that has this version refuses the other \
             shape: write `version = {}` and keep the old function beside it (`id = \"{name}\", version = {old}`) while \
             runs of it are under way. {} What changed: {}.",
            old + 1,
            moving(accepted, now),
            shape.iter().map(|line| &line[2..]).collect::<Vec<_>>().join("; ")
        );
    }
    let types = retyped(accepted, now);
    if !types.is_empty() {
        return format!(
            "The shape of `{name}` is the same, but types are others: {}. Version {old} may stay only if what runs under \
             way have stored still decodes; else write `version = {}`.",
            types.join("; "),
            old + 1
        );
    }
    match tuned(accepted, now) {
        lines if lines.is_empty() => String::new(),
        lines => format!(
            "Only the tuning of `{name}` changed, so version {old} stays, and runs under way follow it once the new binary serves them: {}.",
            lines.join("; ")
        ),
    }
}

/// Which runs of the old version could go on in the new one.
fn moving(from: &Definition, to: &Definition) -> String {
    let every = Obstacle::of_every_run(from, to);
    if !every.is_empty() {
        let why: Vec<String> = every.iter().map(ToString::to_string).collect();
        return format!("No run under way can be moved to it: {}.", why.join(", and "));
    }
    let changed = |node: &&super::Node| Obstacle::of_node(node, to).is_some();
    let changed: Vec<String> =
        from.nodes.iter().filter(changed).map(|n| format!("`{}`", n.id)).collect();
    if changed.is_empty() {
        "Runs under way can be moved to it (`Flow::migrate`), unless they are at their end.".into()
    } else {
        format!(
            "Of the runs under way those that have not begun {} can be moved to it (`Flow::migrate`); the others finish \
             on version {}.",
            changed.join(" or "),
            from.version
        )
    }
}

fn tuned(old: &Definition, new: &Definition) -> Vec<String> {
    let mut lines = changes(&json!(old.options), &json!(new.options));
    for node in &old.nodes {
        let Some(other) = new.node(&node.id) else { continue };
        let tuning = |n: &super::Node| {
            let mut all = json!(n.options.clone().unwrap_or_default());
            (all["limit"], all["at_least"]) = (json!(n.limit), json!(n.at_least));
            all
        };
        let own = changes(&tuning(node), &tuning(other));
        lines.extend(own.iter().map(|line| format!("`{}` {line}", node.id)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::tests_definition;

    fn chain() -> Definition {
        tests_definition(&[("a", &[]), ("b", &["a"]), ("c", &["b"])])
    }

    #[test]
    fn a_change_of_tuning_needs_no_version() {
        let mut now = chain();
        now.nodes[1].options = Some(super::super::TaskOptions { retries: 9, ..Default::default() });
        now.options.timeout_ms = Some(60_000);
        insta::assert_snapshot!(advice(&chain(), &now), @"Only the tuning of `g` changed, so version 1 stays, and runs under way follow it once the new binary serves them: timeout_ms none → 60000; `b` retries 3 → 9.");
        assert_eq!(advice(&chain(), &chain()), "");
    }

    #[test]
    fn a_change_of_shape_needs_a_version_and_says_which_runs_could_move() {
        let now = tests_definition(&[("a", &[]), ("b", &["a"]), ("c", &["a", "b"]), ("d", &["c"])]);
        insta::assert_snapshot!(advice(&chain(), &now), @r#"The shape of `g` changed under version 1, and a database that has this version refuses the other shape: write `version = 2` and keep the old function beside it (`id = "g", version = 1`) while runs of it are under way. Of the runs under way those that have not begun `c` can be moved to it (`Flow::migrate`); the others finish on version 1. What changed: node `c`: deps ["b"] → ["a","b"]; node `d` is new (reads ["c"])."#);
    }

    #[test]
    fn a_new_version_says_which_runs_could_move() {
        let mut now = tests_definition(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &["c"])]);
        now.version = 2;
        insta::assert_snapshot!(advice(&chain(), &now), @"Version 2 of `g` stands beside version 1. Runs under way can be moved to it (`Flow::migrate`), unless they are at their end.");
        now.output.r#type = "u8".into();
        insta::assert_snapshot!(advice(&chain(), &now), @"Version 2 of `g` stands beside version 1. No run under way can be moved to it: the final value is a `u8` instead of a `()`.");
    }

    #[test]
    fn a_changed_type_is_left_to_the_developers_judgement() {
        let mut now = chain();
        now.nodes[0].output = Some("u64".into());
        insta::assert_snapshot!(advice(&chain(), &now), @r#"The shape of `g` is the same, but types are others: node `a` none → "u64". Version 1 may stay only if what runs under way have stored still decodes; else write `version = 2`."#);
    }
}
