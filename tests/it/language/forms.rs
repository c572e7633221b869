//! Every form of the body language.

use std::collections::HashMap;

use pgflow::{Failure, step, testing, testing::RunError, workflow};
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
    #[error(transparent)]
    Fit(#[from] Fit),
    #[error(transparent)]
    Never(#[from] std::convert::Infallible),
}

/// Derives serde, so a tolerated step gives its variants back.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum Fit {
    #[error("no data")]
    NoData,
    #[error(transparent)]
    Step(#[from] Failure),
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
}

#[step]
async fn find(n: u32) -> Fallible<Found> {
    let kind = if n < 3 { Kind::Small } else { Kind::Big { n, name: format!("b{n}") } };
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
#[step]
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
async fn measure(found: &Found, text: &str) -> Fallible<usize> {
    Ok(found.items.len() + text.len())
}
#[step]
async fn label<'a>(found: &'a Found, text: &'a str) -> Fallible<String> {
    Ok(format!("{text}{}", found.items.len()))
}
#[step]
async fn pair(n: u32) -> Fallible<(u32, String)> {
    Ok((n, format!("p{n}")))
}
#[step]
async fn add(a: u32, b: u32) -> Fallible<u32> {
    Ok(a + b)
}
#[step(id = "old-name")]
async fn renamed(n: u32) -> Result<u32, std::convert::Infallible> {
    Ok(n)
}
#[step]
async fn boxed(n: u32) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    if n > 100 { Err("big".into()) } else { Ok(n) }
}
#[step]
async fn fit(n: u32) -> Result<u32, Fit> {
    if n == 0 { Err(Fit::NoData) } else { Ok(n) }
}
#[step]
async fn table(n: u32) -> Fallible<HashMap<String, u32>> {
    Ok((0..n).map(|i| (format!("k{i}"), i)).collect())
}
#[step]
async fn r#async(n: u32) -> Fallible<u32> {
    Ok(n)
}
#[step]
async fn slice(n: u32) -> Fallible<u32> {
    Ok(n + 40)
}
#[step]
async fn output(n: u32) -> Fallible<u32> {
    Ok(n + 50)
}
#[step]
async fn float(n: u32) -> Fallible<Vec<f64>> {
    Ok(vec![0.0, if n == 0 { f64::NAN } else { f64::from(n) }])
}
mod training {
    pub mod inner {
        use crate::language::forms::Fallible;

        #[pgflow::step]
        pub(crate) async fn deep(n: u32) -> Fallible<u32> {
            Ok(n + 7)
        }
    }
}

#[workflow]
async fn diamond(n: u32) -> Fallible<u32> {
    let a = slow(n).await?;
    let b = double(n).await?;
    add(a, b).await
}

#[workflow]
async fn pure_lets(n: u32) -> Fallible<String> {
    let found = find(n).await?;
    let count = found.items.len() as u32;
    let best = found.best.as_deref().unwrap_or("none");
    let base = 10u32;
    let scale = |x: u32| x + base;
    let total = add(scale(count), n).await?;
    let sizes = found.items.iter().map(std::string::String::len).sum::<usize>();
    Ok(format!("{best} {total:>base$} {sizes}", base = base as usize))
}

#[workflow]
async fn shadowing(n: u32) -> Fallible<u32> {
    let n = double(n).await?;
    let n = n + 1;
    #[id = "double-again"]
    let n = double(n).await?;
    Ok(n)
}

#[workflow]
async fn patterns(n: u32) -> Fallible<String> {
    let (a, name) = pair(n).await?;
    let Found { items, best: winner, .. } = find(a).await?;
    let [x, y] = [items.len() as u32, a];
    let sum = add(x, y).await?;
    Ok(format!("{name} {winner:?} {sum}"))
}

#[workflow]
async fn references(n: u32) -> Fallible<String> {
    let found = find(n).await?;
    let kind = &found.kind;
    let text = format!("{kind:?}");
    let size = measure(&found, &text).await?;
    let name = label(&found, found.best.as_deref().unwrap_or_default()).await?;
    Ok(format!("{size}{name}"))
}

