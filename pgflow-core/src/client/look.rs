//! What people look at beside the status of a run.

use std::time::Duration;

use crate::{
    definition::Definition,
    payload::Json,
    redact,
    store::{
        RunId, StoreError,
        audit::{self, Audit},
        load::{self, LastHour, Load},
        log::{self, AttemptLog},
        look::{self, NodeView, RunFilter, RunLine},
        read::Ending,
        repeat,
        why::{self, Reason},
    },
};

use super::Flow;

impl Flow {
    /// Every reason why a run is not further along, most telling first; none: there is no such run.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn why(&self, run: RunId) -> Result<Vec<Reason>, StoreError> {
        why::why(&mut self.client().await?, run).await
    }

    /// Waits for a run to end, whatever its workflow; for ever where there is no such run.
    ///
    /// # Errors
    /// [`StoreError`].
    ///
    /// # Cancellation
    /// Dropping the future does nothing to the run.
    pub async fn ending(&self, run: RunId) -> Result<Ending, StoreError> {
        self.hub().ending(run).await
    }

    /// Runs, newest first; of live runs the newest 10,000 are looked at.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, filter: &RunFilter, most: u32) -> Result<Vec<RunLine>, StoreError> {
        look::list(&mut self.client().await?, filter, most).await
    }

    /// The nodes of a run that have begun; a map is one, with counts.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn nodes(&self, run: RunId) -> Result<Vec<NodeView>, StoreError> {
        look::nodes(&mut self.client().await?, run).await
    }

    /// The last log lines of a run's attempts, of the hundred that were written down last, oldest first. Workers whose
    /// subscriber has the layer `logs()` write them down when an attempt fails; those of a live run that is looked at also
    /// with their heartbeat, every three seconds, for half a minute after this was called.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn logs(&self, run: RunId) -> Result<Vec<AttemptLog>, StoreError> {
        let mut connection = self.client().await?;
        if let Err(error) = log::look(&mut connection, run).await {
            // a reader sees what is there
            if error.source.as_database_error().is_none() {
                return Err(error);
            }
        }
        log::read(&mut connection, run).await
    }

    /// The runs that were started under this key, with their workflows: one per workflow at most.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, key: &str) -> Result<Vec<(String, RunId)>, StoreError> {
        look::find(&mut self.client().await?, key).await
    }

    /// What people did to a run, the oldest first, up to a thousand. In SQL: the view `pgflow.audits`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audits(&self, run: RunId) -> Result<Vec<Audit>, StoreError> {
        audit::audits(&mut self.client().await?, run).await
    }

    /// All that is stored of a run, as one JSON object, without what `redact` hides; `None`: there is no such run.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn dump(&self, run: RunId) -> Result<Option<Json>, StoreError> {
        Ok(look::dump(&mut self.client().await?, run).await?.map(redact::dump))
    }

    /// All workflows that have been registered, with their versions, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn workflows(&self) -> Result<Vec<(String, Vec<u32>)>, StoreError> {
        look::workflows(&mut self.client().await?).await
    }

    /// The stored definition of a version, the newest unless said otherwise; `None`: it is not there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn definition(
        &self,
        workflow: &str,
        version: Option<u32>,
    ) -> Result<Option<Definition>, StoreError> {
        let stored = look::find_version(&mut self.client().await?, workflow, version).await?;
        Ok(stored.map(|stored| stored.definition))
    }

    /// The definition that a run follows; `None`: there is no such run.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn definition_of(&self, run: RunId) -> Result<Option<Definition>, StoreError> {
        Ok(repeat::plan(&mut self.client().await?, run).await?.map(|plan| plan.definition))
    }

    /// How much there is to do in the whole database, and who is there to do it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn load(&self) -> Result<Load, StoreError> {
        load::load(&mut self.client().await?).await
    }

    /// How the last hour went: runs that ended, and what was done at each node.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn last_hour(&self) -> Result<LastHour, StoreError> {
        load::last_hour(&mut self.client().await?).await
    }

    /// How many runs [`prune`](Flow::prune) would remove, up to a limit.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_old(&self, age: Duration, most: u32) -> Result<u64, StoreError> {
        look::old(&mut self.client().await?, age, most).await
    }
}
