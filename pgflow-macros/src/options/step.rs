//! The options of `#[step]`.

use proc_macro2::{Span, TokenStream};
use syn::{Token, Type, parse::Parser, punctuated::Punctuated};

use super::{
    STEP, WORKFLOW,
    entries::{self, Entry, Known, number, text, whole},
    values::{self, Rate},
};
use crate::diagnostics::{self as say, Errors};

/// What `#[step(…)]` says.
#[derive(Default)]
pub struct StepAttribute {
    pub id: Option<String>,
    pub timeout_ms: Option<u64>,
    pub retries: Option<u32>,
    pub retry_delay_ms: Option<u64>,
    pub backoff: Option<Backoff>,
    pub concurrency: Option<u32>,
    pub gpu: Option<Gpu>,
    pub exclusive: Option<Pool>,
    pub memory_bytes: Option<u64>,
    pub cpu_milli: Option<u32>,
    pub priority: Option<i16>,
    pub rate_limit: Option<Rate>,
    pub cache_ms: Option<u64>,
    pub batch: Option<Batch>,
    pub revision: Option<u32>,
    pub needs: Vec<Type>,
    pub transactional: bool,
    pub redact: Vec<String>,
}

/// The pool of one slot that a step shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pool {
    /// It has the step's own name.
    Own,
    Named(String),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Backoff {
    Fixed,
    Exponential(f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gpu {
    pub count: u16,
    pub vram_bytes: Option<u64>,
}

pub struct Batch {
    pub max: u32,
    pub linger_ms: u64,
    /// Where the option stands.
    pub span: Span,
}

impl StepAttribute {
    /// Whether the step asks the context before it runs.
    pub fn asks_first(&self) -> bool {
        self.cache_ms.is_some() || self.batch.is_some()
    }

    pub fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let known = Known { what: "step", options: STEP, elsewhere: Some(("workflow", WORKFLOW)) };
        let mut attribute = Self::default();
        for entry in entries::parse(tokens, &known, errors) {
            attribute.read(&entry, errors);
        }
        if let (Some(batch), Some(_)) = (&attribute.batch, attribute.concurrency) {
            errors.at(batch.span, say::BATCH_AND_CONCURRENCY);
        }
        attribute
    }

    fn read(&mut self, entry: &Entry, errors: &mut Errors) {
        match entry.name().as_str() {
            "timeout" => self.timeout_ms = entry.duration(errors).map(|(ms, _)| ms),
            "retries" => self.retries = entry.number(errors),
            "retry_delay" => self.retry_delay_ms = entry.duration(errors).map(|(ms, _)| ms),
            "backoff" => self.backoff = backoff(entry, errors),
            "concurrency" => self.concurrency = entry.count(errors),
            "gpu" => self.gpu = gpu(entry, errors),
            "exclusive" => self.exclusive = exclusive(entry, errors),
            "memory" => self.memory_bytes = entry.size(errors),
            "cpu" => self.cpu_milli = cpu(entry, errors),
            "priority" => self.priority = priority(entry, errors),
            "rate_limit" => self.rate_limit = rate_limit(entry, errors),
            "cache" => self.cache_ms = entry.duration(errors).map(|(ms, _)| ms),
            "batch" => self.batch = batch(entry, errors),
            "revision" => self.revision = entry.number(errors),
            "id" => self.id = entry.stored_name(errors),
            "needs" => self.needs = needs(entry, errors),
            "redact" => self.redact = entry.pointers(errors),
            _ => self.transactional = flag(entry, errors),
        }
    }
}

fn flag(entry: &Entry, errors: &mut Errors) -> bool {
    if !entry.is_flag() {
        errors.on(&entry.key, say::takes_no_value(&entry.name()));
    }
    entry.is_flag()
}

fn backoff(entry: &Entry, errors: &mut Errors) -> Option<Backoff> {
    let value = entry.value(errors)?;
    let word = text(value).map(syn::LitStr::value);
    let backoff = match (word.as_deref(), number(value)) {
        (Some("fixed"), _) => Some(Backoff::Fixed),
        (Some("exponential"), _) => Some(Backoff::Exponential(2.0)),
        (None, Some(factor)) if factor >= 1.0 && factor.is_finite() => {
            Some(Backoff::Exponential(factor))
        }
        _ => None,
    };
    if backoff.is_none() {
        errors.on(value, say::NOT_BACKOFF);
    }
    backoff
}

fn gpu(entry: &Entry, errors: &mut Errors) -> Option<Gpu> {
    if entry.is_flag() {
        return Some(Gpu { count: 1, vram_bytes: None });
    }
    if let Some(value) = entry.optional_value() {
        let count = whole(value).filter(|n| *n > 0);
        if count.is_none() {
            errors.on(value, say::NOT_GPU);
        }
        return count.map(|count| Gpu { count, vram_bytes: None });
    }
    let known = Known { what: "gpu", options: &["count", "vram"], elsewhere: None };
    let mut gpu = Gpu { count: 1, vram_bytes: None };
    for part in entries::parse(entry.list()?.tokens.clone(), &known, errors) {
        if part.key == "vram" {
            gpu.vram_bytes = part.size(errors);
        } else if let Some(count) = part.count(errors) {
            gpu.count = u16::try_from(count).unwrap_or(u16::MAX);
        }
    }
    Some(gpu)
}

fn exclusive(entry: &Entry, errors: &mut Errors) -> Option<Pool> {
    if entry.is_flag() { Some(Pool::Own) } else { entry.stored_name(errors).map(Pool::Named) }
}

fn cpu(entry: &Entry, errors: &mut Errors) -> Option<u32> {
    let value = entry.value(errors)?;
    let milli = number(value).map(|cores| (cores * 1000.0).round());
    let Some(milli) = milli.filter(|m| (1.0..=1_000_000.0).contains(m)) else {
        errors.on(value, say::NOT_CORES);
        return None;
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "in range, checked above"
    )]
    Some(milli as u32)
}

