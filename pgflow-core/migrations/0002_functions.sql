-- The functions of the engine. A changed function gets a new number in its name and the old one stays for a release,
-- so that old and new binaries run side by side. None has SET clauses: every name is qualified instead.
--
-- Locks are taken in one order everywhere: the run's advisory lock, tokens by key, slots by key, runs by id.

create function pgflow.rank_at(p_at timestamptz, p_head bigint) returns bigint language sql immutable parallel safe
  as 'select (extract(epoch from p_at) * 1000000)::bigint - p_head';

-- Wakes idle workers once: whoever is woken must say again that it is idle.
create function pgflow.wake_1() returns void language plpgsql as $$
begin
  if exists (select from pgflow.worker where idle) then
    update pgflow.worker set idle = false
      where id in (select id from pgflow.worker where idle order by id for update skip locked);
    if found then perform pg_notify('pgflow_work', ''); end if;
  end if;
end $$;

-- Starts runs of one workflow, all or nothing. With a key: the run that has it already, if there is one.
create function pgflow.start_1(
  p_workflow_id int, p_workflow text, p_input text[], p_key text[], p_hash bytea[], p_priority smallint,
  p_timeout_ms bigint, p_delay_ms bigint, p_node smallint, p_queue int, p_head bigint, p_trace text, p_notify boolean)
returns table (run_id bigint, fresh boolean, same_input boolean)
language plpgsql rows 100 as $$
#variable_conflict use_column
declare
  ids bigint[];
  due timestamptz := case when p_delay_ms > 0 then pgflow.clock() + p_delay_ms * interval '1 millisecond' end;
begin
  select array_agg(nextval('pgflow.run_id_seq') order by ord) into ids from unnest(p_input) with ordinality i(input, ord);
  -- two statements: a key whose holder commits while this one waits shows only in the next snapshot
  insert into pgflow.run_key (workflow, key, run_id, input_hash)
    select p_workflow, k.key, k.id, k.hash from unnest(p_key, ids, p_hash) k(key, id, hash) where k.key is not null
    on conflict do nothing;
  return query
  with held as materialized (
    select i.ord, i.id, i.input, coalesce(k.run_id, i.id) holder, coalesce(k.input_hash = i.hash, true) same
    from unnest(ids, p_input, p_key, p_hash) with ordinality i(id, input, key, hash, ord)
    left join pgflow.run_key k on k.workflow = p_workflow and k.key = i.key),
  made as (
    insert into pgflow.run (id, workflow_id, priority, deadline, input, trace)
      select h.id, p_workflow_id, p_priority, coalesce(due, pgflow.clock()) + p_timeout_ms * interval '1 millisecond', h.input::jsonb, p_trace
      from held h where h.holder = h.id),
  put as (
    insert into pgflow.task (run_id, lane, elem, node, queue, epoch, ready_in, rank, due_at)
      select h.id, p_node, 0, p_node, p_queue, 1, case when due is null then p_queue end, pgflow.rank_at(pgflow.clock(), p_head), due
      from held h where h.holder = h.id)
  select h.holder, h.holder = h.id, h.same from held h order by h.ord;
  -- no row of a worker is touched here: the caller may keep this transaction open for as long as it likes, and then
  -- nobody knows who will be idle at its end
  if p_notify or exists (select from pgflow.worker w where w.idle) then perform pg_notify('pgflow_work', ''); end if;
end $$;

-- Claims ready tokens of queues without limits. Candidates are read without locks and re-checked under their lock, their
-- queue too, so nobody gets a token twice or one that has moved on to a limit; a worker that finds some locked takes the rest of the list.
create function pgflow.claim_1(p_worker int, p_queues int[], p_marks bigint[], p_want int)
returns table (run_id bigint, lane smallint, elem int, node smallint, queue int, epoch int, attempt smallint, losses smallint,
  rank bigint, ready_at timestamptz, started_at timestamptz, input text, run_input text, priority smallint, left_ms bigint, pools int[], ns int[])
