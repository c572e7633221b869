//! The registry of models in Postgres.

use architecture_learning::LearningError;
use architecture_learning::champion::Champion;
use architecture_learning::deployment::publish;
use architecture_learning::observer::Unobserved;
use architecture_learning::pipeline::Registry;
use architecture_learning::training::train;
use architecture_learning::validation::{Report, validate};

use crate::support::{CPU, Database, Scratch, prepared, small, trained};

/// A few files calibrate badly; the rule has tests of its own.
fn calibrated(mut report: Report) -> Report {
    report.scores.values_mut().for_each(|s| s.calibration_error = 0.01);
    report
}

#[tokio::test]
async fn a_promotion_is_decided_once_against_the_champion_of_its_moment() {
    let (scratch, database) = (Scratch::new("registry"), Database::new("registry").await);
    let data = scratch.data();
    let flow = pgflow::connect(&database.url()).await.expect("a flow");
    let (one, other) = tokio::join!(Registry::open(&flow), Registry::open(&flow));
    let (one, other) = (one.expect("a registry"), other.expect("the same registry"));

    let analysis = prepared(&scratch);
    let model = trained(&scratch, &analysis, &mut Unobserved).expect("a model");
    let report = calibrated(validate(&data, &model).expect("a report"));
    let artifact = publish(&data, &model, &report).expect("an artifact");
    let (a, b) = tokio::join!(
        one.promote(&data, &model, &report, &artifact),
        other.promote(&data, &model, &report, &artifact),
    );
    let (a, b) = (a.expect("a decision"), b.expect("the same decision"));
    assert!(a.promoted, "{a:#?}");
    assert_eq!(a, b);
    let models = "select count(*) from architecture_learning.model";
    assert_eq!(database.count(models).await, 1);
    let pointer = Champion::read(&data).expect("a pointer").expect("a champion");
    assert_eq!((&pointer.artifact, &pointer.candidate), (&artifact.hash, &model.candidate));

    let again = validate(&data, &model).expect("a report");
    let again = publish(&data, &model, &again).expect("an artifact").hash;
    assert_eq!(again, artifact.hash, "the champion is not compared with itself");

    std::fs::remove_dir_all(scratch.path("data/registry")).expect("a lost pointer");
    // decided without the pointer file, as if validation had looked before the first model was promoted
    let mut settings = small();
    settings.network.seed += 1;
    let later = train(&data, &analysis, &CPU, &settings, &mut Unobserved).expect("a model");
    let report = calibrated(validate(&data, &later).expect("a report"));
    assert_eq!(report.champion, None);
    let challenger = publish(&data, &later, &report).expect("an artifact");
    let decision = one.promote(&data, &later, &report, &challenger).await.expect("a decision");
    let against = decision.reasons.iter().any(|r| r.contains("against champion"));
    assert!(against, "{decision:#?}");
    assert!(!decision.promoted, "the calibration is the measured one again");
    assert_eq!(Champion::read(&data).expect("repaired"), Some(pointer));
    let champions = "select count(*) from architecture_learning.champion c \
                     join architecture_learning.model m using (artifact)";
    assert_eq!((database.count(models).await, database.count(champions).await), (2, 1));

    let short = artifact.hash.get(..10).expect("a hash");
    assert_eq!(one.serve(&data, short).await.expect("serves"), artifact.hash);
    let refused = one.serve(&data, &challenger.hash).await;
    assert!(matches!(&refused, Err(LearningError::Refused { .. })), "{refused:?}");
    assert!(matches!(one.serve(&data, "no").await, Err(LearningError::NoModel { .. })));
    let nothing = one.rollback(&data).await;
    assert!(matches!(nothing, Err(LearningError::NoModel { .. })), "{nothing:?}");
    // as if the rule had promoted the later one
    let promoted = "with changed as (update architecture_learning.model \
                    set decision = jsonb_set(decision, '{promoted}', 'true') returning 1) \
                    select count(*) from changed";
    assert_eq!(database.count(promoted).await, 2);
    assert_eq!(one.serve(&data, &challenger.hash).await.expect("serves"), challenger.hash);
    let pointer = |data| Champion::read(data).expect("a pointer").map(|c| c.artifact);
    assert_eq!(pointer(&data).as_ref(), Some(&challenger.hash));
    assert_eq!(one.rollback(&data).await.expect("serves again"), artifact.hash);
    assert_eq!(pointer(&data).as_ref(), Some(&artifact.hash));
    let models = one.models().await.expect("models");
    let serving: Vec<_> = models.iter().filter(|m| m.serves).map(|m| &m.artifact).collect();
    assert_eq!((models.len(), serving), (2, vec![&artifact.hash]));
    drop((one, other, flow));
    database.drop().await;
}

#[tokio::test]
async fn a_registry_that_an_earlier_program_made_takes_all_kinds_of_models() {
    let database = Database::new("registry_earlier").await;
    database.execute(include_str!("../../migrations/0001_registry.sql")).await;
    let insert =
        "insert into architecture_learning.model (artifact, dataset, kind, metrics, decision)
                  values (repeat('0', 64), 'd', 'ensemble', '{}', '{\"promoted\": false}')";
    let flow = pgflow::connect(&database.url()).await.expect("a flow");
    for _ in 0..2 {
        Registry::open(&flow).await.expect("a registry");
    }
    database.execute(insert).await;
    let models = "select count(*) from architecture_learning.model where kind = 'ensemble'";
    assert_eq!(database.count(models).await, 1);
    drop(flow);
    database.drop().await;
}
