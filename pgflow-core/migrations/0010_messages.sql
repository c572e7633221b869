-- Messages of PGMQ queues that became runs, or could not. The queues themselves are in schema pgmq, which this one names
-- only in functions: it may come later, or never.

create table pgflow.message (
  queue       text not null,
  msg_id      bigint not null,
  enqueued_at timestamptz not null,                -- ids begin again when a queue is dropped and created anew
  reads       int not null,
  workflow    text not null,
  key         text not null,                       -- of its run; leads to the newest where one was repeated
  problem     text,                                -- why it became no run
  at          timestamptz not null default pgflow.clock(),
  primary key (queue, msg_id, enqueued_at)
);
create index message_key on pgflow.message (workflow, key);

-- Starts a run for each message that is still in its queue, and archives it, in one transaction: the message is there, or
-- its run is. What has a problem is archived without a run. Messages that somebody else settles now are left to them, so
-- nobody waits; one that only has the id of another queue's of the same name is left alone. Answers the ids it settled.
create function pgflow.trigger_1(
  p_queue text, p_ids bigint[], p_enqueued timestamptz[], p_reads int[], p_input text[], p_hash bytea[], p_problem text[],
  p_workflow_id int, p_workflow text, p_timeout_ms bigint, p_node smallint, p_first int, p_head bigint)
returns bigint[] language plpgsql as $$
declare
  held bigint[];
  inputs text[];
  keys text[];
  hashes bytea[];
begin
  execute format('select array_agg(l.msg_id) from (select q.msg_id from pgmq.%I q
      join unnest($1, $2) m(id, at) on q.msg_id = m.id and q.enqueued_at = m.at
      order by q.msg_id for update of q skip locked) l', lower('q_' || p_queue))
    into held using p_ids, p_enqueued;
  if held is null then return '{}'; end if;
  insert into pgflow.message (queue, msg_id, enqueued_at, reads, workflow, key, problem)
    select p_queue, m.id, m.at, m.reads, p_workflow, pgflow.message_key_1(p_queue, m.id, m.at), m.problem
    from unnest(p_ids, p_enqueued, p_reads, p_problem) m(id, at, reads, problem) where m.id = any(held)
    on conflict do nothing;
  select array_agg(m.input), array_agg(pgflow.message_key_1(p_queue, m.id, m.at)), array_agg(m.hash)
    into inputs, keys, hashes
    from unnest(p_ids, p_enqueued, p_input, p_hash, p_problem) m(id, at, input, hash, problem)
    where m.id = any(held) and m.problem is null;
  if inputs is not null then
    perform count(*) from pgflow.start_1(p_workflow_id, p_workflow, inputs, keys, hashes, 0::smallint, p_timeout_ms, null,
      p_node, p_first, p_head, null, false);
  end if;
  perform count(*) from pgmq.archive(p_queue, held);
  return held;
end $$;

-- The key of a message's run.
create function pgflow.message_key_1(p_queue text, p_id bigint, p_enqueued timestamptz) returns text
  language sql immutable parallel safe
  as 'select p_queue || '':'' || p_id || '':'' || (extract(epoch from p_enqueued) * 1000000)::bigint';

-- What became of a message, the newest of its id first. `waiting`: in its queue. `taken`: in its queue and hidden until
-- visible_at, because a reader has it or had it and did not settle it. `started`: a run. `refused`: it could not become a
-- run. `archived`: by another reader. A reader that deletes messages leaves nothing to tell.
create function pgflow.message_1(p_queue text, p_msg_id bigint)
returns table (state text, enqueued_at timestamptz, reads int, visible_at timestamptz, workflow text, run_id bigint, run_state smallint, problem text)
language plpgsql stable as $$
#variable_conflict use_column
declare
  live text := 'pgmq.' || quote_ident(lower('q_' || p_queue));
  past text := 'pgmq.' || quote_ident(lower('a_' || p_queue));
begin
  if to_regclass(live) is not null then
    return query execute 'select case when q.vt > clock_timestamp() then ''taken'' else ''waiting'' end, q.enqueued_at, q.read_ct, q.vt,
      null::text, null::bigint, null::smallint, null::text from ' || live || ' q where q.msg_id = $1' using p_msg_id;
  end if;
  return query select case when m.problem is null then 'started' else 'refused' end, m.enqueued_at, m.reads, null::timestamptz,
      m.workflow, r.id, r.state, m.problem
    from pgflow.message m
    left join pgflow.run_key k on k.workflow = m.workflow and k.key = m.key
    left join pgflow.run r on r.id = k.run_id
    where m.queue = p_queue and m.msg_id = p_msg_id
    order by m.enqueued_at desc;
  if to_regclass(past) is not null then
    return query execute 'select ''archived'', a.enqueued_at, a.read_ct, null::timestamptz, null::text, null::bigint, null::smallint, null::text
      from ' || past || ' a where a.msg_id = $1 and not exists (select from pgflow.message m
        where m.queue = $2 and m.msg_id = a.msg_id and m.enqueued_at = a.enqueued_at)' using p_msg_id, p_queue;
  end if;
end $$;

-- Removes messages with their runs too, and those that became none when they are as old.
create or replace function pgflow.prune_1(p_older_ms bigint, p_most int) returns int language plpgsql as $$
declare
  ids bigint[];
begin
  delete from pgflow.message m where (m.queue, m.msg_id, m.enqueued_at) in (
    select o.queue, o.msg_id, o.enqueued_at from pgflow.message o
    where o.problem is not null and o.at < pgflow.clock() - p_older_ms * interval '1 millisecond' limit p_most);
  select array_agg(o.id) into ids from (
    select r.id from pgflow.run r
    where r.state <> 0 and r.ended_at < pgflow.clock() - p_older_ms * interval '1 millisecond'
      and not exists (select from pgflow.run p where p.id = r.parent_run and p.state = 0)
    order by r.id limit p_most for update skip locked) o;
  if ids is null then return 0; end if;
  delete from pgflow.attempt a where a.run_id = any(ids);
  delete from pgflow.progress p where p.run_id = any(ids);
  delete from pgflow.signal g where g.run_id = any(ids);
  delete from pgflow.failure f where f.run_id = any(ids);
  delete from pgflow.message m using pgflow.run_key k where k.run_id = any(ids) and m.workflow = k.workflow and m.key = k.key;
  delete from pgflow.run_key k where k.run_id = any(ids);
  delete from pgflow.run r where r.id = any(ids);
  return cardinality(ids);
end $$;

-- Milliseconds until the next hidden message of a queue shows; null where there is none.
create function pgflow.next_visible_1(p_queue text) returns bigint language plpgsql stable as $$
declare
  wait bigint;
begin
  execute format('select (extract(epoch from min(q.vt) - clock_timestamp()) * 1000)::bigint + 1 from pgmq.%I q', lower('q_' || p_queue))
    into wait;
  return wait;
end $$;
