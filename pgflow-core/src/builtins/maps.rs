//! `pgflow::map` in a plain call: one element after the other.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use crate::{failure::Failure, record, traits::Tolerable};

/// One task per element; the outputs in input order. A plain call runs one after the other and stops at the first error.
pub fn map<I, F, Fut, O, E>(items: I, step: F) -> Map<I::IntoIter, F, Fut, O>
where
    I: IntoIterator,
    F: Fn(I::Item) -> Fut,
    Fut: Future<Output = Result<O, E>>,
{
    Map { items: items.into_iter(), step, running: None, outputs: Vec::new() }
}

/// The elements under way, made by [`map`](fn@map).
#[must_use = "nothing runs before `.await`"]
pub struct Map<I, F, Fut, O> {
    items: I,
    step: F,
    running: Option<Pin<Box<Fut>>>,
    outputs: Vec<O>,
}

/// A map that may lose elements, made by [`Map::at_least`].
#[must_use = "nothing runs before `.await`"]
pub struct PartialMap<I, F, Fut, O, E> {
    map: Map<I, F, Fut, Result<O, E>>,
    share: f64,
    text: fn(&E) -> String,
    revive: fn(Failure) -> E,
}

impl<I, F, Fut, O, E> Map<I, F, Fut, O>
where
    Fut: Future<Output = Result<O, E>>,
{
    /// So many elements under way at once, in the run; a constant. A plain call runs one at a time. The limit is tuning: another
    /// one, or none, under the same version counts for maps that begin after it.
    pub fn limit(self, elements: u32) -> Self {
        let _ = elements;
        self
    }

    /// Goes on where elements fail for good, as long as this share of them succeeds, from 0.0 to 1.0; a constant. The
    /// value is a list of results.
    pub fn at_least(self, share: f64) -> PartialMap<I, F, Fut, O, E>
    where
        E: Tolerable + fmt::Display,
    {
        let Self { items, step, running, .. } = self;
        let map = Map { items, step, running, outputs: Vec::new() };
        PartialMap { map, share, text: E::to_string, revive: E::from_failure }
    }
}

impl<I, F, Fut, O, E> PartialMap<I, F, Fut, O, E> {
    /// The same as [`Map::limit`].
    pub fn limit(self, elements: u32) -> Self {
        let _ = elements;
        self
    }
}

impl<I: Iterator, F: Fn(I::Item) -> Fut, Fut: Future, O> Map<I, F, Fut, O> {
    /// What the next element comes to; nothing after the last.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Fut::Output>> {
        if self.running.is_none() {
            let Some(item) = self.items.next() else { return Poll::Ready(None) };
            self.running = Some(Box::pin((self.step)(item)));
        }
        let Some(running) = &mut self.running else { return Poll::Ready(None) };
        let output = ready!(running.as_mut().poll(context));
        self.running = None;
        Poll::Ready(Some(output))
    }
}

// nothing in them is pinned but the boxed call
impl<I, F, Fut, O> Unpin for Map<I, F, Fut, O> {}
impl<I, F, Fut, O, E> Unpin for PartialMap<I, F, Fut, O, E> {}

impl<I, F, Fut, O, E> Future for Map<I, F, Fut, O>
where
    I: Iterator,
    F: Fn(I::Item) -> Fut,
    Fut: Future<Output = Result<O, E>>,
{
    type Output = Result<Vec<O>, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        while let Some(result) = ready!(self.poll_next(context)) {
            match result {
                Ok(output) => self.outputs.push(output),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(std::mem::take(&mut self.outputs)))
    }
}

impl<I, F, Fut, O, E> Future for PartialMap<I, F, Fut, O, E>
where
    I: Iterator,
    F: Fn(I::Item) -> Fut,
    Fut: Future<Output = Result<O, E>>,
{
    type Output = Result<Vec<Result<O, E>>, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        while let Some(result) = ready!(self.map.poll_next(context)) {
            self.map.outputs.push(result);
        }
        let results = std::mem::take(&mut self.map.outputs);
        let done = results.iter().filter(|result| result.is_ok()).count();
        let first = results.iter().find_map(|result| result.as_ref().err());
        let first = first.map_or_else(String::new, self.text);
        Poll::Ready(match record::too_few("map", done, results.len(), self.share, &first) {
            None => Ok(results),
            Some(failure) => Err((self.revive)(failure)),
        })
    }
}

impl<I, F, Fut, O> fmt::Debug for Map<I, F, Fut, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").field("done", &self.outputs.len()).finish_non_exhaustive()
    }
}

impl<I, F, Fut, O, E> fmt::Debug for PartialMap<I, F, Fut, O, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartialMap").field("share", &self.share).finish_non_exhaustive()
    }
}
