//! Every message of the macros. A message says what is wrong, and after `;` what to write instead; its span is the
//! token to edit. Each stands in a case under `tests/ui`.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

use crate::names::{LONGEST, Unfit, near};

/// Collects what is wrong, so that all of it is reported at once.
#[derive(Default)]
pub struct Errors(Vec<syn::Error>);

impl Errors {
    /// Something is wrong with these tokens.
    pub fn on(&mut self, tokens: &impl ToTokens, text: impl Display) {
        self.0.push(syn::Error::new_spanned(tokens, text));
    }

    /// Something is wrong at this place.
    pub fn at(&mut self, span: Span, text: impl Display) {
        self.0.push(syn::Error::new(span, text));
    }

    /// What `syn` says.
    pub fn push(&mut self, error: syn::Error) {
        self.0.push(error);
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One `compile_error!` per mistake.
    pub fn to_tokens(&self) -> TokenStream {
        self.0.iter().map(syn::Error::to_compile_error).collect()
    }

    #[cfg(test)]
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
}

// ---- options ----

pub const NO_KEY: &str = "expected the name of an option; write `option = value`";

/// `what` is `step`, `workflow`, `gpu` or `batch`; `elsewhere` says which attribute knows the option.
pub fn unknown_option(what: &str, name: &str, known: &[&str], elsewhere: Option<&str>) -> String {
    let hint = match (near(name, known), elsewhere) {
        (Some(word), _) => format!("did you mean `{word}`?"),
        (None, Some(other)) => format!("it is an option of `#[{other}]`"),
        (None, None) => format!("expected one of {}", listed(known)),
    };
    format!("unknown {what} option `{name}`; {hint}")
}

pub fn twice(name: &str) -> String {
    format!("option `{name}` is given twice; keep one")
}

pub fn needs_value(name: &str) -> String {
    format!("option `{name}` needs a value; write `{name} = …`")
}

pub fn takes_no_value(name: &str) -> String {
    format!("option `{name}` takes no value; write `{name}` alone")
}

pub fn needs_list(name: &str, example: &str) -> String {
    format!("option `{name}` takes a list; write `{example}`")
}

pub fn not_a_duration(name: &str) -> String {
    format!(
        "`{name}` is not a duration; write a number and a unit, as in \"90s\", \"6m\", \"250ms\" or \"1h30m\""
    )
}

pub fn not_a_count(name: &str) -> String {
    format!("`{name}` is not a whole number; write `{name} = 3`")
}

pub fn at_least_one(name: &str) -> String {
    format!("`{name}` must be at least 1")
}

pub fn not_a_size(name: &str) -> String {
    format!("`{name}` is not a size; write a number and a unit, as in \"512MiB\" or \"8GiB\"")
}

pub const NOT_CORES: &str =
    "`cpu` is not a number of cores; write `cpu = 2`, or `cpu = 0.5` for half a core";
pub const NOT_PRIORITY: &str =
    "`priority` is not a whole number from -32768 to 32767; write `priority = 10`";
pub const NOT_A_RATE: &str = "`rate_limit` is not a rate; write a count and a unit of time, as in \"100/s\", \"5/m\" or \"1000/h\"";
pub const NOT_BACKOFF: &str = "`backoff` is none that pgflow knows; write \"fixed\", \"exponential\" or a factor of at least 1, as in `2.0`";
pub const NOT_GPU: &str =
    "`gpu` is not a count; write `gpu`, `gpu = 2` or `gpu(count = 2, vram = \"16GiB\")`";
pub const NOT_BATCH: &str =
    "`batch` needs both its bounds; write `batch(max = 32, linger = \"20ms\")`";
pub const BATCH_AND_CONCURRENCY: &str =
    "`batch` and `concurrency` do not go together yet; keep one of them";
pub const NOT_ALLOW: &str = "option `allow` takes a list; write `allow(longest_path)`";

pub const NOT_REDACT: &str = "`redact` takes a list of JSON pointers; write `redact = [\"/password\"]`, or `redact` alone for the whole payload";

pub fn not_a_pointer(text: &str) -> String {
    let path = text.trim_start_matches('/').replace('.', "/");
    if path.contains('~') {
        return format!(
            "`{text}` is no JSON pointer; write `~0` for a `~`, and `~1` for a `/` within a name"
        );
    }
    format!("`{text}` is no JSON pointer; write \"/{path}\"")
}

pub fn not_a_text(name: &str) -> String {
    format!("`{name}` is not a string; write `{name} = \"…\"`")
}

pub fn cannot_allow(name: &str) -> String {
    format!("nothing called `{name}` can be allowed; expected `longest_path`")
}

pub fn not_a_schedule(fields: usize) -> String {
    format!(
        "`schedule` is no cron expression, as it has {fields} of 5 or 6 fields; write minute, hour, day, month and weekday, as in \"0 3 * * *\", or the second in front"
    )
}

pub fn unfit_name(name: &str, why: Unfit) -> String {
    let why = match why {
        Unfit::Empty => "a stored name cannot be empty".to_owned(),
        Unfit::TooLong => format!("`{name}` is longer than {LONGEST} characters"),
        Unfit::First(c) => format!("`{name}` begins with `{c}`"),
        Unfit::Character(c) => format!("`{name}` contains `{c}`"),
        Unfit::Reserved => {
            return format!("`{name}` is a name of the engine's own; write another `id = \"…\"`");
        }
    };
    format!(
        "{why}; a stored name is an ASCII letter or `_`, then letters, digits, `_` and `-`, {LONGEST} characters at most"
    )
}

// ---- signatures; `what` is `step` or `workflow` ----

pub fn not_async(what: &str) -> String {
    format!(
        "a {what} is an `async fn`; for blocking code use `tokio::task::spawn_blocking` inside it"
    )
}

pub fn generic(what: &str) -> String {
    format!(
        "a {what} has one stored name and one stored type, so it cannot be generic; write one {what} per type"
    )
}

pub fn impl_trait(what: &str) -> String {
    format!("`impl Trait` makes a {what} generic; name the type")
}

pub fn method(what: &str) -> String {
    format!(
        "a {what} is a free function, not a method; reach shared state by `StepContext::current().state()`"
    )
}

pub fn no_result(what: &str) -> String {
    format!(
        "a {what} returns `Result<T, E>`; write `-> Result<(), E>` where there is nothing to return"
    )
}

pub const BORROWED_INPUT: &str =
    "the input of a workflow comes from the database and cannot be borrowed; take it by value";
pub const BATCH_PARAMETER: &str = "a step with `batch` takes one `Vec` and returns a `Vec` as long; write `async fn name(items: Vec<T>)`";

// ---- bodies ----

pub const ONLY_USE_AND_CONST: &str = "only `use` and `const` may stand at the top of a workflow's body; move this item out of the function";
pub const LET_WITHOUT_VALUE: &str = "a `let` in a workflow needs its value; write `let x = …;`";
pub const LET_ELSE: &str =
    "`let … else` leaves the body in the middle; write a `match` whose arms hold the rest";
pub const LET_MUT: &str = "a binding of a workflow is never changed; build the value in one expression: `let x = { let mut v = …; …; v };`";
pub const RETURN: &str = "`return` in the middle has no place in a graph; put the rest of the body into the `else` of an `if`, or into the arms of a `match`";
pub const NO_VALUE: &str =
    "a workflow's body ends with its value; write `Ok(…)` or a step's call as the last expression";
pub const NO_STEP: &str = "this statement calls no step, so no worker would ever run it; move it into a step, or bind its value with `let`";
pub const MORE_THAN_A_CALL: &str = "this statement does more than call a step, and no worker would run the rest; bind its value with `let` and use it";
pub const UNREAD_QUESTION: &str = "nothing uses this value, so no worker would evaluate this `?`; use the value, or make the check a step";
pub const CFG: &str = "a workflow's shape must not depend on features; write two workflows";
pub const UNSAFE: &str = "`unsafe` does not belong in a workflow; move it into a step";
pub const ASYNC_BLOCK: &str = "an `async` block hides its steps from `#[workflow]`; call them in the body, what does not depend on each other runs in parallel";
pub const BLOCK: &str = "steps stand in the body itself; write these statements without the block";
pub const LAZY_OPERATOR: &str = "whether the right side runs depends on the left; bind the step with `let` before, and use the binding here";
pub const CLOSURE: &str =
    "a closure cannot call steps; for one task per element write `pgflow::map(items, step)`";
pub const FOR_LOOP: &str =
    "a loop has no fixed graph; for one task per element write `pgflow::map(items, step).await?`";
pub const LOOP: &str =
    "a loop has no fixed graph; put the loop inside a step, or start a child run per round";
pub const GUARD: &str = "a guard cannot call a step; bind its result with `let` before the `match`";
pub const BARE_NUMBER: &str = "this number is read in more than one place, each of which would choose its own type; write it: `let n: u64 = …`";

pub fn statement_macro(name: &str) -> String {
    format!("`{name}!` here would run on no worker or on several; move it into a step")
}

pub fn macro_hides_step(name: &str) -> String {
    format!(
        "`{name}!` hides a step from `#[workflow]`; bind its result with `let` before and use the binding here"
    )
}

pub fn macro_hides_steps(name: &str) -> String {
    format!(
        "`{name}!` hides its steps from `#[workflow]`; bind each with its own `let`, what does not depend on each other runs in parallel"
    )
}

pub fn impure(path: &str) -> String {
    format!(
        "`{path}` gives another value each time, and every worker that needs this expression evaluates it anew; make it a step and use its result"
    )
}

pub fn spawns(path: &str) -> String {
    format!(
        "`{path}` begins work that nobody records or waits for, and once more on every worker that needs this expression; make it a step"
    )
}

pub fn unused(name: &str, is_result: bool) -> String {
    let what = if is_result { "result of this step" } else { "binding" };
    format!("nothing uses `{name}`; use the {what}, or call it `_{name}`")
}

// ---- calls ----

pub const AWAIT_A_STEP: &str = "only the call of a step can be awaited here; write `step(…).await`";
pub const CALL_BY_PATH: &str = "only a step called by its path can be awaited here";
pub const TYPE_ARGUMENTS: &str =
    "a step has one stored type and takes no type arguments; write a step per type";
pub const MAP: &str =
    "`map` takes the elements and a step; write `pgflow::map(items, step).await?`";
pub const MAP_STEP: &str = "the second argument of `map` is a step, or a closure that only calls one: `|x| step(x, y.clone())`";
pub const AFTER: &str =
    "`after` takes what to wait for and a call; write `pgflow::after(&x, step(y)).await?`";
pub const TOKIO_SLEEP: &str = "`tokio::time::sleep` would hold a worker and be forgotten in a crash; write `pgflow::sleep(…).await`";
pub const SLEEP: &str =
    "`sleep` takes how long; write `pgflow::sleep(Duration::from_secs(60)).await`";
pub const SIGNAL: &str = "a signal has a literal name and a payload of one type; write `pgflow::signal::<T>(\"name\").await?`";
pub const CHILD: &str =
    "`child` takes the call of a workflow; write `pgflow::child(workflow(…)).await?`";

pub fn not_a_step_method(name: &str) -> String {
    format!(
        "`.{name}(…)` is not a step; only calls of `#[step]` functions are awaited in a workflow, so move this into one"
    )
}

pub fn unknown_builtin(path: &str, word: &str, known: &[&str]) -> String {
    let hint =
        near(word, known).map_or_else(String::new, |k| format!("; did you mean `pgflow::{k}`?"));
    format!("`{path}` has no meaning in a workflow{hint}")
}

/// `word` is the word of the language whose method this is.
pub fn unknown_method(word: &str, name: &str, known: &[&str]) -> String {
    let hint = match (near(name, known), known) {
        (Some(near), _) => format!("did you mean `.{near}(…)`?"),
        (None, []) => "await it as it is".into(),
        (None, known) => format!("expected one of {}", listed(known)),
    };
    format!("`.{name}(…)` has no meaning behind `pgflow::{word}`; {hint}")
}

pub fn bound_takes_one(name: &str) -> String {
    format!("`.{name}(…)` takes one constant; write it alone")
}

pub fn not_constant(name: &str) -> String {
    format!(
        "`{name}` is part of the definition and the same for all runs; write a number or a `const`"
    )
}

pub fn called_twice(name: &str) -> String {
    let id = name.rsplit(':').next().unwrap_or(name);
    format!(
        "`{name}` is called twice; give this call an id that outlives edits: `#[id = \"{id}_2\"]` before the statement"
    )
}

pub const ID_BEFORE_BLOCK: &str = "`#[id]` names a call, and this arm is a block; write it inside, before the statement that awaits the call";
pub const ID_WITHOUT_CALL: &str = "`#[id]` names a call, but this statement awaits none; remove it";
