//! What has no place in an arm, or would be lost there.
use pgflow::{step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[step]
async fn b(n: u32) -> Result<u32, String> {
    Ok(n)
}

fn check(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn statements(n: u32) -> Result<u32, String> {
    if n > 1 {
        use std::fmt::Write;
        let mut k = n;
        check(n)?;
        a(k).await?;
        println!("done")
    } else if n == 1 {
        #[id = "b"]
        b(n).await?;
        check(n)?;
    }
    match n {
        #[id = "block"]
        0 => {
            #[id = "a_2"]
            let _x = a(n).await?;
            return Ok(n);
        }
        #[cfg(test)]
        1 => (),
        mut k => {
            #[id = "b_2"]
            b(k).await?;
        }
    }
    Ok(n)
}

#[workflow]
async fn conditions(n: u32) -> Result<u32, String> {
    let x = if a(n).await? > 1 && b(n).await? > 1 { 1u32 } else { 2 };
    let y = match n {
        k if b(k).await? > 1 => {
            #[id = "again"]
            a(k).await?
        }
        _ => 3,
    };
    Ok(x + y)
}

#[workflow]
async fn loops(n: u32) -> Result<u32, String> {
    let x = if n > 1 {
        for k in 0..n {
            a(k).await?;
        }
        n
    } else {
        'out: {
            b(n).await?
        }
    };
    Ok(x)
}

fn main() {}