language plpgsql rows 100 as $$
#variable_conflict use_column
begin
  -- whoever lost its lease must not take what it would lose again
  if not exists (select from pgflow.worker w where w.id = p_worker and w.lease_until > pgflow.clock()) then return; end if;
  return query
  with cand as materialized (
    select q.queue, c.run_id, c.lane, c.elem, c.rank
    from unnest(p_queues, p_marks) q(queue, mark)
    cross join lateral (select k.run_id, k.lane, k.elem, k.rank from pgflow.task k
                        where k.ready_in = q.queue and k.rank >= q.mark order by k.rank limit p_want * 2) c
    order by c.rank limit p_want * 2),
  -- a row at a time: the planner would take a join here for one of all ready tokens
  pick as materialized (
    select l.run_id, l.lane, l.elem from cand c
    cross join lateral (select k.run_id, k.lane, k.elem from pgflow.task k
                        where k.run_id = c.run_id and k.lane = c.lane and k.elem = c.elem and k.ready_in = c.queue
                        for update of k skip locked) l
    limit p_want),
  got as (
    update pgflow.task k set ready_in = null, worker_id = p_worker, epoch = k.epoch + 1, started_at = greatest(pgflow.clock(), k.ready_at)
    from pick p where k.run_id = p.run_id and k.lane = p.lane and k.elem = p.elem
    returning k.run_id, k.lane, k.elem, k.node, k.queue, k.epoch, k.attempt, k.losses, k.rank, k.ready_at, k.started_at, k.input::text)
  select g.*, case when row_number() over (partition by g.run_id) = 1 then r.input::text end, r.priority,
         (extract(epoch from r.deadline - pgflow.clock()) * 1000)::bigint, null::int[], null::int[]
  from got g join pgflow.run r on r.id = g.run_id order by g.rank;
end $$;

-- Claims tokens of one queue with limits, one by one: a free slot in each pool (pools in ascending order, all or
-- none), then a token. Where a pool is full no token is looked at. p_devices: pools of GPUs that may serve, of which
-- p_device_count are taken.
create function pgflow.claim_limited_1(p_worker int, p_queue int, p_pools int[], p_devices int[], p_device_count int, p_rate_ms bigint, p_rate_pool int, p_want int)
returns table (run_id bigint, lane smallint, elem int, node smallint, queue int, epoch int, attempt smallint, losses smallint,
  rank bigint, ready_at timestamptz, started_at timestamptz, input text, run_input text, priority smallint, left_ms bigint, pools int[], ns int[])
language plpgsql rows 10 as $$
#variable_conflict use_column
declare
  token record;
  held_pools int[];
  held_ns int[];
  next_pool int;
  free record;