#[workflow]
async fn choices(n: u32) -> Fallible<u32> {
    let found = find(n).await?;
    let first = if found.items.len() > 2 { n } else { 1 };
    let second = match found.kind {
        Kind::Small => 7,
        Kind::Big { n: inner, ref name } if inner > 3 => inner + name.len() as u32,
        Kind::Big { n, .. } => n,
    };
    let sum = add(first, second).await?;
    if only_even(sum).await? > 20 { Ok(sum) } else { Err(Error::Odd(sum)) }
}

#[workflow]
async fn conditions(n: u32) -> Fallible<String> {
    let big = if double(n).await? > 5 && n < 100 { "big" } else { "small" };
    let best = if let Some(best) = find(n).await?.best { best } else { big.to_owned() };
    Ok(match only_even(n).await {
        Ok(v) if v > 2 => format!("{v} {best}"),
        Ok(_) => big.to_owned(),
        Err(e) => e.to_string(),
    })
}

#[workflow]
async fn tolerated(n: u32) -> Fallible<String> {
    let even = only_even(n).await;
    let trained = fit(n).await;
    let checked = boxed(n * 60).await.map_err(|e| e.to_string());
    let exact = match trained {
        Err(Fit::NoData) => "no data",
        Err(Fit::Step(_)) => "lost",
        Ok(_) => "fit",
    };
    Ok(match even {
        Ok(v) => format!("even {v} {checked:?} {exact}"),
        Err(e) => format!("{e}"),
    })
}

#[workflow]
async fn question_on_text(s: String) -> Fallible<u32> {
    let n: u32 = s.parse()?;
    let d = double(n).await?;
    Ok(d)
}

#[workflow]
async fn question_on_argument(s: String) -> Fallible<u32> {
    let n: u32 = s.parse()?;
    let d = double(n).await;
    Ok(d.unwrap_or(3))
}

#[workflow]
async fn question_later(n: u32) -> Fallible<u32> {
    let x = only_even(n).await;
    let y = slow(n).await;
    double(x? + y?).await
}

#[workflow]
async fn final_error(n: u32) -> Fallible<u32> {
    let d = double(n).await?;
    let e = add(d, 1).await?;
    if d > 10 { Err(Error::Odd(d)) } else { Ok(e) }
}

#[workflow]
async fn nested_calls(n: u32) -> Fallible<u32> {
    Ok(add(double(n).await?, training::inner::deep(n).await?).await? + renamed(n).await?)
}

#[workflow]
async fn mapped(n: u32) -> Fallible<Vec<u32>> {
    let found = find(n).await?;
    let base = double(n).await?;
    let xs = pgflow::map(found.items.iter().map(|i| i.len() as u32 + base), slow).await?;
    let ys = pgflow::map(found.items.iter().cloned(), |s| add(s.len() as u32, n)).await?;
    #[id = "sum"]
    let zs = pgflow::map(xs.into_iter().zip(ys), |(x, y)| add(x, y + base)).await?;
    Ok(zs)
}

#[workflow]
async fn mapped_tolerated(n: u32) -> Fallible<String> {
    let all = pgflow::map(0..n, only_even).await;
    Ok(match all {
        Ok(list) => format!("{list:?}"),
        Err(e) => e.to_string(),
    })
}

#[workflow]
async fn mapped_value(n: u32) -> Fallible<Vec<u32>> {
    let t = table(n).await?;
    let sorted = {
        let mut v: Vec<_> = t.into_values().collect();
        v.sort_unstable();
        v
    };
    pgflow::map(sorted, only_even).await
}

#[workflow]
async fn two_inputs(n: u32, s: String) -> Fallible<String> {
    let d = double(n).await?;
    Ok(format!("{s}{d}"))
}

#[workflow]
async fn no_inputs() -> Fallible<u32> {
    zero().await
}

