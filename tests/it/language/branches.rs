//! Branches with steps in their arms, in every place and form.

use pgflow::{Definition, Failure, Workflow, step, testing, workflow};
use serde::{Deserialize, Serialize};

type Fallible<T> = Result<T, Error>;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    #[error("odd {0}")]
    Odd(u32),
    #[error(transparent)]
    Step(#[from] Failure),
    #[error(transparent)]
    Parse(#[from] std::num::ParseIntError),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    items: Vec<String>,
    best: Option<String>,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    Small,
    Big { n: u32, name: String },
    Named(String),
}

#[step]
async fn find(n: u32) -> Fallible<Found> {
    let kind = match n {
        0..=2 => Kind::Small,
        3..=5 => Kind::Big { n, name: format!("b{n}") },
        _ => Kind::Named(format!("n{n}")),
    };
    let items = (0..n).map(|i| format!("i{i}")).collect();
    Ok(Found { items, best: n.is_multiple_of(2).then(|| "best".into()), kind })
}
#[step]
async fn double(n: u32) -> Fallible<u32> {
    Ok(n * 2)
}
#[step]
async fn slow(n: u32) -> Fallible<u32> {
    tokio::task::yield_now().await;
    Ok(n + 1)
}
#[step(retries = 0)]
async fn only_even(n: u32) -> Fallible<u32> {
    if n.is_multiple_of(2) { Ok(n) } else { Err(Error::Odd(n)) }
}
#[step]
async fn note(text: String) -> Fallible<()> {
    let _ = text;
    Ok(())
}
#[step]
async fn zero() -> Fallible<u32> {
    Ok(0)
}
#[step]
async fn add(a: u32, b: u32) -> Fallible<u32> {
    Ok(a + b)
}

#[workflow]
async fn values(n: u32) -> Fallible<u32> {
    let found = find(n).await?;
    let first = if found.items.len() > 2 { double(n).await? } else { 1 };
    let second = match found.kind {
        Kind::Small => zero().await?,
        Kind::Big { n: inner, ref name } if inner > 3 => {
            let e = slow(inner + name.len() as u32).await?;
            e + 1
        }
        Kind::Big { n, .. } => n,
        Kind::Named(s) => {
            let l = s.len() as u32;
            only_even(l).await?
        }
    };
    add(first, second).await
}

#[workflow]
async fn statements(n: u32) -> Fallible<u32> {
    let found = find(n).await?;
    if let Some(best) = &found.best
        && n > 2
    {
        note(format!("best {best}")).await?;
    } else if n == 1 {
        #[id = "note-one"]
        let _x = note("one".to_string()).await?;
    }
    match found.kind {
        #[id = "note-small"]
        Kind::Small => note("small".into()).await?,
        Kind::Big { name: ref s, .. } | Kind::Named(ref s) if s.is_empty() => {}
        _ => (),
    }
    let d = double(found.items.len() as u32).await?;
    Ok(d)
}

#[workflow]
async fn nested(n: u32) -> Fallible<u32> {
    Ok(if n > 1 {
        if n > 3 { double(n).await? } else { slow(n).await? }
    } else {
        match only_even(n).await {
            Ok(v) => v,
            Err(_) => zero().await? + 99,
        }
    } + add(n, 1).await?)
}

#[workflow]
async fn on_a_step(n: u32) -> Fallible<u32> {
    if double(n).await? > 5 { slow(n).await } else { Ok(n) }
}

#[workflow]
async fn at_the_end(n: u32) -> Fallible<u32> {
    let x = double(n).await?;
    match x {
        0 => Ok(0),
        x if x > 10 => Err(Error::Odd(x)),
        x => {
            let y = slow(x).await?;
            only_even(y).await
        }
    }
}

#[workflow]
async fn shadowing_arms(x: u32) -> Fallible<u32> {
    let x = double(x).await?;
    let y = if let Some(x) = x.checked_sub(4) {
        let x = slow(x).await?;
        let x = x + 1;
        x * 10
    } else {
        x
    };
    #[id = "again"]
    let x = double(x + y).await?;
    Ok(x)
}

#[workflow]
async fn tolerated_in_arms(n: u32) -> Fallible<String> {
    let r = only_even(n).await;
    let told = match &r {
        Ok(v) => {
            let d = double(*v).await;
            d.map_or(0, |d| d)
        }
        Err(e) => {
            note(e.to_string()).await?;
            slow(n).await?
        }
    };
    let even = if n > 2 {
        #[id = "second"]
        let second = only_even(n + 1).await;
        second.is_ok()
    } else {
        false
    };
    Ok(format!("{told} {even} {}", r.is_ok()))
}

#[workflow]
async fn mapped_in_arms(n: u32) -> Fallible<u32> {
    let found = find(n).await?;
    let all = match &found.best {
        Some(best) => {
            let base = best.len() as u32;
            pgflow::map(found.items.iter().map(|i| i.len() as u32), |k| add(k, base)).await?
        }
        None => vec![n],
    };
    let more = if n > 3 { pgflow::map(all.clone(), double).await? } else { Vec::new() };
    Ok(all.iter().chain(&more).sum())
}

#[workflow]
async fn questions(s: String) -> Fallible<u32> {
    let n = if s.len() > 1 && s.parse::<u32>()? > 10 {
        let k: u32 = s[1..].parse()?;
        double(k).await?
    } else {
        0
    };
    Ok(n + s.len() as u32)
}

#[workflow]
async fn as_argument(n: u32) -> Fallible<u32> {
    add(
        if n > 1 { double(n).await? } else { n },
        match n {
            0 => zero().await?,
            k => k,
        },
    )
    .await
}

#[workflow]
async fn inner_names(n: u32) -> Fallible<u32> {
    let pair = (n, n + 1);
    let total = if let (a, b) = pair
        && let Some(c) = a.checked_sub(1)
    {
        let sum = a + b + c;
        let twice = double(sum).await?;
        twice + c
    } else {
        n
    };
    Ok(total)
}

#[workflow]
async fn temporaries(n: u32) -> Fallible<usize> {
    let length = match format!("n{n}").as_str() {
        "n3" => double(n).await? as usize,
        other => other.len(),
    };
    Ok(length)
}

/// Calls a macro with all workflows and inputs.
macro_rules! each_branch {
    ($check:ident) => {
        $check! {
            values(0, 1, 3, 4, 6, 100);
            statements(0, 1, 2, 3, 4, 5, 6);
            nested(0, 1, 2, 5);
            on_a_step(1, 5);
            at_the_end(0, 1, 2, 9);
            shadowing_arms(0, 1, 2, 9);
            tolerated_in_arms(0, 1, 2, 3, 4);
            mapped_in_arms(0, 1, 2, 4, 5);
            questions("1".to_owned(), "99".to_owned(), "9x".to_owned(), "x".to_owned());
            as_argument(0, 1, 3);
            inner_names(0, 1, 3);
            temporaries(3, 40);
        }
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn every_branch_gives_in_the_graph_what_the_plain_call_gives() {
    each_branch!(same);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_branch_gives_on_postgres_what_the_plain_call_gives() {
    each_branch!(same_on_postgres);
}

#[test]
fn a_branch_is_a_node_with_its_arms_as_they_are_stored() {
    let definition = Definition::from((values::SPEC)());
    let nodes: Vec<String> = definition
        .nodes
        .iter()
        .map(|n| {
            let arm = n
                .condition
                .as_ref()
                .map_or_else(String::new, |c| format!(" in {} of {}", c.arm, c.branch));
            format!("{} {:?}{arm} reads {:?} after {:?}", n.id, n.arms, n.deps, n.after)
        })
        .collect();
    insta::assert_snapshot!(nodes.join("\n"), @r#"
    find [] reads [] after []
    if:double ["then", "else"] reads ["find"] after []
    double [] in then of if:double reads [] after []
    if:zero ["Kind::Small", "Kind::Big { n: _, name: _ }", "Kind::Big { n: _, .. }", "Kind::Named(_)"] reads ["find"] after []
    zero [] in Kind::Small of if:zero reads [] after []
    slow [] in Kind::Big { n: _, name: _ } of if:zero reads ["find", "if:zero"] after []
    only_even [] in Kind::Named(_) of if:zero reads ["find", "if:zero"] after []
    add [] reads ["double", "find", "if:double", "if:zero", "only_even", "slow", "zero"] after []
    "#);
}

#[tokio::test]
async fn a_step_in_an_arm_can_be_stubbed_and_one_in_the_other_does_not_run() {
    let run = testing::run::<on_a_step>().stub(double {}, Ok(3)).stub(slow {}, Err(Error::Odd(1)));
    assert_eq!(run.input(7).await.unwrap(), 7);
}
