use pgflow::step;

#[step]
async fn local(n: u32) -> Result<u32, String> {
    let r = std::rc::Rc::new(n);
    tokio::task::yield_now().await;
    Ok(*r)
}

fn main() {}
