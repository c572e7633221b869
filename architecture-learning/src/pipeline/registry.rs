//! Which models there were and which one serves, in Postgres. A promotion is one transaction behind the lock of the
//! champion's only row, keyed by the artifact's hash; the pointer file that `classify` reads follows after its commit.

use pgflow::Flow;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::champion::Champion;
use crate::deployment::Artifact;
use crate::deployment::gate::{self, Decision};
use crate::training::TrainedModel;
use crate::validation::{Report, compare};
use crate::{DataDir, LearningError};

/// In order; each may run again.
const MIGRATIONS: [&str; 2] = [
    include_str!("../../migrations/0001_registry.sql"),
    include_str!("../../migrations/0002_ensemble.sql"),
];

/// Host state: the registry of models in the database of runs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Registry {
    pool: PgPool,
    /// Keeps the private server up where nobody else does.
    _flow: Option<Flow>,
}

/// A model that was decided on.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its artifact.
    pub artifact: String,
    /// What it scored.
    pub report: Report,
    /// What was decided, and why.
    pub decision: Decision,
    /// Whether it serves.
    pub serves: bool,
}

impl Registry {
    /// The registry in the database of `flow`; makes its schema `architecture_learning` where that is missing.
    ///
    /// # Errors
    /// [`LearningError::Registry`] when the database does not answer or may not be changed.
    pub async fn open(flow: &Flow) -> Result<Self, LearningError> {
        let pool =
            PgPoolOptions::new().max_connections(2).connect_lazy_with(flow.options().clone());
        let registry = Self { pool, _flow: None };
        let mut transaction = registry.begin().await?;
        let seen: i32 = sqlx::query_scalar(include_str!("../../sql/count_migrations.sql"))
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed("look for its tables"))?;
        for migration in MIGRATIONS.into_iter().skip(usize::try_from(seen).unwrap_or(0)) {
            sqlx::raw_sql(migration)
                .execute(&mut *transaction)
                .await
                .map_err(failed("make its tables"))?;
        }
        transaction.commit().await.map_err(failed("make its tables"))?;
        Ok(registry)
    }

    /// Decides on an artifact against the champion of this moment, and lets it serve or not. A repeat finds its own
    /// decision, and brings the pointer file of `data` up to date.
    ///
    /// # Errors
    /// [`LearningError::Registry`] when the database does not answer; when files cannot be read or written.
    ///
    /// # Cancellation
    /// Dropping the future decides nothing, or leaves a decision that a repeat finds.
    pub async fn promote(
        &self,
        data: &DataDir,
        trained: &TrainedModel,
        report: &Report,
        artifact: &Artifact,
    ) -> Result<Decision, LearningError> {
        let mut transaction = self.begin().await?;
        let champion = lock_champion(&mut transaction).await?;
        let known = find_decision(&mut transaction, &artifact.hash).await?;
        let decision = if let Some(known) = known {
            known
        } else {
            let report = against(champion, data, trained, report).await?;
            let decision = gate::decide(&report, artifact.files);
            insert_model(&mut transaction, artifact, &report, &decision).await?;
            if decision.promoted {
                set_champion(&mut transaction, &artifact.hash).await?;
            }
            decision
        };
        transaction.commit().await.map_err(failed("commit a decision"))?;
        self.point(data).await?;
        Ok(decision)
    }

    /// The registry that `learn` uses, on `DATABASE_URL` or the user's private server.
    ///
    /// # Errors
    /// [`LearningError::Engine`] when there is no database, [`LearningError::Registry`] when it may not be changed.
    pub async fn from_env() -> Result<Self, LearningError> {
        let flow = pgflow::from_env().await.map_err(|source| LearningError::Engine {
            doing: "open the database of models",
            source: Box::new(source),
        })?;
        let registry = Self::open(&flow).await?;
        Ok(Self { _flow: Some(flow), ..registry })
    }

    /// All models that were ever decided on, the newest first.
    ///
    /// # Errors
    /// [`LearningError::Registry`] when the database does not answer.
    pub async fn models(&self) -> Result<Vec<Model>, LearningError> {
        let rows: Vec<(String, String, String, bool)> =
            sqlx::query_as(include_str!("../../sql/list_models.sql"))
                .fetch_all(&self.pool)
                .await
                .map_err(failed("list models"))?;
        let model = |(artifact, report, decision, serves): (String, String, String, bool)| {
            let (report, decision) = (from_json(&report)?, from_json(&decision)?);
            Ok(Model { artifact, report, decision, serves })
        };
        rows.into_iter().map(model).collect()
    }

    /// Lets a model serve that the rule promoted once, by the beginning of its artifact's name.
    ///
    /// # Errors
    /// [`LearningError::NoModel`] when there is not exactly one, [`LearningError::Refused`] when the rule refused it.
    ///
    /// # Cancellation
    /// Dropping the future changes nothing, or leaves a choice that [`Registry::rollback`] can undo.
    pub async fn serve(&self, data: &DataDir, name: &str) -> Result<String, LearningError> {
        let models = self.models().await?;
        let mut fits = models.into_iter().filter(|m| m.artifact.starts_with(name));
        let (Some(model), None) = (fits.next(), fits.next()) else {
            return Err(LearningError::NoModel { name: name.to_owned() });
        };
        if !model.decision.promoted {
            let reasons = model.decision.reasons.join("; ");
            return Err(LearningError::Refused { artifact: model.artifact, reasons });
        }
        let mut transaction = self.begin().await?;
        lock_champion(&mut transaction).await?;
        set_champion(&mut transaction, &model.artifact).await?;
        transaction.commit().await.map_err(failed("commit a choice"))?;
        self.point(data).await?;
        Ok(model.artifact)
    }

    /// Lets the model serve that was promoted before the one that does.
    ///
    /// # Errors
    /// [`LearningError::NoModel`] when there is none, [`LearningError::Registry`] when the database does not answer.
    ///
    /// # Cancellation
    /// As of [`Registry::serve`].
    pub async fn rollback(&self, data: &DataDir) -> Result<String, LearningError> {
        let mut transaction = self.begin().await?;
        lock_champion(&mut transaction).await?;
        let earlier: Option<String> =
            sqlx::query_scalar(include_str!("../../sql/find_earlier.sql"))
                .fetch_optional(&mut *transaction)
                .await
                .map_err(failed("look for an earlier model"))?;
        let earlier =
            earlier.ok_or_else(|| LearningError::NoModel { name: "earlier".to_owned() })?;
        set_champion(&mut transaction, &earlier).await?;
        transaction.commit().await.map_err(failed("commit a choice"))?;
        self.point(data).await?;
        Ok(earlier)
    }

    /// Writes the pointer file of `data`, where that has the champion's artifact.
    async fn point(&self, data: &DataDir) -> Result<(), LearningError> {
        let mut transaction = self.begin().await?;
        lock_champion(&mut transaction).await?;
        let champion = read_champion(&mut transaction).await?;
        if let Some(champion) = champion.filter(|c| data.artifact(&c.artifact).is_dir())
            && Champion::read(data).ok().flatten().as_ref() != Some(&champion)
        {
            champion.write(data)?;
        }
        transaction.commit().await.map_err(failed("let go of the champion"))
    }

    async fn begin(&self) -> Result<Transaction<'static, Postgres>, LearningError> {
        self.pool.begin().await.map_err(failed("begin a transaction"))
    }
}

