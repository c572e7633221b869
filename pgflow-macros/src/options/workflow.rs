//! The options of `#[workflow]`.

use proc_macro2::{Span, TokenStream};
use syn::{Ident, Token, parse::Parser, punctuated::Punctuated};

use super::{
    STEP, WORKFLOW,
    entries::{self, Entry, Known},
    values,
};
use crate::diagnostics::{self as say, Errors};

/// What `#[workflow(…)]` says.
#[derive(Default)]
pub struct WorkflowAttribute {
    pub id: Option<String>,
    pub version: Option<u32>,
    /// Milliseconds, and where they stand.
    pub timeout: Option<(u64, Span)>,
    pub retries: Option<u32>,
    pub retry_delay_ms: Option<u64>,
    pub concurrency: Option<u32>,
    pub schedule: Option<String>,
    pub allows_longest_path: bool,
    pub redact: Vec<String>,
}

impl WorkflowAttribute {
    pub fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let known = Known { what: "workflow", options: WORKFLOW, elsewhere: Some(("step", STEP)) };
        let mut attribute = Self::default();
        for entry in entries::parse(tokens, &known, errors) {
            attribute.read(&entry, errors);
        }
        attribute
    }

    fn read(&mut self, entry: &Entry, errors: &mut Errors) {
        match entry.name().as_str() {
            "version" => self.version = entry.count(errors),
            "timeout" => self.timeout = entry.duration(errors),
            "retries" => self.retries = entry.number(errors),
            "retry_delay" => self.retry_delay_ms = entry.duration(errors).map(|(ms, _)| ms),
            "concurrency" => self.concurrency = entry.count(errors),
            "id" => self.id = entry.stored_name(errors),
            "redact" => self.redact = entry.pointers(errors),
            "schedule" => self.schedule = schedule(entry, errors),
            _ => self.allows_longest_path = allow(entry, errors),
        }
    }
}

fn schedule(entry: &Entry, errors: &mut Errors) -> Option<String> {
    let literal = entry.text(errors)?;
    let fields = values::fields(&literal.value());
    if !matches!(fields, 5 | 6) {
        errors.on(&literal, say::not_a_schedule(fields));
    }
    Some(literal.value())
}

fn allow(entry: &Entry, errors: &mut Errors) -> bool {
    let Some(list) = entry.list() else {
        errors.on(&entry.key, say::NOT_ALLOW);
        return false;
    };
    let names = match Punctuated::<Ident, Token![,]>::parse_terminated.parse2(list.tokens.clone()) {
        Ok(names) => names,
        Err(e) => {
            errors.push(e);
            return false;
        }
    };
    for name in names.iter().filter(|n| *n != "longest_path") {
        errors.on(name, say::cannot_allow(&name.to_string()));
    }
    names.iter().any(|n| n == "longest_path")
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn every_option_is_read() {
        let mut errors = Errors::default();
        let a = WorkflowAttribute::parse(
            quote!(
                version = 2,
                timeout = "6m",
                retries = 3,
                retry_delay = "5s",
                concurrency = 1,
                id = "learn",
                allow(longest_path),
                schedule = "0 3 * * *"
            ),
            &mut errors,
        );
        assert_eq!(errors.texts(), Vec::<String>::new());
        assert_eq!((a.version, a.timeout.map(|t| t.0)), (Some(2), Some(360_000)));
        assert_eq!((a.retries, a.retry_delay_ms, a.concurrency), (Some(3), Some(5_000), Some(1)));
        assert_eq!((a.id.as_deref(), a.schedule.as_deref()), (Some("learn"), Some("0 3 * * *")));
        assert!(a.allows_longest_path);
    }

    #[test]
    fn wrong_ones_are_reported_at_once() {
        let mut errors = Errors::default();
        let tokens = quote!(version = 0, schedule = "daily", allow(all), allow, id = "2nd", gpu);
        WorkflowAttribute::parse(tokens, &mut errors);
        assert_eq!(errors.texts().len(), 6, "{:?}", errors.texts());
    }
}
