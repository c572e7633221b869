-- The part of PGMQ that pgflow uses, for servers without the extension: its names, columns and meanings, so that other
-- programs use the same queues, and the extension can take their place. Run once, under the lock of the migrations.
-- Absent on purpose: partitions, unlogged queues, topics, groups, polling reads, conditions.

create schema pgmq;
comment on schema pgmq is 'the subset of PGMQ that pgflow installs where the extension is absent';

create table pgmq.meta (
  queue_name     varchar primary key,
  is_partitioned boolean not null default false,
  is_unlogged    boolean not null default false,
  created_at     timestamptz not null default now()
);

create type pgmq.message_record as (
  msg_id bigint, read_ct int, enqueued_at timestamptz, last_read_at timestamptz, vt timestamptz, message jsonb, headers jsonb);
create type pgmq.queue_record as (
  queue_name varchar, is_partitioned boolean, is_unlogged boolean, created_at timestamptz);
create type pgmq.metrics_result as (
  queue_name text, queue_length bigint, newest_msg_age_sec int, oldest_msg_age_sec int, total_messages bigint,
  scrape_time timestamptz, queue_visible_length bigint);

-- The name of a queue's table (prefix q) or of its archive (prefix a).
create function pgmq.format_table_name(queue_name text, prefix text) returns text language plpgsql immutable as $$
begin
  if queue_name ~ '\$|;|--|''' or length(queue_name) > 47 then
    raise exception 'a queue name has at most 47 characters, and none of $ ; -- '' in it: %', queue_name;
  end if;
  return lower(prefix || '_' || queue_name);
end $$;

create function pgmq.create(queue_name text) returns void language plpgsql as $$
declare
  live text := pgmq.format_table_name(queue_name, 'q');
  past text := pgmq.format_table_name(queue_name, 'a');
begin
  perform pg_advisory_xact_lock(hashtextextended('pgmq.' || live, 0));
  if to_regclass('pgmq.' || quote_ident(live)) is null then
    execute format('create table pgmq.%I (
      msg_id bigint primary key generated always as identity, read_ct int not null default 0,
      enqueued_at timestamptz not null default now(), last_read_at timestamptz, vt timestamptz not null,
      message jsonb, headers jsonb)', live);
    execute format('create index %I on pgmq.%I (vt)', live || '_vt_idx', live);
    execute format('create table pgmq.%I (
      msg_id bigint primary key, read_ct int not null default 0, enqueued_at timestamptz not null default now(),
      last_read_at timestamptz, archived_at timestamptz not null default now(), vt timestamptz not null,
      message jsonb, headers jsonb)', past);
    execute format('create index %I on pgmq.%I (archived_at)', past || '_archived_at_idx', past);
  end if;
  insert into pgmq.meta (queue_name) values ($1) on conflict do nothing;
end $$;

create function pgmq.drop_queue(queue_name text) returns boolean language plpgsql as $$
begin
  execute format('drop table if exists pgmq.%I', pgmq.format_table_name($1, 'q'));
  execute format('drop table if exists pgmq.%I', pgmq.format_table_name($1, 'a'));
  delete from pgmq.meta m where m.queue_name = $1;
  return found;
end $$;

create function pgmq.list_queues() returns setof pgmq.queue_record language sql stable as
  'select m.queue_name, m.is_partitioned, m.is_unlogged, m.created_at from pgmq.meta m order by m.queue_name';