#[workflow]
async fn imports(n: u32) -> Fallible<u32> {
    use training::inner::deep as d;
    const K: u32 = 3;
    d(n + K).await
}

#[workflow]
async fn ordered(n: u32) -> Fallible<u32> {
    let a = slow(n).await?;
    note("insert".into()).await?;
    let b = double(n).await?;
    let c = pgflow::after(&b, add(a, n)).await?;
    Ok(b + c)
}

#[workflow]
async fn names(env: u32) -> Fallible<u32> {
    let v = slice(env).await?;
    let a = output(v).await?;
    let i = r#async(a).await?;
    Ok(i + v)
}

#[workflow]
async fn partial_move(n: u32) -> Fallible<String> {
    let (x, s) = (n, format!("s{n}"));
    let t = s;
    let y = slow(x).await?;
    Ok(format!("{t}{y}"))
}

#[workflow]
async fn ids(n: u32) -> Fallible<u32> {
    #[id = "one"]
    note("1".into()).await?;
    #[id = "two"]
    note("2".into()).await?;
    #[id = "last"]
    double(n).await
}

macro_rules! make {
    ($name:ident, $first:ident, $add:expr) => {
        #[workflow]
        async fn $name(n: u32) -> Fallible<u32> {
            let x = $first(n).await?;
            let k = x + $add;
            let y = double(k).await?;
            Ok(y + k)
        }
    };
}
make!(from_a_macro, slow, 3u32);

#[workflow]
async fn lossy(n: u32) -> Fallible<Vec<f64>> {
    let f = float(n).await?;
    Ok(f)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_gives_in_the_graph_what_the_plain_call_gives() {
    same! {
        diamond(3);
        pure_lets(0, 3, 4);
        shadowing(4);
        patterns(3, 4);
        references(2, 5, 9);
        choices(0, 3, 4, 9, 11);
        conditions(0, 1, 2, 3, 4);
        tolerated(0, 1, 2, 3);
        question_on_text("12".to_owned(), "x".to_owned());
        question_on_argument("12".to_owned(), "x".to_owned());
        question_later(1, 2);
        final_error(1, 9);
        nested_calls(3);
        mapped(0, 1, 5);
        mapped_tolerated(0, 1, 2);
        mapped_value(0, 1, 2);
        imports(3);
        ordered(3);
        names(1);
        partial_move(3);
        ids(3);
        from_a_macro(3);
    }
    let both = testing::run::<two_inputs>().input((2, "x".into())).await.unwrap();
    assert_eq!(both, two_inputs(2, "x".into()).await.unwrap());
    assert_eq!(testing::run::<no_inputs>().input(()).await.unwrap(), no_inputs().await.unwrap());
}

#[tokio::test]
async fn an_output_that_json_cannot_hold_fails_the_run_and_is_named() {
    assert!(lossy(0).await.unwrap()[1].is_nan());
    let Err(RunError::Failed(failure)) = testing::run::<lossy>().input(0).await else {
        panic!("NaN was stored")
    };
    assert!(
        failure.message.starts_with("the output of `float` cannot be stored: [1]: NaN"),
        "{failure}"
    );
    assert!(!failure.retryable);
}

#[tokio::test]
async fn a_step_can_be_stubbed_by_its_struct_and_a_call_by_its_id() {
    let run = testing::run::<diamond>().stub(slow {}, Ok(100)).stub_node("double", &5);
    assert_eq!(run.input(1).await.unwrap(), 105);
    let run = testing::run::<diamond>().stub(slow {}, Err(Error::Odd(9)));
    assert!(matches!(run.input(1).await, Err(RunError::Failed(f)) if f.message == "odd 9"));
    let run = testing::run::<diamond>().stub(find {}, Err(Error::Odd(9)));
    let error = run.input(1).await.unwrap_err();
    assert_eq!(error.to_string(), "no node `find` to stub; known are `slow`, `double`, `add`");
}