begin
  if not exists (select from pgflow.worker w where w.id = p_worker and w.lease_until > pgflow.clock()) then return; end if;
  for i in 1 .. p_want loop
    exit when not exists (select from pgflow.task k where k.ready_in = p_queue);
    held_pools := '{}'; held_ns := '{}';
    foreach next_pool in array p_pools loop
      select s.pool, s.n into free from pgflow.slot s join pgflow.pool p on p.id = s.pool
        where s.pool = next_pool and s.run_id is null and s.n <= coalesce(p.override, p.declared)
          and (s.free_at is null or s.free_at <= pgflow.clock())
        order by s.n limit 1 for update of s skip locked;
      exit when not found;
      held_pools := held_pools || free.pool; held_ns := held_ns || free.n;
    end loop;
    exit when cardinality(held_pools) < cardinality(p_pools);
    if p_device_count > 0 then
      for free in select s.pool, s.n from pgflow.slot s where s.pool = any(p_devices) and s.run_id is null
                  order by s.pool limit p_device_count for update skip locked loop
        held_pools := held_pools || free.pool; held_ns := held_ns || free.n;
      end loop;
      exit when cardinality(held_pools) < cardinality(p_pools) + p_device_count;
    end if;
    update pgflow.task k set ready_in = null, worker_id = p_worker, epoch = k.epoch + 1, started_at = greatest(pgflow.clock(), k.ready_at)
      from (select c.run_id, c.lane, c.elem from pgflow.task c where c.ready_in = p_queue order by c.rank limit 1 for update skip locked) c
      where k.run_id = c.run_id and k.lane = c.lane and k.elem = c.elem
      returning k.* into token;
    exit when not found;
    -- a slot of a rate is not held, it rests
    update pgflow.slot s set free_at = pgflow.clock() + p_rate_ms * interval '1 millisecond'
      from unnest(held_pools, held_ns) h(pool, n) where s.pool = h.pool and s.n = h.n and s.pool = p_rate_pool;
    update pgflow.slot s set run_id = token.run_id, lane = token.lane, elem = token.elem, epoch = token.epoch, worker_id = p_worker
      from unnest(held_pools, held_ns) h(pool, n) where s.pool = h.pool and s.n = h.n and s.pool is distinct from p_rate_pool;
    select array_agg(h.pool order by h.pool), array_agg(h.n order by h.pool) into held_pools, held_ns
      from unnest(held_pools, held_ns) h(pool, n) where h.pool is distinct from p_rate_pool;
    return query select token.run_id, token.lane, token.elem, token.node, token.queue, token.epoch, token.attempt, token.losses,
        token.rank, token.ready_at, token.started_at, token.input::text, r.input::text, r.priority,
        (extract(epoch from r.deadline - pgflow.clock()) * 1000)::bigint, held_pools, held_ns
      from pgflow.run r where r.id = token.run_id;
  end loop;
end $$;

-- One round trip for a batch of settled tokens of one worker. Every decision rests on what UPDATE and DELETE return,
-- never on a second read: a token that this worker no longer holds at this epoch is refused and leaves nothing.
--   p_*  what settled (status null: pure code, no attempt row) and where it goes: p_next null: it ends; p_wait_ms: a retry;
--        p_end: with this step or by itself the final value, p_result, is there; p_start: it was the start of a run, whose slot in
--        p_run_pool now belongs to the run
--   a_*  arrivals elsewhere: forks and elements have need 1, and go on here where a_direct says so; arrivals at a join are
--        summed before they touch its row, and it goes on here when its queue is in p_join_direct; need 0: the row is there
--   f_*  slots to free; fenced by holder and epoch, also for tokens that were refused
create function pgflow.flush_1(
  p_worker int, p_run bigint[], p_lane smallint[], p_elem int[], p_epoch int[],
  p_node smallint[], p_number int[], p_attempt smallint[], p_status smallint[], p_ready timestamptz[], p_started timestamptz[],
  p_output text[], p_error text[],
  p_next smallint[], p_next_queue int[], p_direct boolean[], p_wait_ms bigint[], p_head bigint[],
  p_end boolean[], p_result text[], p_start boolean[], p_run_pool int[],
  a_ord int[], a_lane smallint[], a_elem int[], a_queue int[], a_need int[], a_direct boolean[], a_head bigint[], a_input text[],
  p_join_direct int[], f_pool int[], f_n int[], f_run bigint[], f_lane smallint[], f_elem int[], f_epoch int[])
returns table (taken int[], run_id bigint, lane smallint, elem int, epoch int, at timestamptz)
language plpgsql rows 100 as $$
#variable_conflict use_column
declare
  ok int[];
  left_ready boolean := false;