fn failed(doing: &'static str) -> impl FnOnce(sqlx::Error) -> LearningError {
    move |source| LearningError::Registry { doing, source: Box::new(source) }
}

/// The report on `trained` beside the champion of now: scored again on the same test owners where another one has begun to
/// serve since. A champion whose files are not here cannot be scored, nor serve: the report stays as it is.
async fn against(
    champion: Option<String>,
    data: &DataDir,
    trained: &TrainedModel,
    report: &Report,
) -> Result<Report, LearningError> {
    let here = champion.filter(|artifact| data.artifact(artifact).is_dir());
    if here.is_none() || here == report.champion {
        return Ok(report.clone());
    }
    let (data, trained, verified) = (data.clone(), trained.clone(), report.verified);
    let compared = move || compare(&data, &trained, here.as_deref());
    let compared = tokio::task::spawn_blocking(compared).await;
    let compared = compared.map_err(|source| LearningError::Engine {
        doing: "score beside the new champion",
        source: Box::new(source),
    })??;
    Ok(Report { verified: verified && compared.verified, ..compared })
}

async fn lock_champion(connection: &mut PgConnection) -> Result<Option<String>, LearningError> {
    let sql = include_str!("../../sql/lock_champion.sql");
    sqlx::query_scalar(sql).fetch_one(connection).await.map_err(failed("lock the champion"))
}

async fn find_decision(
    connection: &mut PgConnection,
    artifact: &str,
) -> Result<Option<Decision>, LearningError> {
    let sql = include_str!("../../sql/find_decision.sql");
    let found: Option<String> = sqlx::query_scalar(sql)
        .bind(artifact)
        .fetch_optional(connection)
        .await
        .map_err(failed("look for a decision"))?;
    found.map(|text| from_json(&text)).transpose()
}

async fn insert_model(
    connection: &mut PgConnection,
    artifact: &Artifact,
    report: &Report,
    decision: &Decision,
) -> Result<(), LearningError> {
    sqlx::query(include_str!("../../sql/insert_model.sql"))
        .bind(&artifact.hash)
        .bind(&report.dataset)
        .bind(report.kind.name())
        .bind(to_json(report)?)
        .bind(to_json(decision)?)
        .execute(connection)
        .await
        .map_err(failed("write a decision"))?;
    Ok(())
}

async fn set_champion(connection: &mut PgConnection, artifact: &str) -> Result<(), LearningError> {
    sqlx::query(include_str!("../../sql/set_champion.sql"))
        .bind(artifact)
        .execute(connection)
        .await
        .map_err(failed("set the champion"))?;
    Ok(())
}

async fn read_champion(connection: &mut PgConnection) -> Result<Option<Champion>, LearningError> {
    let row: Option<(String, String, i64)> =
        sqlx::query_as(include_str!("../../sql/read_champion.sql"))
            .fetch_optional(connection)
            .await
            .map_err(failed("read the champion"))?;
    let Some((artifact, metrics, promoted_at)) = row else { return Ok(None) };
    let report: Report = from_json(&metrics)?;
    let promoted_at = u64::try_from(promoted_at).unwrap_or_default();
    let macro_f1 = report.ours().map_or(0.0, |s| s.macro_f1.value);
    Ok(Some(Champion { artifact, candidate: report.candidate, macro_f1, promoted_at }))
}

fn to_json(value: &impl serde::Serialize) -> Result<String, LearningError> {
    serde_json::to_string(value).map_err(unreadable)
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, LearningError> {
    serde_json::from_str(text).map_err(unreadable)
}

fn unreadable(source: serde_json::Error) -> LearningError {
    LearningError::Engine { doing: "read or write a row of the registry", source: Box::new(source) }
}