create function pgmq.send_batch(queue_name text, msgs jsonb[], delay int default 0) returns setof bigint language plpgsql as $$
begin
  return query execute format('insert into pgmq.%I (vt, message)
      select clock_timestamp() + $2 * interval ''1 second'', m.message from unnest($1) with ordinality m(message, ord)
      order by m.ord returning msg_id', pgmq.format_table_name($1, 'q')) using $2, $3;
end $$;

create function pgmq.send(queue_name text, msg jsonb, delay int default 0) returns setof bigint language sql as
  'select * from pgmq.send_batch($1, array[$2], $3)';

create function pgmq.read(queue_name text, vt int, qty int) returns setof pgmq.message_record language plpgsql as $$
begin
  return query execute format('with due as materialized (
      select q.msg_id from pgmq.%1$I q where q.vt <= clock_timestamp() order by q.msg_id limit $2 for update skip locked)
    update pgmq.%1$I q set vt = clock_timestamp() + $1 * interval ''1 second'', read_ct = q.read_ct + 1, last_read_at = clock_timestamp()
    from due where q.msg_id = due.msg_id
    returning q.msg_id, q.read_ct, q.enqueued_at, q.last_read_at, q.vt, q.message, q.headers',
    pgmq.format_table_name($1, 'q')) using $2, $3;
end $$;

create function pgmq.set_vt(queue_name text, msg_id bigint, vt int) returns setof pgmq.message_record language plpgsql as $$
begin
  return query execute format('update pgmq.%I q set vt = clock_timestamp() + $2 * interval ''1 second'' where q.msg_id = $1
    returning q.msg_id, q.read_ct, q.enqueued_at, q.last_read_at, q.vt, q.message, q.headers',
    pgmq.format_table_name($1, 'q')) using $2, $3;
end $$;

create function pgmq.delete(queue_name text, msg_ids bigint[]) returns setof bigint language plpgsql as $$
begin
  return query execute format('delete from pgmq.%I q where q.msg_id = any($1) returning q.msg_id',
    pgmq.format_table_name($1, 'q')) using $2;
end $$;

create function pgmq.delete(queue_name text, msg_id bigint) returns boolean language sql as
  'select exists (select from pgmq.delete($1, array[$2]))';

create function pgmq.archive(queue_name text, msg_ids bigint[]) returns setof bigint language plpgsql as $$
begin
  return query execute format('with gone as (delete from pgmq.%I q where q.msg_id = any($1)
      returning q.msg_id, q.read_ct, q.enqueued_at, q.last_read_at, q.vt, q.message, q.headers)
    insert into pgmq.%I (msg_id, read_ct, enqueued_at, last_read_at, vt, message, headers)
      select g.msg_id, g.read_ct, g.enqueued_at, g.last_read_at, g.vt, g.message, g.headers from gone g returning msg_id',
    pgmq.format_table_name($1, 'q'), pgmq.format_table_name($1, 'a')) using $2;
end $$;

create function pgmq.archive(queue_name text, msg_id bigint) returns boolean language sql as
  'select exists (select from pgmq.archive($1, array[$2]))';

-- total_messages counts all that were ever sent.
create function pgmq.metrics(queue_name text) returns pgmq.metrics_result language plpgsql as $$
declare
  live text := pgmq.format_table_name($1, 'q');
  answer pgmq.metrics_result;
begin
  execute format('select $1, count(*), extract(epoch from clock_timestamp() - max(q.enqueued_at))::int,
      extract(epoch from clock_timestamp() - min(q.enqueued_at))::int,
      (select case when s.is_called then s.last_value else 0 end from pgmq.%I s), clock_timestamp(),
      count(*) filter (where q.vt <= clock_timestamp())
    from pgmq.%I q', live || '_msg_id_seq', live) into answer using $1;
  return answer;
end $$;

create function pgmq.notify_queue_listeners() returns trigger language plpgsql as $$
begin
  perform pg_notify('pgmq.' || tg_table_name || '.' || tg_op, null);
  return null;
end $$;

-- Notifies `pgmq.q_NAME.INSERT` on each insert. Unlike the extension's it has no throttle: a transaction notifies once.
create function pgmq.enable_notify_insert(queue_name text) returns void language plpgsql as $$
begin
  execute format('create or replace trigger trigger_notify_queue_insert_listeners after insert on pgmq.%I
    execute function pgmq.notify_queue_listeners()', pgmq.format_table_name($1, 'q'));
end $$;
