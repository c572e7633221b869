//! One run after the other, each under a worker that dies at another moment.

use std::{marker::PhantomData, time::Duration};

use tokio::time::{sleep, timeout};

use crate::{
    client::{Flow, Run, connect, start_encoded},
    payload::Json,
    store::{
        RunId, StoreError,
        death::{expire, lingers, tried_again},
        read::Ending,
    },
    traits::Workflow,
    worker::{Worker, children_of},
};

use super::{
    super::{Boundary, Clock, Counts, Database, Proxy, Side},
    Check, CrashError, CrashReport, CrashedRun, Equip, Survival,
};

/// How long a run may take in real time before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long to wait between two looks at what the dead left at the server.
const LOOK: Duration = Duration::from_millis(2);

pub(super) struct Trials<'d, W> {
    pub database: &'d Database,
    pub clock: Clock,
    /// Past the proxies.
    pub flow: Flow,
    pub input: Json,
    pub equip: Equip,
    pub check: Check,
    pub signals: Vec<(String, Json)>,
    pub workflow: PhantomData<fn() -> W>,
}

impl<W: Workflow> Trials<'_, W> {
    pub async fn all(&self) -> Result<CrashReport, CrashError> {
        let (commits, expected) = self.without_faults().await?;
        let mut runs = Vec::new();
        for commit in 1..=commits {
            for side in [Side::Request, Side::Answer] {
                let survival = self.trial(Boundary { number: commit, side }, &expected).await?;
                runs.push(CrashedRun { commit, side, survival });
            }
        }
        Ok(CrashReport { commits, runs })
    }

    /// How often a run commits whose worker lives, and how it ends.
    async fn without_faults(&self) -> Result<(u32, Ending), CrashError> {
        let proxy = Proxy::start(&self.database.options(), Counts::Commits, None)?;
        let flow = connect(proxy.url()).await?;
        let worker = self.spawn(&flow, "lives").await?;
        let run = self.start().await?;
        let ending = self.ending(&flow, run.id()).await?.ok_or(CrashError::Stuck(W::NAME))?;
        let commits = proxy.seen();
        worker.drain(PATIENCE).await;
        (self.check)(run.id()).await.map_err(CrashError::Check)?;
        Ok((commits, ending))
    }

    async fn trial(&self, at: Boundary, expected: &Ending) -> Result<Survival, CrashError> {
        let proxy = Proxy::start(&self.database.options(), Counts::Commits, Some(at))?;
        let flow = connect(proxy.url()).await?;
        let name = format!("dies at commit {} ({:?})", at.number, at.side);
        let worker = self.spawn(&flow, &name).await?;
        let run = self.start().await?;
        let dies = tokio::select! {
            biased;
            () = proxy.held() => true,
            ending = self.ending(&flow, run.id()) => ending?.is_none(),
        };
        if !dies {
            worker.drain(PATIENCE).await;
            return Ok(Survival::NotReached);
        }
        // its connections first, so that it cannot say farewell
        drop(proxy);
        drop(worker);
        self.bury(&name).await?;
        let heir = self.spawn(&self.flow, "takes over").await?;
        let ending = self.ending(&self.flow, run.id()).await?;
        heir.drain(PATIENCE).await;
        self.judge(run.id(), ending, expected).await
    }

    async fn judge(
        &self,
        run: RunId,
        ending: Option<Ending>,
        expected: &Ending,
    ) -> Result<Survival, CrashError> {
        let Some(ending) = ending else { return Ok(Survival::Stuck) };
        if ending != *expected {
            return Ok(Survival::Differs { expected: told(expected), found: told(&ending) });
        }
        let again = tried_again(&mut self.flow.client().await?, run).await?;
        if !again.is_empty() {
            return Ok(Survival::TriedAgain(again));
        }
        Ok((self.check)(run).await.map_or_else(Survival::Check, |()| Survival::Survived))
    }

    async fn spawn(&self, flow: &Flow, name: &str) -> Result<Worker, CrashError> {
        let spec = (W::SPEC)();
        let children = children_of(&[spec]);
        let served = children.iter().map(|child| child.id).chain([spec.id]);
        let worker = flow.worker().only(served).name(name).slots(1);
        Ok((self.equip)(worker).spawn().await?)
    }

    async fn start(&self) -> Result<Run<W>, CrashError> {
        let run = start_encoded::<W>(&self.flow, &self.input).await?;
        for (name, payload) in &self.signals {
            self.flow.signal_encoded(run.id(), name, payload, "test").await?;
        }
        Ok(run)
    }

    /// How a run ends, with time jumping over its waits; `None`: it does not.
    async fn ending(&self, flow: &Flow, run: RunId) -> Result<Option<Ending>, StoreError> {
        let run = flow.run::<W>(run);
        let ending = self.clock.auto_advance(run.ending());
        timeout(PATIENCE, ending).await.ok().transpose()
    }

    /// Waits until the server has done what the dead worker sent, and ends its lease.
    async fn bury(&self, worker: &str) -> Result<(), StoreError> {
        let mut connection = self.flow.client().await?;
        while lingers(&mut connection).await? {
            sleep(LOOK).await;
        }
        expire(&mut connection, worker).await
    }
}

fn told(ending: &Ending) -> String {
    match ending {
        Ending::Completed(output) => output.as_str().into(),
        Ending::Ended(state, failure) => format!("{state} ({failure})"),
    }
}
