//! Attempts to break the derivation: odd Rust around the calls.

use pgflow::{Failure, Workflow, step, testing, testing::RunError, workflow};
use serde::{Deserialize, Serialize};

type Fallible<T> = Result<T, Error>;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    #[error("odd {0}")]
    Odd(u32),
    #[error(transparent)]
    Step(#[from] Failure),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    left: u32,
    right: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Side {
    Left(u32),
    Right(u32),
}

#[step]
async fn pair(left: u32, right: String) -> Fallible<Pair> {
    Ok(Pair { left, right })
}
#[step]
async fn take(p: Pair) -> Fallible<u32> {
    Ok(p.left + p.right.len() as u32)
}
#[step]
async fn side(n: u32) -> Fallible<Side> {
    Ok(if n.is_multiple_of(2) { Side::Left(n) } else { Side::Right(n) })
}
#[step]
async fn odd(n: u32) -> Fallible<u32> {
    if n.is_multiple_of(2) { Ok(n) } else { Err(Error::Odd(n)) }
}
#[step]
async fn sum(list: &[u32]) -> Fallible<u32> {
    Ok(list.iter().sum())
}
#[step]
async fn call(f: fn(u32) -> u32, n: u32) -> Fallible<u32> {
    Ok(f(n))
}
#[step]
async fn nothing() -> Fallible<()> {
    Ok(())
}
#[step]
async fn panics(n: u32) -> Fallible<u32> {
    assert!(n < 3, "n is {n}");
    Ok(n)
}

fn twice(n: u32) -> u32 {
    n * 2
}

macro_rules! add {
    ($a:expr, $($b:expr),+) => { $a $(+ $b)+ };
}

#[workflow]
async fn no_node(n: u32) -> Fallible<u32> {
    let m = n + 1;
    Ok(m * n)
}

#[workflow]
async fn literals(n: u32) -> Fallible<u32> {
    let left = n + 1;
    let right = format!("{left:?}");
    let p = Pair { left, right };
    let again = Pair { left: 7, ..p.clone() };
    let x = take(p).await?;
    let pair = pair(x, again.right).await?;
    let Pair { left: ref l, ref right } = pair;
    let [first, .., last] = [*l, 5u32, right.len() as u32];
    Ok(add!(first, last, n))
}

#[workflow]
async fn patterns(n: u32) -> Fallible<u32> {
    let s = side(n).await?;
    let (Side::Left(v) | Side::Right(v)) = s;
    let w = if let Side::Left(v) = s {
        v
    } else if let Side::Right(n) = s {
        n + 1
    } else {
        0
    };
    let big = matches!(s, Side::Left(k) if k > 3);
    let all @ [_, rest @ ..] = &[v, w, u32::from(big)];
    let total = sum(all).await?;
    #[id = "rest"]
    let part = sum(rest).await?;
    Ok(total + part)
}

#[workflow]
async fn pure_loops(n: u32) -> Fallible<u32> {
    let list = {
        let mut list = vec![];
        for i in 0..n {
            if i == 2 {
                continue;
            }
            list.push(i);
        }
        while list.len() < 3 {
            list.push(n);
        }
        list
    };
    let found = 'outer: {
        for k in &list {
            if *k > 1 {
                break 'outer Some(*k);
            }
        }
        None
    };
    let pick = |n: u32| -> Option<u32> {
        let m = found?;
        if n > 100 {
            return None;
        }
        Some(m)
    };
    let total = sum(&list[..2]).await?;
    Ok(total + pick(n).unwrap_or(9))
}

#[workflow]
async fn functions(n: u32) -> Fallible<u32> {
    let f: fn(u32) -> u32 = twice;
    let x = call(f, n).await?;
    #[id = "closure"]
    let y = call(|k| k + 1, x).await?;
    Ok([x, y].map(twice).iter().sum::<u32>())
}

#[workflow]
async fn end_is_an_effect(n: u32) -> Fallible<()> {
    #[id = "first"]
    nothing().await?;
    let _seen = odd(n).await?;
    nothing().await
}

#[workflow]
async fn end_is_mapped(n: u32) -> Fallible<u32> {
    odd(n).await.map_err(|e| Error::Odd(e.to_string().len() as u32)).map(|n| n + 1)
}

#[workflow]
async fn end_is_chosen(n: u32) -> Fallible<u32> {
    let a = odd(n).await;
    match a {
        Ok(k) if k > 2 => Ok(k),
        Ok(_) => Err(Error::Odd(0)),
        Err(e) => Err(e),
    }
}

#[workflow]
async fn panicking(n: u32) -> Fallible<String> {
    let r = panics(n).await;
    Ok(r.map_or_else(|e| e.to_string(), |n| n.to_string()))
}

#[workflow]
async fn results_in_a_list(n: u32) -> Fallible<u32> {
    let a = odd(n).await;
    #[id = "other"]
    let b = odd(n + 1).await;
    let good: Vec<u32> = [a, b].into_iter().flatten().collect();
    Ok(sum(&good).await?)
}

#[workflow]
async fn several((a, b): (u32, u32), list: Vec<u32>, _unused: Option<String>) -> Fallible<u32> {
    let s = sum(&list).await?;
    Ok(s + a * b)
}

mod twins {
    use super::*;
    pub mod first {
        use super::*;
        #[workflow(id = "twin")]
        pub async fn twin(n: u32) -> Fallible<u32> {
            let x = odd(n).await?;
            let y = sum(&[n]).await?;
            Ok(x + y)
        }
    }
    pub mod second {
        use super::*;
        /// Documented, reordered, renamed, tuned.
        #[workflow(id = "twin", version = 1, timeout = "1h", retries = 7)]
        pub async fn other_name(number: u32, // another name
        ) -> Fallible<u32> {
            let right = sum(&[number]).await?;
            /* left */
            let left = odd(number).await?;
            Ok(left + right)
        }
    }
}

macro_rules! same {
    ($($workflow:ident($($input:expr),+);)+) => { $( $( {
        let plain = $workflow($input).await;
        let graph = testing::run::<$workflow>().input($input).await;
        match (plain, graph) {
            (Ok(a), Ok(b)) => assert_eq!(a, b, "{}", stringify!($workflow)),
            (Err(a), Err(RunError::Failed(b))) => assert_eq!(a.to_string(), b.message),
            (a, b) => panic!("{}: plain {a:?}, graph {b:?}", stringify!($workflow)),
        }
    } )+ )+ };
}

#[tokio::test]
async fn odd_rust_gives_the_same() {
    same! {
        no_node(3);
        literals(3);
        patterns(3, 4);
        pure_loops(0, 3, 7);
        functions(3);
        end_is_an_effect(2, 3);
        end_is_mapped(2, 3);
        end_is_chosen(2, 3, 4);
        results_in_a_list(1);
    }
    let input = ((2, 3), vec![4, 5], None);
    let graph = testing::run::<several>().input(input.clone()).await.unwrap();
    assert_eq!(graph, several(input.0, input.1, input.2).await.unwrap());
}

#[tokio::test]
async fn a_panic_is_a_failure_that_can_be_tolerated() {
    let text = testing::run::<panicking>().input(5).await.unwrap();
    assert!(text.contains("panicked"), "{text}");
    assert_eq!(testing::run::<panicking>().input(1).await.unwrap(), "1");
}

#[test]
fn the_fingerprint_is_the_shape_alone() {
    let first = pgflow::Definition::from((<twins::first::twin as Workflow>::SPEC)());
    let second = pgflow::Definition::from((<twins::second::other_name as Workflow>::SPEC)());
    assert_eq!(first.fingerprint, second.fingerprint);
    assert_ne!(first, second);
}