begin
  with c as (
    select * from unnest(p_run, p_lane, p_elem, p_epoch, p_node, p_number, p_attempt, p_status, p_ready, p_started, p_output, p_error,
                         p_next, p_next_queue, p_direct, p_wait_ms, p_head, p_end, p_result) with ordinality
      as c(run_id, lane, elem, epoch, node, number, attempt, status, ready_at, started_at, output, error,
           next, next_queue, direct, wait_ms, head, ends, result, ord)),
  moved as (
    update pgflow.task k set node = c.next, queue = c.next_queue, epoch = k.epoch + 1,
      attempt    = case when c.wait_ms is null then 1 else k.attempt + 1 end,
      losses     = case when c.wait_ms is null then 0 else k.losses end,
      ready_in   = case when c.wait_ms is null and not c.direct then c.next_queue end,
      worker_id  = case when c.direct then p_worker end,
      due_at     = pgflow.clock() + c.wait_ms * interval '1 millisecond',
      -- an indexed column: left alone where nobody looks at it, the update stays HOT
      rank       = case when c.direct then k.rank else pgflow.rank_at(pgflow.clock(), c.head) end,
      ready_at   = greatest(pgflow.clock(), c.started_at),
      started_at = case when c.direct then greatest(pgflow.clock(), c.started_at) end
    from c where c.next is not null
      and k.run_id = c.run_id and k.lane = c.lane and k.elem = c.elem and k.epoch = c.epoch and k.worker_id = p_worker
    returning c.*),
  gone as (
    delete from pgflow.task k using c where c.next is null
      and k.run_id = c.run_id and k.lane = c.lane and k.elem = c.elem and k.epoch = c.epoch and k.worker_id = p_worker
    returning c.*),
  took as (select * from moved union all select * from gone),
  noted as (
    insert into pgflow.attempt (run_id, node, elem, attempt, status, worker_id, ready_at, started_at, ended_at, output, error)
      select t.run_id, t.node, t.number, t.attempt, t.status, p_worker, t.ready_at, t.started_at, greatest(pgflow.clock(), t.started_at),
             t.output::jsonb, t.error::jsonb
      from took t where t.status is not null),
  ended as (
    update pgflow.run r set state = 1, ended_at = greatest(pgflow.clock(), r.created_at), output = t.result::jsonb
      from took t where t.ends and r.id = t.run_id and r.state = 0)
  select array_agg(ord::int), coalesce(bool_or(t.next is not null and not t.direct and t.wait_ms is null), false)
    into ok, left_ready from took t;

  if cardinality(a_ord) > 0 then
    return query
    with s as (
      select a.run_id, a.lane, a.elem, min(a.queue) queue, coalesce(nullif(max(a.need), 0), 2147483647) need, count(*)::int n,
             bool_or(a.direct) or (max(a.need) <> 1 and min(a.queue) = any(p_join_direct)) direct, max(a.head) head, min(a.input) input
      from (select p_run[u.ord] run_id, u.* from unnest(a_ord, a_lane, a_elem, a_queue, a_need, a_direct, a_head, a_input)
              u(ord, lane, elem, queue, need, direct, head, input) where u.ord = any(ok)) a
      group by 1, 2, 3 order by 1, 2, 3),
    put as (
      insert into pgflow.task as k (run_id, lane, elem, node, queue, epoch, need, arrived, ready_in, worker_id, rank, ready_at, started_at, input)
        select s.run_id, s.lane, s.elem, s.lane, s.queue, 1, s.need, s.n,
               case when s.n = s.need and not s.direct then s.queue end,
               case when s.n = s.need and s.direct then p_worker end,
               pgflow.rank_at(pgflow.clock(), s.head), pgflow.clock(),
               case when s.n = s.need and s.direct then pgflow.clock() end, s.input::jsonb
        from s
      on conflict on constraint task_pkey do update set
        arrived    = k.arrived + excluded.arrived,
        epoch      = k.epoch + 1,
        ready_in   = case when k.arrived + excluded.arrived = k.need and k.queue <> all(p_join_direct) then k.queue end,
        worker_id  = case when k.arrived + excluded.arrived = k.need and k.queue = any(p_join_direct) then p_worker end,
        rank       = case when k.arrived + excluded.arrived = k.need and k.queue <> all(p_join_direct) then excluded.rank else k.rank end,
        ready_at   = greatest(pgflow.clock(), k.ready_at),
        started_at = case when k.arrived + excluded.arrived = k.need and k.queue = any(p_join_direct) then greatest(pgflow.clock(), k.ready_at) end
      returning k.run_id, k.lane, k.elem, k.epoch, k.worker_id, k.started_at)
    select null::int[], p.run_id, p.lane, p.elem, p.epoch, p.started_at from put p where p.worker_id is not null;
    left_ready := left_ready or not (true = all(a_direct));
  end if;

  if true = any(p_start) then
    update pgflow.slot s set worker_id = null from unnest(p_run, p_run_pool, p_start) with ordinality u(run_id, pool, starts, ord)
      where u.starts and u.ord = any(ok) and s.pool = u.pool and s.run_id = u.run_id;
    update pgflow.slot s set run_id = null, lane = null, elem = null, epoch = null, worker_id = null
      from unnest(p_run, p_run_pool, p_start, p_epoch) with ordinality u(run_id, pool, starts, epoch, ord)
      where u.starts and u.ord <> all(coalesce(ok, '{}')) and s.pool = u.pool and s.run_id = u.run_id and s.epoch = u.epoch and s.worker_id = p_worker;
  end if;
  if true = any(p_end) then
    update pgflow.slot s set run_id = null, lane = null, elem = null, epoch = null
      from unnest(p_run, p_run_pool, p_end) with ordinality u(run_id, pool, ends, ord)
      where u.ends and u.ord = any(ok) and s.pool = u.pool and s.run_id = u.run_id and s.worker_id is null;
    left_ready := left_ready or found;
  end if;
  if cardinality(f_pool) > 0 then
    update pgflow.slot s set run_id = null, lane = null, elem = null, epoch = null, worker_id = null
      from unnest(f_pool, f_n, f_run, f_lane, f_elem, f_epoch) f(pool, n, run_id, lane, elem, epoch)
      where s.pool = f.pool and s.n = f.n and s.run_id = f.run_id and s.lane = f.lane and s.elem = f.elem and s.epoch = f.epoch
        and s.worker_id = p_worker;
    left_ready := left_ready or (found and exists (select from pgflow.task k where k.ready_in is not null));
  end if;
  if left_ready then perform pgflow.wake_1(); end if;
  return query select coalesce(ok, '{}'), null::bigint, null::smallint, null::int, null::int, pgflow.clock();
