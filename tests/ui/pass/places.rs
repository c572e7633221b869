//! Steps and workflows in odd places, under odd names, from a `macro_rules!`.
#![deny(warnings)]
use pgflow::{step, workflow};

macro_rules! as_it_is {
    ($($tokens:tt)*) => { $($tokens)* };
}

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

/// A macro that we cannot see into, and that hides nothing.
macro_rules! twice {
    ($n:expr) => {
        $n * 2
    };
}

as_it_is! {
    #[workflow]
    #[must_use = "x"]
    #[inline]
    async fn from_a_macro(n: u32) -> Result<u32, String> {
        let x @ 0.. = a(twice!(n)).await?;
        Ok(twice!(x))
    }
}

#[workflow]
async fn by_crate_path(n: u32) -> Result<u32, String> {
    crate::a(n).await
}

#[workflow]
async fn shadowed_step(n: u32) -> Result<u32, String> {
    let a = a(n).await?;
    Ok(a)
}

mod private {
    use pgflow::{step, workflow};
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct Hidden(u32);

    #[step]
    async fn inner(n: u32) -> Result<Hidden, String> {
        Ok(Hidden(n))
    }

    #[workflow]
    pub async fn w(n: u32) -> Result<u32, String> {
        Ok(inner(n).await?.0)
    }
}

fn main() {
    #[step]
    async fn local(n: u32) -> Result<u32, String> {
        Ok(n)
    }
    #[workflow]
    async fn w(n: u32) -> Result<u32, String> {
        #[id = "in-a-function"]
        local(n).await
    }
    let _ = (from_a_macro(1), by_crate_path(1), shadowed_step(1), private::w(1), w(1));
}
