-- Failures by minute are read by an index; limits say who set them; a message's headers name the trace of its run.

create index failure_minute on pgflow.failure (date_bin('1 minute', at, timestamptz '2000-01-01 00:00:00+00'));

-- Per minute and workflow: how many runs ended, and how. Ask between two times: nothing else is read then.
create or replace view pgflow.throughput as
select e.minute, e.workflow, sum(e.completed) as completed, sum(e.failed) as failed, sum(e.cancelled) as cancelled, sum(e.timed_out) as timed_out
from (
  select s.minute, w.name as workflow, s.completed, 0 as failed, 0 as cancelled, 0 as timed_out
    from pgflow.stats s join pgflow.workflow w on w.id = s.workflow_id where s.node = -1
  union all
  select date_bin('1 minute', f.at, timestamptz '2000-01-01 00:00:00+00'), f.workflow, 0, (f.kind not in ('cancelled', 'timed_out'))::int,
      (f.kind = 'cancelled')::int, (f.kind = 'timed_out')::int
    from pgflow.failure f) e
group by e.minute, e.workflow;

-- What limits allow, and who holds it. `source`: where a size comes from that is not the declared one.
create or replace view pgflow.limits as
select p.name, coalesce(p.override, p.declared) as size, count(s.run_id) as held,
       coalesce(array_agg(distinct s.run_id) filter (where s.run_id is not null), '{}') as by_runs,
       p.declared, case when p.override is not null then p.source end as source
from pgflow.pool p left join pgflow.slot s on s.pool = p.id group by p.id;

-- As in 0010; a run gets the `traceparent` of its message's headers, where it is one. Extensions before PGMQ 1.5 have no headers.
create or replace function pgflow.trigger_1(
  p_queue text, p_ids bigint[], p_enqueued timestamptz[], p_reads int[], p_input text[], p_hash bytea[], p_problem text[],
  p_workflow_id int, p_workflow text, p_timeout_ms bigint, p_node smallint, p_first int, p_head bigint)
returns bigint[] language plpgsql as $$
declare
  live text := lower('q_' || p_queue);
  headers text := 'null';
  held bigint[];
  traces text[];
  inputs text[];
  keys text[];
  hashes bytea[];
begin
  if exists (select from pg_attribute where attrelid = ('pgmq.' || quote_ident(live))::regclass and attname = 'headers' and not attisdropped) then
    headers := $h$substring(q.headers ->> 'traceparent' from '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}')$h$;
  end if;
  execute format('select array_agg(l.msg_id), array_agg(l.trace) from (select q.msg_id, %s as trace from pgmq.%I q
      join unnest($1, $2) m(id, at) on q.msg_id = m.id and q.enqueued_at = m.at
      order by q.msg_id for update of q skip locked) l', headers, live)
    into held, traces using p_ids, p_enqueued;
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
    if num_nonnulls(variadic traces) > 0 then
      update pgflow.run r set trace = h.trace
        from unnest(p_ids, p_enqueued) m(id, at)
        join unnest(held, traces) h(id, trace) on h.id = m.id
        join pgflow.run_key k on k.workflow = p_workflow and k.key = pgflow.message_key_1(p_queue, m.id, m.at)
        where r.id = k.run_id and h.trace is not null and r.trace is null;
    end if;
  end if;
  perform count(*) from pgmq.archive(p_queue, held);
  return held;
end $$;