end $$;

-- Ends a run that does not complete. With p_worker: because of a token's last failure, which must still be held.
--
-- A new token only ever comes from a transaction that removes or moves an older token of the same run, so each pass
-- waits for the flushes under way and the next one, with a younger snapshot, sees what they left; once a fresh snapshot
-- shows none there are none. Enders exclude each other by the advisory lock. Slots of steps that still run stay with
-- their worker until they really end; the run's own slot is freed.
create function pgflow.end_run_1(
  p_run bigint, p_state smallint, p_error text, p_step text, p_kind text, p_message text,
  p_worker int, p_lane smallint, p_elem int, p_epoch int, p_node smallint, p_number int, p_attempt smallint, p_status smallint,
  p_ready timestamptz, p_started timestamptz, p_attempt_output text, p_attempt_error text)
returns boolean language plpgsql as $$
#variable_conflict use_column
declare
  still_running boolean := false;
  gone bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('pgflow.run.' || p_run, 0));
  if p_worker is not null then
    delete from pgflow.task k where k.run_id = p_run and k.lane = p_lane and k.elem = p_elem and k.epoch = p_epoch and k.worker_id = p_worker;
    if not found then return false; end if;
    if p_status is not null then
      insert into pgflow.attempt (run_id, node, elem, attempt, status, worker_id, ready_at, started_at, ended_at, output, error)
        values (p_run, p_node, p_number, p_attempt, p_status, p_worker, p_ready, p_started, greatest(pgflow.clock(), p_started),
                p_attempt_output::jsonb, p_attempt_error::jsonb);
    end if;
  end if;
  loop
    -- tokens under way first, waiting joins last: the order in which a flush takes them
    with g as (delete from pgflow.task k where k.run_id = p_run and k.arrived = k.need returning k.*),
    noted as (
      insert into pgflow.attempt (run_id, node, elem, attempt, status, worker_id, ready_at, started_at, ended_at)
        select g.run_id, g.node, greatest(g.elem, 0), g.attempt, 6, g.worker_id, g.ready_at, g.started_at, greatest(pgflow.clock(), g.started_at)
        from g join pgflow.queue q on q.id = g.queue where g.worker_id is not null and not q.control on conflict do nothing)
    select count(*), still_running or coalesce(bool_or(g.worker_id is not null), false) into gone, still_running from g;
    delete from pgflow.task k where k.run_id = p_run and k.arrived < k.need;
    exit when not exists (select from pgflow.task k where k.run_id = p_run);
  end loop;
  update pgflow.run r set state = p_state, ended_at = greatest(pgflow.clock(), r.created_at), error = p_error::jsonb
    where r.id = p_run and r.state = 0;
  if not found then return false; end if;
  insert into pgflow.failure (run_id, workflow, step, kind, message, at)
    select r.id, w.name, p_step, p_kind, left(p_message, 2000), r.ended_at
    from pgflow.run r join pgflow.workflow w on w.id = r.workflow_id where r.id = p_run;
  update pgflow.slot s set run_id = null, lane = null, elem = null, epoch = null where s.run_id = p_run and s.worker_id is null;
  if found then perform pgflow.wake_1(); end if;
  if still_running then perform pg_notify('pgflow_cancel', p_run::text); end if;
  return true;
