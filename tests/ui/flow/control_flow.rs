//! Rust that has no place in a graph, all at once.
use pgflow::{step, workflow};

#[step]
async fn a(n: u32) -> Result<u32, String> {
    Ok(n)
}

struct Client;

#[workflow]
async fn w(n: u32) -> Result<u32, String> {
    for i in 0..n {
        a(i).await?;
    }
    while n > 3 {
        a(n).await?;
    }
    loop {
        a(n).await?;
    }
    let _c = async { a(n).await }.await?;
    if n > 3 {
        return Ok(n);
    }
    println!("{n}");
    assert!(n > 1);
    let _t = tokio::try_join!(a(n), a(n))?;
    let _j = tokio::join!(a(n)).await;
    let _z = n > 3 && a(n).await? > 2;
    let _o = n > 3 || a(n).await? > 2;
    let _s = format!("{}", a(n).await?);
    let _b = {
        let k = n;
        a(k).await?
    };
    let _f = [n].map(|x| async move { a(x).await });
    let _g = match n {
        x if a(x).await? > 1 => 1,
        _ => 2,
    };
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let Ok(_q) = a(n).await else { return Err(String::new()) };
    let mut v = vec![1];
    v.push(2);
    let (mut p, _r) = (n, n);
    let _id = uuid::Uuid::new_v4().to_string();
    let _now = std::time::Instant::now();
    Client.get(n).await?;
    pgflow::mapp(n).await;
    let _x: u32 = a::<u32>(n).await?;
    let _y = (a)(n).await?;
    let _w = n.await;
    let _u = unsafe { a(n).await? };
    let _late;
    Ok(n)
}

fn main() {}
