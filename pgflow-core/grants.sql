-- What a worker, a client, a reader and a viewer may do. Run it as the owner of the schema, after the first start and after every
-- migration (`psql --file grants.sql DATABASE`), and grant the roles to logins: `grant pgflow_client to web`.
--
-- All functions run with their caller's rights, so these tables are all there is to it. None of them may migrate, and
-- none may delete what has happened.
--
-- A reader sees all that is stored: inputs and outputs, also what `redact` hides from commands and views. A viewer sees the
-- views alone, which have no inputs or outputs, for dashboards and for people who must not see payloads.
do $$ begin
  if to_regrole('pgflow_reader') is null then create role pgflow_reader nologin; end if;
  if to_regrole('pgflow_viewer') is null then create role pgflow_viewer nologin; end if;
  if to_regrole('pgflow_client') is null then create role pgflow_client nologin; end if;
  if to_regrole('pgflow_worker') is null then create role pgflow_worker nologin; end if;
end $$;

grant usage on schema pgflow to pgflow_viewer, pgflow_reader, pgflow_client, pgflow_worker;
grant select on all tables in schema pgflow to pgflow_reader, pgflow_client, pgflow_worker;

do $$ declare v text; begin
  for v in select viewname from pg_views where schemaname = 'pgflow' loop
    execute format('grant select on pgflow.%I to pgflow_viewer', v);
  end loop;
end $$;

-- Starting, cancelling, pausing, signalling and repeating runs; whoever starts a run registers its workflow.
grant insert on pgflow.run, pgflow.run_key, pgflow.task, pgflow.attempt, pgflow.failure, pgflow.signal, pgflow.pause,
  pgflow.audit, pgflow.workflow, pgflow.node, pgflow.queue, pgflow.pool, pgflow.slot to pgflow_client, pgflow_worker;
grant update on pgflow.run, pgflow.run_key, pgflow.task, pgflow.workflow, pgflow.pool, pgflow.slot
  to pgflow_client, pgflow_worker;
grant update (idle) on pgflow.worker to pgflow_client;
grant delete on pgflow.task, pgflow.slot, pgflow.pause to pgflow_client, pgflow_worker;
grant usage on sequence pgflow.run_id_seq to pgflow_client, pgflow_worker;

-- Looking at the log lines of a live run; a reader sees those of failures, and what others look at.
grant insert, update, delete on pgflow.look to pgflow_client, pgflow_worker;

-- Leases, recovery, progress, log lines, schedules, cached results, counts, alerts. The vacuum of pgflow.task is its owner's: without it autovacuum does the work.
grant insert, update, delete on pgflow.worker, pgflow.progress to pgflow_worker;
grant insert, update on pgflow.schedule, pgflow.cache, pgflow.stats, pgflow.alert, pgflow.log to pgflow_worker;
grant update (deadline_cursor, alerts_at) on pgflow.meta to pgflow_worker;
grant usage on sequence pgflow.worker_id to pgflow_worker;

-- Triggers, and sending to queues. A queue is made by its owner, who grants again after making one.
grant insert on pgflow.message to pgflow_worker;
do $$ begin
  if to_regnamespace('pgmq') is not null then
    grant usage on schema pgmq to pgflow_client, pgflow_worker;
    grant select, insert on all tables in schema pgmq to pgflow_client, pgflow_worker;
    grant update, delete on all tables in schema pgmq to pgflow_worker;
  end if;
end $$;