end $$;

-- Gives tokens back unharmed: on drain, or when a claimed token cannot be served now.
create function pgflow.hand_back_1(
  p_worker int, p_run bigint[], p_lane smallint[], p_elem int[], p_epoch int[], p_wait_ms bigint,
  f_pool int[], f_n int[], f_run bigint[], f_lane smallint[], f_elem int[], f_epoch int[])
returns int language plpgsql as $$
declare
  n int;
begin
  update pgflow.task k set epoch = k.epoch + 1, worker_id = null, started_at = null,
      ready_in = case when p_wait_ms is null then k.queue end,
      due_at   = pgflow.clock() + p_wait_ms * interval '1 millisecond'
    from unnest(p_run, p_lane, p_elem, p_epoch) u(run_id, lane, elem, epoch)
    where k.run_id = u.run_id and k.lane = u.lane and k.elem = u.elem and k.epoch = u.epoch and k.worker_id = p_worker;
  get diagnostics n = row_count;
  update pgflow.slot s set run_id = null, lane = null, elem = null, epoch = null, worker_id = null
    from unnest(f_pool, f_n, f_run, f_lane, f_elem, f_epoch) f(pool, n, run_id, lane, elem, epoch)
    where s.pool = f.pool and s.n = f.n and s.run_id = f.run_id and s.lane = f.lane and s.elem = f.elem and s.epoch = f.epoch
      and s.worker_id = p_worker;
  perform pgflow.wake_1();
  return n;
end $$;

-- Takes over what dead workers held. Only readiness changes here: whoever claims a token with too many losses routes it.
-- Only steps have attempts: pure code at a map (its list, its gather) stands on a control queue, and a row of it would be
-- read as an element.
-- Rows of the dead stay for ten minutes, longer than any statement may take, and are swept again: a flush that was
-- under way when the lease ran out may still have made tokens for its worker.
create function pgflow.recover_1() returns int language plpgsql as $$
#variable_conflict use_column
declare
  dead int[];
  n int := 0;