fn priority(entry: &Entry, errors: &mut Errors) -> Option<i16> {
    let value = entry.value(errors)?;
    let priority = whole(value);
    if priority.is_none() {
        errors.on(value, say::NOT_PRIORITY);
    }
    priority
}

fn rate_limit(entry: &Entry, errors: &mut Errors) -> Option<Rate> {
    let value = entry.value(errors)?;
    let rate = text(value).and_then(|t| values::rate(&t.value()));
    if rate.is_none() {
        errors.on(value, say::NOT_A_RATE);
    }
    rate
}

fn batch(entry: &Entry, errors: &mut Errors) -> Option<Batch> {
    let Some(list) = entry.list() else {
        errors.on(&entry.key, say::NOT_BATCH);
        return None;
    };
    let known = Known { what: "batch", options: &["max", "linger"], elsewhere: None };
    let parts = entries::parse(list.tokens.clone(), &known, errors);
    let part = |name: &str| parts.iter().find(|p| p.key == name);
    let (Some(max), Some(linger)) = (part("max"), part("linger")) else {
        errors.on(&entry.key, say::NOT_BATCH);
        return None;
    };
    let (max, linger) = (max.count(errors), linger.duration(errors));
    Some(Batch { max: max?, linger_ms: linger?.0, span: entry.key.span() })
}

fn needs(entry: &Entry, errors: &mut Errors) -> Vec<Type> {
    let types = entry
        .list()
        .map(|list| Punctuated::<Type, Token![,]>::parse_terminated.parse2(list.tokens.clone()));
    match types {
        Some(Ok(types)) => types.into_iter().collect(),
        Some(Err(e)) => {
            errors.push(e);
            Vec::new()
        }
        None => {
            errors.on(&entry.key, say::needs_list("needs", "needs(PgPool)"));
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn good(tokens: TokenStream) -> StepAttribute {
        let mut errors = Errors::default();
        let attribute = StepAttribute::parse(tokens, &mut errors);
        assert_eq!(errors.texts(), Vec::<String>::new());
        attribute
    }

    fn wrong(tokens: TokenStream) -> Vec<String> {
        let mut errors = Errors::default();
        StepAttribute::parse(tokens, &mut errors);
        errors.texts()
    }

    #[test]
    fn every_option_is_read() {
        let a = good(quote!(
            timeout = "60s",
            retries = 0,
            retry_delay = "1s",
            backoff = 1.5,
            concurrency = 2,
            memory = "8GiB",
            cpu = 0.5,
            priority = -5,
            rate_limit = "100/s",
            cache = "7d",
            revision = 3,
            id = "x-1",
            needs(PgPool, Arc<Client>),
            transactional,
            gpu(count = 2, vram = "16GiB"),
            exclusive = "camera",
            redact = ["/password", "/cards/*/number"]
        ));
        assert_eq!(
            (a.timeout_ms, a.retries, a.retry_delay_ms),
            (Some(60_000), Some(0), Some(1_000))
        );
        assert_eq!(a.backoff, Some(Backoff::Exponential(1.5)));
        assert_eq!(
            (a.concurrency, a.memory_bytes, a.cpu_milli),
            (Some(2), Some(8 << 30), Some(500))
        );
        assert_eq!((a.priority, a.revision), (Some(-5), Some(3)));
        assert_eq!(a.rate_limit, Some(Rate { count: 100, per_ms: 1_000 }));
        assert_eq!((a.id.as_deref(), a.needs.len(), a.transactional), (Some("x-1"), 2, true));
        assert_eq!(a.gpu, Some(Gpu { count: 2, vram_bytes: Some(16 << 30) }));
        assert_eq!(a.exclusive, Some(Pool::Named("camera".to_owned())));
        assert_eq!(a.redact, ["/password", "/cards/*/number"]);
    }

    #[test]
    fn short_forms() {
        let a = good(quote!(
            gpu,
            exclusive,
            backoff = "fixed",
            batch(max = 32, linger = "20ms"),
            cpu = 2
        ));
        assert_eq!(a.gpu, Some(Gpu { count: 1, vram_bytes: None }));
        assert_eq!(
            (a.exclusive, a.backoff, a.cpu_milli),
            (Some(Pool::Own), Some(Backoff::Fixed), Some(2000))
        );
        assert_eq!(a.batch.map(|b| (b.max, b.linger_ms)), Some((32, 20)));
        assert_eq!(good(quote!(redact)).redact, [""]);
        assert_eq!(good(quote!(gpu = 4)).gpu, Some(Gpu { count: 4, vram_bytes: None }));
        assert_eq!(good(quote!(backoff = "exponential")).backoff, Some(Backoff::Exponential(2.0)));
    }

    #[test]
    fn every_wrong_option_is_reported_at_once() {
        let texts =
            wrong(quote!(timout = "1s", retries, gpu = 0, cpu = 0, priority = 40000, colour));
        assert_eq!(texts.len(), 6, "{texts:?}");
        assert_eq!(texts[0], "unknown step option `timout`; did you mean `timeout`?");
        assert!(texts[1].contains("expected one of `timeout`"), "{}", texts[1]);
        assert_eq!(wrong(quote!(redact = ["password", "/a~2", 3, "/fine"])).len(), 3);
        assert_eq!(wrong(quote!(redact = "/password")).len(), 1);
        assert_eq!(
            wrong(quote!(version = 1)),
            ["unknown step option `version`; it is an option of `#[workflow]`"]
        );
    }
}
