//! What each role may do (`pgflow-core/grants.sql`), and that nobody's `search_path` lends anybody the rights of a worker.

use pgflow::{Fate, Flow, Queue, StepContext, step, workflow};
use sqlx::{ConnectOptions, Connection, PgConnection};

use crate::support::{Database, PATIENCE, worker, worker_with};

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("no")]
    No,
    #[error(transparent)]
    Step(#[from] pgflow::Failure),
    #[error(transparent)]
    Transaction(#[from] pgflow::TransactionError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

#[step(retry_delay = "5ms", retries = 1, concurrency = 3)]
async fn guarded(n: u32) -> Result<u32, Error> {
    match n {
        0 => {
            StepContext::current().cancelled().await;
            Ok(0)
        }
        13 => Err(Error::No),
        _ if StepContext::current().attempt() == 1 => Err(Error::No),
        _ => Ok(n),
    }
}

#[workflow(timeout = "1h")]
async fn guarded_flow(n: u32) -> Result<u32, Error> {
    let all = pgflow::map((0..3).map(|_| n).collect::<Vec<_>>(), guarded).await?;
    Ok(all.iter().sum())
}

/// Writes where the host's path leads.
#[step(transactional)]
async fn guarded_pay(n: u32) -> Result<u32, Error> {
    let context = StepContext::current();
    let mut transaction = context.transaction().await?;
    sqlx::query("insert into paid (n) values ($1)")
        .bind(n.cast_signed())
        .execute(&mut *transaction)
        .await?;
    Ok(n)
}

#[workflow(timeout = "1h")]
async fn guarded_payment(n: u32) -> Result<u32, Error> {
    let paid = guarded_pay(n).await?;
    pgflow::sleep(std::time::Duration::from_millis(1)).await;
    Ok(paid)
}

/// Makes the roles, and a login of each. Roles belong to the server, so they stay.
pub async fn grant(db: &Database) {
    let mut sql = db.sql().await;
    let grants = include_str!("../../pgflow-core/grants.sql");
    let logins = "do $$ declare r text; begin foreach r in array array['viewer', 'reader', 'client', 'worker'] loop \
        if to_regrole('pgflow_test_' || r) is null then \
          execute format('create role pgflow_test_%s login in role pgflow_%s', r, r, r); end if; end loop; end $$";
    let mut tx = sql.begin().await.unwrap();
    // this is what others of the server's tests must wait for
    sqlx::query("select pg_advisory_xact_lock(4711)").execute(&mut *tx).await.unwrap();
    sqlx::raw_sql(grants).execute(&mut *tx).await.unwrap();
    sqlx::raw_sql(logins).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn flow_of(db: &Database, role: &str) -> Flow {
    let options = db.options().username(&format!("pgflow_test_{role}"));
    pgflow::connect(options.to_url_lossy().as_str()).await.unwrap()
}

/// All that a client does.
async fn work(client: &Flow) {
    let run = client.start::<guarded_flow>(2).key("two").await.unwrap();
    assert_eq!(run.output().await.unwrap(), 6);
    assert_eq!(client.start::<guarded_flow>(2).key("two").await.unwrap().id(), run.id());
    let endless = client.start::<guarded_flow>(0).await.unwrap();
    assert!(client.pause(endless.id(), "a client").await.unwrap());
    assert!(client.resume(endless.id(), "a client").await.unwrap());
    assert!(endless.cancel("a client").await.unwrap());
    endless.output().await.unwrap_err();
    let failing = client.start::<guarded_flow>(13).await.unwrap();
    failing.output().await.unwrap_err();
    let again = client.retry(failing.id(), "a client").await.unwrap();
    assert!(client.run::<guarded_flow>(again).output().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_can_do_its_work_and_a_reader_can_write_nothing() {
    let db = Database::new().await;
    grant(&db).await;
    let (client, reader) = (flow_of(&db, "client").await, flow_of(&db, "reader").await);
    let worker = worker(&flow_of(&db, "worker").await, "guarded_flow").await;
    work(&client).await;
    let run = client.start::<guarded_flow>(5).await.unwrap();
    assert_eq!(reader.run::<guarded_flow>(run.id()).output().await.unwrap(), 15);
    assert!(reader.status(run.id()).await.unwrap().is_some());
    assert_eq!(reader.why(run.id()).await.unwrap()[0].code, "ended");
    assert!(reader.dump(run.id()).await.unwrap().is_some());
    assert_eq!(reader.logs(run.id()).await.unwrap(), []);
    let looked = "select count(*) from pgflow.look";
    assert_eq!(db.count(looked).await, 0, "a reader sees what is there and asks for no more");
    assert!(!reader.list(&pgflow::RunFilter::default(), 10).await.unwrap().is_empty());
    assert!(reader.start::<guarded_flow>(1).await.is_err());
    assert!(reader.cancel(run.id(), "a reader").await.is_err());
    assert!(client.worker().only(["guarded_flow"]).spawn().await.is_err());
    let writable = "select count(*) from pg_class where relnamespace = 'pgflow'::regnamespace and relkind = 'r' \
        and has_table_privilege('pgflow_test_reader', oid, 'insert, update, delete, truncate, references, trigger')";
    assert_eq!(db.count(writable).await, 0);
    let payloads = "select count(*) from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
        where c.relnamespace = 'pgflow'::regnamespace and (c.relkind = 'r' or a.attname in ('input', 'output', 'error', 'payload')) \
        and c.relkind in ('r', 'v') and has_column_privilege('pgflow_test_viewer', c.oid, a.attnum, 'select')";
    assert_eq!(db.count(payloads).await, 0, "a viewer sees views, which have no payloads");
    let views = "select count(*) from pg_class where relnamespace = 'pgflow'::regnamespace and relkind = 'v' \
        and not has_table_privilege('pgflow_test_viewer', oid, 'select')";
    assert_eq!(db.count(views).await, 0);
    let viewer = db.options().username("pgflow_test_viewer");
    let mut viewer = PgConnection::connect_with(&viewer).await.unwrap();
    let seen: i64 = sqlx::query_scalar("select count(*) from pgflow.runs")
        .fetch_one(&mut viewer)
        .await
        .unwrap();
    assert_ne!(seen, 0);
    let erasable = "select count(*) from unnest(array['worker', 'client']) r, unnest(array['run', 'attempt', 'audit', 'failure', 'migration']) t \
        where has_table_privilege('pgflow_test_' || r, 'pgflow.' || t, 'delete, truncate')";
    assert_eq!(db.count(erasable).await, 0);
    let mut sql = PgConnection::connect_with(reader.options()).await.unwrap();
    for forbidden in [
        "select pgflow.recover_1()",
        "update pgflow.run set output = '1'",
        "delete from pgflow.task",
        "select nextval('pgflow.worker_id')",
        "create table pgflow.mine (n int)",
        "create or replace function pgflow.clock() returns timestamptz language sql as 'select now()'",
    ] {
        let error = sqlx::query(forbidden).execute(&mut sql).await.unwrap_err();
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        assert_eq!(code.as_deref(), Some("42501"), "{forbidden}: {error}");
    }
    let forgotten = "select count(*) from pg_class where relnamespace = 'pgflow'::regnamespace and relkind = 'r' \
        and relname not in ('meta', 'migration') and not has_table_privilege('pgflow_test_worker', oid, 'insert')";
    assert_eq!(db.count(forgotten).await, 0, "a table without a line in grants.sql");
    worker.drain(PATIENCE).await;
    assert_ne!(db.count("select count(*) from pgflow.stats").await, 0);
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_may_make_no_queue_reads_its_owners() {
    let db = Database::new().await;
    db.flow().await.make_queue("guarded").await.unwrap();
    grant(&db).await;
    let (client, flow) = (flow_of(&db, "client").await, flow_of(&db, "worker").await);
    assert!(flow.make_queue("another").await.is_err());
    let trigger = Queue::named("guarded").starts::<guarded_flow>();
    let worker = worker_with(flow.worker().trigger(trigger), "guarded_flow").await;
    let id = client.send("guarded", &2_u32).await.unwrap();
    db.until("select count(*) from pgflow.run where state = 1", 1).await;
    let fate = client.message("guarded", id).await.unwrap().unwrap().fate;
    assert!(matches!(fate, Fate::Started { run: Some(_), .. }), "{fate:?}");
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_put_on_the_search_path_is_never_called() {
    let db = Database::new().await;
    // each fits better than what Postgres has, and would run with the caller's rights
    let traps = format!(
        "create schema trap; grant usage on schema trap to public; \
         create function trap.caught() returns int language plpgsql as 'begin raise exception ''caught''; end'; \
         create function trap.hashtextextended(text, int) returns bigint language sql as 'select trap.caught()::bigint'; \
         create function trap.times(bigint, interval) returns interval language sql as 'select trap.caught() * $2'; \
         create operator trap.* (function = trap.times, leftarg = bigint, rightarg = interval); \
         create function trap.times(numeric, int) returns numeric language sql as 'select trap.caught()::numeric'; \
         create operator trap.* (function = trap.times, leftarg = numeric, rightarg = int); \
         create function trap.joined(text, bigint) returns text language sql as 'select trap.caught()::text'; \
         create operator trap.|| (function = trap.joined, leftarg = text, rightarg = bigint); \
         create function trap.now() returns timestamptz language sql as 'select now() + trap.caught() * interval ''1 s'''; \
         create table trap.task (run_id bigint); create table trap.run (id bigint); \
         alter database {} set search_path = trap, pg_catalog, public",
        db.name()
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(traps)).execute(&mut db.sql().await).await.unwrap();
    let reached =
        sqlx::query("select 2::bigint * interval '1 s'").execute(&mut db.sql().await).await;
    assert!(reached.unwrap_err().to_string().contains("caught"), "the traps are set");
    let flow = db.flow().await;
    let worker = flow.worker().only(["guarded_flow", "guarded_payment"]).spawn().await.unwrap();
    work(&flow).await;
    within_the_hosts_transactions(&db, &flow).await;
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

/// A transactional step, and starts in transactions of the host: the host's path is for what is the host's.
async fn within_the_hosts_transactions(db: &Database, flow: &Flow) {
    let mut sql = db.sql().await;
    sqlx::raw_sql(
        "create table paid (n int); create table checked (n int); \
         create function check_paid() returns trigger language plpgsql as \
           'begin insert into checked select count(*) from paid; return null; end'; \
         create constraint trigger late after insert on paid deferrable initially deferred for each row execute function check_paid()",
    )
    .execute(&mut sql)
    .await
    .unwrap();
    assert_eq!(flow.start::<guarded_payment>(5).await.unwrap().output().await.unwrap(), 5);
    assert_eq!(db.count("select count(*) from checked").await, 1, "the trigger ran at the commit");

    let mut tx = sql.begin().await.unwrap();
    let session = path(&mut tx).await;
    let first = flow.start::<guarded_payment>(6).key("six").on(&mut tx).await.unwrap();
    assert_eq!(path(&mut tx).await, session);
    sqlx::query("set local search_path = 'public', 'trap'").execute(&mut *tx).await.unwrap();
    let again = flow.start::<guarded_payment>(6).key("six").on(&mut tx).await.unwrap();
    assert_eq!((again.id(), path(&mut tx).await.as_str()), (first.id(), "public, trap"));
    // one that fails, in a part of the transaction that goes back
    let mut part = tx.begin().await.unwrap();
    sqlx::query("set local transaction_read_only = on").execute(&mut *part).await.unwrap();
    assert!(flow.start::<guarded_payment>(7).on(&mut part).await.is_err());
    part.rollback().await.unwrap();
    assert_eq!(path(&mut tx).await, "public, trap");
    tx.commit().await.unwrap();
    assert_eq!(path(&mut sql).await, session);
    assert_eq!(first.output().await.unwrap(), 6);

    // each statement is a transaction of its own there
    let alone = flow.start::<guarded_payment>(8).on(&mut sql).await.unwrap();
    assert_eq!(path(&mut sql).await, session);
    assert_eq!(alone.output().await.unwrap(), 8);
}

async fn path(sql: &mut PgConnection) -> String {
    sqlx::query_scalar("show search_path").fetch_one(sql).await.unwrap()
}
