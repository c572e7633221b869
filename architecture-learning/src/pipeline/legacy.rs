//! The pipeline as it was: the same five functions, one after the other in the handler of a queue consumer. Nothing is
//! kept between them; a message that fails begins anew when it shows again.

use std::sync::Arc;

use pgflow::StepContext;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    LearningJob, Message, Registry, STEPS, Validator, model_deployment, model_training,
    model_validation, pattern_analysis, pattern_discovery,
};
use crate::broadway::{BoxError, Handler};
use crate::model::Device;
use crate::{DataDir, LearningError};

/// How many messages may be at each of [`STEPS`] at once; the original declared it and never kept it.
const STAGES: [usize; STEPS.len()] = [2, 3, 1, 2, 1];

/// The step that failed a message.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {source}")]
struct StepFailed {
    step: &'static str,
    source: LearningError,
}

fn failed(step: usize) -> impl FnOnce(LearningError) -> StepFailed {
    move |source| StepFailed { step: STEPS[step], source }
}

/// What handles a message in legacy mode.
#[derive(Clone, Debug)]
pub(super) struct Stages {
    pub data: DataDir,
    pub registry: Registry,
    pub validator: Validator,
    pub device: Device,
    limits: Arc<[Semaphore; STEPS.len()]>,
}

impl Stages {
    pub fn new(data: DataDir, registry: Registry, validator: Validator, device: Device) -> Self {
        Self { data, registry, validator, device, limits: Arc::new(STAGES.map(Semaphore::new)) }
    }

    async fn run(&self, job: LearningJob) -> Result<(), StepFailed> {
        let mut found = Vec::new();
        for codebase in job.codebases {
            let _stage = self.stage(0).await;
            found.push(pattern_discovery(codebase).await.map_err(failed(0))?);
        }
        let stage = self.stage(1).await;
        let analysis = pattern_analysis(found).await.map_err(failed(1))?;
        drop(stage);
        let stage = self.stage(2).await;
        let model = model_training(analysis, job.device).await.map_err(failed(2))?;
        drop(stage);
        let stage = self.stage(3).await;
        let report = model_validation(model.clone()).await.map_err(failed(3))?;
        drop(stage);
        let _stage = self.stage(4).await;
        model_deployment(model, report).await.map_err(failed(4))?;
        Ok(())
    }

    /// `None` never comes: nobody closes these.
    async fn stage(&self, number: usize) -> Option<SemaphorePermit<'_>> {
        self.limits[number].acquire().await.ok()
    }
}

impl Handler for Stages {
    async fn handle(&self, body: serde_json::Value) -> Result<(), BoxError> {
        let message: Message = serde_json::from_value(body)?;
        let job = message.job(self.device.clone())?;
        let context = StepContext::current().with_state(self.registry.clone());
        let context = context.with_state(self.validator.clone()).with_state(self.data.clone());
        // five steps in one future, moved from call to call, are too much for a thread's stack
        Ok(context.scope(Box::pin(self.run(job))).await?)
    }
}
