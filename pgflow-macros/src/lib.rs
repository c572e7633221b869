//! The attributes of pgflow: `#[step]` leaves an async function as it is and describes it, `#[workflow]` reads an async
//! function's body as a data-flow program. Parse (`options`, `signature`) → model (`model`) → check → emit (`emit`).

mod diagnostics;
mod emit;
#[cfg(test)]
mod hostile;
mod model;
mod names;
mod options;
mod signature;
mod text;

use proc_macro::TokenStream;

/// Marks an async function as a step: one durable task of a workflow.
///
/// The function stays as it is and can be called as it is. It returns `Result<T, E>`: `T` is stored between two steps
/// and so is `Serialize` and `Deserialize`; `E` is any error. Parameters may be references. A step runs at least once,
/// its completion is recorded exactly once.
///
/// | Option | Meaning |
/// |---|---|
/// | `timeout = "90s"` | how long one attempt may take; none by default |
/// | `retries = 3` | attempts after the first; the workflow's, else 3 |
/// | `retry_delay = "1s"` | before the first retry; the workflow's, else 1 s |
/// | `backoff = 2.0` | what the delay is multiplied by each time, up to 5 minutes, spread by 20 %; also `"fixed"`, `"exponential"` |
/// | `concurrency = 2` | tasks of this step at once, over all processes |
/// | `gpu`, `gpu = 2`, `gpu(count = 1, vram = "16GiB")` | devices that a task holds alone |
/// | `exclusive`, `exclusive = "name"` | never beside another task of the step, or of the steps of that name |
/// | `memory = "8GiB"`, `cpu = 0.5` | admitted against what a worker offers |
/// | `priority = 1` | higher goes first; a lower one waits at most a minute longer per level |
/// | `rate_limit = "100/s"` | starts per interval, over all processes |
/// | `needs(Client)` | state of the host; a worker without it refuses to start |
/// | `id = "name"` | the stored name, which outlives renames of the function |
/// | `cache = "7d"` | a result serves equal arguments, of any run, for so long; two that need it at once compute it once |
/// | `revision = 2` | counts changes of the code behind cached results |
/// | `batch(max = 32, linger = "20ms")` | callers in one process share a call: takes a `Vec`, gives one as long |
/// | `transactional` | what is written through `StepContext::transaction` commits with the completion |
/// | `redact = ["/password", "/cards/*/number"]`, `redact` | JSON pointers to what of the output is stored and not shown; alone: all of it |
///
/// Durations are numbers with units, as in `"250ms"`, `"90s"`, `"1h30m"`, `"7d"`.
#[proc_macro_attribute]
pub fn step(options: TokenStream, item: TokenStream) -> TokenStream {
    emit::step(options.into(), &item.into()).into()
}

/// Marks an async function as a workflow: its calls of steps become the nodes of a graph.
///
/// The body is ordinary Rust, and calling the function runs it in process. On Postgres each call of a step is a task;
/// what does not read another's result runs beside it.
///
/// | In the body | Means |
/// |---|---|
/// | `let x = step(args).await?;` | a required step: its last failure fails the run |
/// | `let x = step(args).await;` | a tolerated step: `x` is the `Result`, the run goes on; `E: From<pgflow::Failure>` |
/// | `let k = expr;`, expressions in arguments and in the final value | pure Rust, evaluated by whoever needs it |
/// | `pgflow::map(items, step).await?`, `pgflow::map(items, \|x\| step(x, y)).await?` | a task per element, results in input order |
/// | `.limit(8)` behind a map | so many elements under way at once |
/// | `.at_least(0.9)` behind a map | goes on as long as this share succeeds; the value is a list of `Result`s |
/// | `pgflow::sleep(duration).await` | waits in the database, holding no worker |
/// | `pgflow::signal::<T>("name").await?`, `.within("24h")` | waits for a signal to the run; one that is late fails, with kind `timed_out` |
/// | `pgflow::child(workflow(args)).await?` | a run of another workflow |
/// | a call whose result nobody reads | an effect: it waits for all before it, and all after it wait for it |
/// | `pgflow::after(&x, step(y)).await?` | order between two results that are both read |
/// | `if`, `if let`, `match` with steps in their arms, as a statement or as a value | a branch: it is decided once, and the nodes of the other arms are skipped |
/// | `#[id = "name"]` before a statement or an arm | the id of its node; needed where a step is called twice |
/// | the last expression | the run's output |
///
/// Whatever has no place in a graph
/// (loops with steps, `return` in the middle, `async` blocks, `let mut`, a clock or a random number) is refused on its
/// token, with what to write instead.
///
/// | Option | Meaning |
/// |---|---|
/// | `version = 1` | the version of the shape: another graph under a stored version is refused with the differences |
/// | `timeout = "6m"` | how long a run may take; a longest path of steps that cannot fit is a compile error |
/// | `allow(longest_path)` | unless this is written |
/// | `retries`, `retry_delay` | for steps that do not say |
/// | `concurrency = 1` | runs under way at once, over all processes |
/// | `id = "name"` | the stored name |
/// | `redact = ["/password"]` | JSON pointers to what of the input and of the output is stored and not shown |
/// | `schedule = "0 3 * * *"` | a run at each tick, in UTC; its input is none, `()` or a `pgflow::Tick` |
#[proc_macro_attribute]
pub fn workflow(options: TokenStream, item: TokenStream) -> TokenStream {
    emit::workflow(options.into(), &item.into()).into()
}
