-- Claims that hand out the trace of a run, too. It must come from the function: a query around it has an older snapshot,
-- which may not show the run.

-- Claims ready tokens of queues without limits. Candidates are read without locks and re-checked under their lock, their
-- queue too, so nobody gets a token twice or one that has moved on to a limit; a worker that finds some locked takes the rest of the list.
create function pgflow.claim_2(p_worker int, p_queues int[], p_marks bigint[], p_want int)
returns table (run_id bigint, lane smallint, elem int, node smallint, queue int, epoch int, attempt smallint, losses smallint,
  rank bigint, ready_at timestamptz, started_at timestamptz, input text, run_input text, priority smallint, left_ms bigint, trace text, pools int[], ns int[])
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
         (extract(epoch from r.deadline - pgflow.clock()) * 1000)::bigint, r.trace, null::int[], null::int[]
  from got g join pgflow.run r on r.id = g.run_id order by g.rank;
end $$;

-- Claims tokens of one queue with limits, one by one: a free slot in each pool (pools in ascending order, all or
-- none), then a token. Where a pool is full no token is looked at. p_devices: pools of GPUs that may serve, of which
-- p_device_count are taken.
create function pgflow.claim_limited_2(p_worker int, p_queue int, p_pools int[], p_devices int[], p_device_count int, p_rate_ms bigint, p_rate_pool int, p_want int)
returns table (run_id bigint, lane smallint, elem int, node smallint, queue int, epoch int, attempt smallint, losses smallint,
  rank bigint, ready_at timestamptz, started_at timestamptz, input text, run_input text, priority smallint, left_ms bigint, trace text, pools int[], ns int[])
language plpgsql rows 10 as $$
#variable_conflict use_column
declare
  token record;
  held_pools int[];
  held_ns int[];
  next_pool int;
  free record;
  place record;
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
    -- chosen first: a plan that ran the choice again for each row would take more
    select c.run_id, c.lane, c.elem into place from pgflow.task c where c.ready_in = p_queue order by c.rank limit 1 for update skip locked;
    exit when not found;
    update pgflow.task k set ready_in = null, worker_id = p_worker, epoch = k.epoch + 1, started_at = greatest(pgflow.clock(), k.ready_at)
      where k.run_id = place.run_id and k.lane = place.lane and k.elem = place.elem
      returning k.* into token;
    -- a slot of a rate is not held, it rests
    update pgflow.slot s set free_at = pgflow.clock() + p_rate_ms * interval '1 millisecond'
      from unnest(held_pools, held_ns) h(pool, n) where s.pool = h.pool and s.n = h.n and s.pool = p_rate_pool;
    update pgflow.slot s set run_id = token.run_id, lane = token.lane, elem = token.elem, epoch = token.epoch, worker_id = p_worker
      from unnest(held_pools, held_ns) h(pool, n) where s.pool = h.pool and s.n = h.n and s.pool is distinct from p_rate_pool;
    select array_agg(h.pool order by h.pool), array_agg(h.n order by h.pool) into held_pools, held_ns
      from unnest(held_pools, held_ns) h(pool, n) where h.pool is distinct from p_rate_pool;
    return query select token.run_id, token.lane, token.elem, token.node, token.queue, token.epoch, token.attempt, token.losses,
        token.rank, token.ready_at, token.started_at, token.input::text, r.input::text, r.priority,
        (extract(epoch from r.deadline - pgflow.clock()) * 1000)::bigint, r.trace, held_pools, held_ns
      from pgflow.run r where r.id = token.run_id;
  end loop;
end $$;

-- What binaries of schema 2 call.
create or replace function pgflow.claim_1(p_worker int, p_queues int[], p_marks bigint[], p_want int)
returns table (run_id bigint, lane smallint, elem int, node smallint, queue int, epoch int, attempt smallint, losses smallint,
  rank bigint, ready_at timestamptz, started_at timestamptz, input text, run_input text, priority smallint, left_ms bigint, pools int[], ns int[])
language sql rows 100 as $$
  select c.run_id, c.lane, c.elem, c.node, c.queue, c.epoch, c.attempt, c.losses, c.rank, c.ready_at, c.started_at,
    c.input, c.run_input, c.priority, c.left_ms, c.pools, c.ns
  from pgflow.claim_2(p_worker, p_queues, p_marks, p_want) c;
$$;

create or replace function pgflow.claim_limited_1(p_worker int, p_queue int, p_pools int[], p_devices int[], p_device_count int, p_rate_ms bigint, p_rate_pool int, p_want int)
returns table (run_id bigint, lane smallint, elem int, node smallint, queue int, epoch int, attempt smallint, losses smallint,
  rank bigint, ready_at timestamptz, started_at timestamptz, input text, run_input text, priority smallint, left_ms bigint, pools int[], ns int[])
language sql rows 10 as $$
  select c.run_id, c.lane, c.elem, c.node, c.queue, c.epoch, c.attempt, c.losses, c.rank, c.ready_at, c.started_at,
    c.input, c.run_input, c.priority, c.left_ms, c.pools, c.ns
  from pgflow.claim_limited_2(p_worker, p_queue, p_pools, p_devices, p_device_count, p_rate_ms, p_rate_pool, p_want) c;
$$;