begin
  select array_agg(w.id) into dead
    from (select id from pgflow.worker where lease_until < pgflow.clock() order by id for update skip locked) w;
  if dead is null then return 0; end if;
  with lost as (
    select k.run_id, k.lane, k.elem, k.ready_at, k.started_at, k.attempt, k.worker_id from pgflow.task k
      where k.worker_id = any(dead) order by 1, 2, 3 for update skip locked),
  back as (
    update pgflow.task k set epoch = k.epoch + 1, attempt = k.attempt + 1, losses = k.losses + 1, worker_id = null, started_at = null,
      ready_in = k.queue, ready_at = greatest(pgflow.clock(), k.ready_at)
    from lost l where k.run_id = l.run_id and k.lane = l.lane and k.elem = l.elem
    returning k.run_id, k.node, k.elem, k.queue, l.attempt, l.worker_id, l.ready_at, l.started_at),
  noted as (
    insert into pgflow.attempt (run_id, node, elem, attempt, status, worker_id, ready_at, started_at, ended_at, error)
      select b.run_id, b.node, greatest(b.elem, 0), b.attempt, 4, b.worker_id, b.ready_at, b.started_at, greatest(pgflow.clock(), b.started_at),
             jsonb_build_object('step', '', 'kind', 'lost', 'message', 'the worker''s lease ran out')
      from back b join pgflow.queue q on q.id = b.queue where not q.control on conflict do nothing)
  select count(*) into n from back;
  -- a slot that its run holds has no worker and stays
  update pgflow.slot s set run_id = null, lane = null, elem = null, epoch = null, worker_id = null where s.worker_id = any(dead);
  delete from pgflow.worker w where w.id = any(dead) and w.lease_until < pgflow.clock() - interval '10 minutes'
    and not exists (select from pgflow.task k where k.worker_id = w.id);
  if n > 0 then perform pgflow.wake_1(); end if;
  return n;
end $$;

-- Upkeep, by any worker, every few seconds: takes over from the dead, wakes sleepers, finds overdue runs, and answers
-- whether something is ready for the caller and when the next thing is due.
create function pgflow.tick_1(p_queues int[])
returns table (recovered int, woken int, overdue bigint[], work boolean, next_ms bigint)
language plpgsql as $$
#variable_conflict use_column
declare
  v_recovered int;
  v_woken int;
  v_overdue bigint[];
  since timestamptz;
begin
  v_recovered := pgflow.recover_1();
  update pgflow.task k set ready_in = k.queue, due_at = null, ready_at = greatest(pgflow.clock(), k.ready_at)
    where (k.run_id, k.lane, k.elem) in (
      select d.run_id, d.lane, d.elem from pgflow.task d where d.due_at <= pgflow.clock() order by d.due_at limit 1000 for update skip locked);
  get diagnostics v_woken = row_count;
  if v_woken > 0 then perform pgflow.wake_1(); end if;
  select m.deadline_cursor into since from pgflow.meta m;
  select array_agg(o.id) into v_overdue from (
    select r.id from pgflow.run r where r.deadline > since and r.deadline <= pgflow.clock() and r.state = 0 order by r.deadline limit 100) o;
  -- the cursor trails by 10 s and moves only over runs that have ended; a start that commits later than that is ended
  -- by whoever claims it
  if v_overdue is null and since < pgflow.clock() - interval '20 seconds' then
    update pgflow.meta m set deadline_cursor = pgflow.clock() - interval '10 seconds' where m.deadline_cursor = since;
  end if;
  return query select v_recovered, v_woken, coalesce(v_overdue, '{}'),
    exists (select from unnest(p_queues) q(queue) cross join lateral (select 1 from pgflow.task k where k.ready_in = q.queue limit 1) k),
    (select (extract(epoch from least(
       (select min(k.due_at) from pgflow.task k where k.due_at is not null),
       (select case when min(s.free_at) is not null then greatest(min(s.free_at), pgflow.clock() + interval '20 milliseconds') end from pgflow.slot s where s.free_at > pgflow.clock()
          and exists (select from pgflow.task k where k.ready_in is not null))) - pgflow.clock()) * 1000)::bigint);
end $$;
