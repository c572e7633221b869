-- Why a run is not further along: one function behind psql, the library, the command line and the page.
--
-- Reads by primary key, by the index of ready tokens (up to 1000 of them per queue), and the small tables of pools, slots and
-- workers; takes no locks.

alter table pgflow.worker add column busy int;     -- tasks that ran at its last beat; null: a binary of an older schema
create index cache_open on pgflow.cache (step) where value is null;
create index audit_run on pgflow.audit (run_id) where run_id is not null;

-- 40 s, 3 min, 2 h, 4 d: for people.
create function pgflow.lasting_1(p_for interval) returns text language sql immutable parallel safe as $$
  select case
    when s < 1 then greatest(floor(s * 1000), 0) || ' ms'
    when s < 120 then floor(s) || ' s'
    when s < 7200 then floor(s / 60) || ' min'
    when s < 172800 then floor(s / 3600) || ' h'
    else floor(s / 86400) || ' d' end
  from (select extract(epoch from p_for)) e(s)
$$;

-- in 12 s (10:42:07 UTC): for people. What is due but not yet done waits for a worker's upkeep.
create function pgflow.coming_1(p_at timestamptz) returns text language sql stable parallel safe as $$
  select case
    when p_at <= pgflow.clock() then 'now'
    when p_at < pgflow.clock() + interval '12 hours' then 'in ' || pgflow.lasting_1(p_at - pgflow.clock()) || to_char(p_at at time zone 'UTC', ' (HH24:MI:SS UTC)')
    else 'in ' || pgflow.lasting_1(p_at - pgflow.clock()) || to_char(p_at at time zone 'UTC', ' (YYYY-MM-DD HH24:MI UTC)') end
$$;

-- Who holds slots of a pool: up to three, with what they do there.
create function pgflow.holders_1(p_pools int[]) returns table (reason text, runs bigint[]) language sql stable as $$
  with h as (
    select s.run_id, coalesce(' (' || nullif(concat_ws(' ', '`' || n.id || '`', 'on `' || w.name || '`', 'for ' || pgflow.lasting_1(pgflow.clock() - k.started_at)), '') || ')', '') what
    from pgflow.slot s
    left join pgflow.worker w on w.id = s.worker_id
    left join pgflow.task k on k.run_id = s.run_id and k.lane = s.lane and k.elem = s.elem and k.epoch = s.epoch
    left join pgflow.run r on r.id = s.run_id
    left join pgflow.workflow f on f.id = r.workflow_id
    left join pgflow.node n on n.workflow = f.name and n.number = k.node
    where s.pool = any(p_pools) and s.run_id is not null
    order by s.pool, s.n limit 100)
  select 'held by ' || string_agg('run ' || h.run_id || h.what, ', ') filter (where h.row <= 3) || case when count(*) > 3 then ' and ' || count(*) - 3 || ' more' else '' end,
         array_agg(distinct h.run_id)
  from (select h.*, row_number() over () row from h) h
$$;

-- The tokens of a run in groups of those that wait for the same thing: a row per element would be of no use to anybody.
create function pgflow.standing_1(p_run bigint, p_workflow text, p_nodes jsonb)
returns table (class text, node smallint, id text, spec jsonb, control boolean, queue int, worker_id int, attempt smallint, losses smallint,
  tasks int, lane smallint, elem int, need int, arrived int, rank bigint, ready_at timestamptz, started_at timestamptz, due_at timestamptz)
language sql stable rows 10 as $$
  with d as materialized (
    select n.number, n.id, e.spec from jsonb_array_elements(p_nodes) e(spec)
    join pgflow.node n on n.workflow = p_workflow and n.id = e.spec ->> 'id'),
  t as (
    select k.*, coalesce(d.id, case when k.node = 0 then 'start' else 'end' end) id, d.spec, q.control,
      case when k.arrived < k.need and k.elem > 0 then 'bounded'
           when k.arrived < k.need and k.elem = -1 and k.lane = k.node then 'map'
           when k.arrived < k.need then 'join'
           when k.worker_id is not null then 'running'
           when k.ready_in is not null then 'ready'
           when not q.control and d.spec ->> 'kind' in ('sleep', 'signal', 'child') then d.spec ->> 'kind'
           when k.due_at is not null then 'later'
           else 'still' end class
    from pgflow.task k join pgflow.queue q on q.id = k.queue left join d on d.number = k.node
    where k.run_id = p_run)
  select t.class, t.node, t.id, t.spec, t.control, t.queue, t.worker_id, t.attempt, t.losses, count(*)::int,
    (array_agg(t.lane order by t.elem))[1], min(t.elem), max(t.need), max(t.arrived), min(t.rank), min(t.ready_at), min(t.started_at), min(t.due_at)
  from t group by 1, 2, 3, 4, 5, 6, 7, 8, 9
  order by array_position(array['running', 'ready', 'later', 'sleep', 'signal', 'child', 'bounded', 'map', 'join', 'still'], t.class), min(t.ready_at), t.node
$$;

-- Why a token that is ready is not claimed.
create function pgflow.why_ready_1(p_workflow text, p_version int, p_spec jsonb, p_node smallint, p_queue int, p_rank bigint)
returns table (code text, reason text, until timestamptz, detail jsonb) language plpgsql stable rows 2 as $$
#variable_conflict use_column
declare
  version text := p_workflow || '@' || p_version;
  servers pgflow.worker[];
  able pgflow.worker[];
  options jsonb := coalesce(p_spec -> 'options', '{}');
  devices int[];
  pool record;
  ahead bigint;
  waits boolean := false;
begin
  select array_agg(w), array_agg(w) filter (where not exists (
      select from jsonb_array_elements(w.offers -> 'refuses') f where f ->> 'step' = p_spec ->> 'step' and p_node > 0))
    into servers, able from pgflow.worker w where w.lease_until > pgflow.clock() and w.offers -> 'serves' ? version;
  if servers is null then
    return query select
      case when count(*) = 0 then 'no_worker' else 'unserved' end,
      case when count(*) = 0 then 'for a worker: none is alive' else 'for a worker that has `' || version || '`; those alive have '
        || string_agg(format('%s (`%s`)', coalesce(o.serves, 'nothing'), o.name), ', ') end,
      null::timestamptz, jsonb_build_object('version', version, 'alive', coalesce(jsonb_object_agg(o.name, o.serves) filter (where o.name is not null), '{}'))
    from (select w.name, (select string_agg('`' || s || '`', ', ' order by s) from jsonb_array_elements_text(w.offers -> 'serves') s) serves
          from pgflow.worker w where w.lease_until > pgflow.clock() order by w.name limit 10) o;
    return;
  end if;
  if able is null then
    return query select 'refused', 'for a worker that can run it: ' || string_agg(distinct f ->> 'why', '; '), null::timestamptz,
        jsonb_build_object('why', jsonb_agg(distinct f ->> 'why'))
      from unnest(servers) s cross join jsonb_array_elements(s.offers -> 'refuses') f where f ->> 'step' = p_spec ->> 'step';
    return;
  end if;

  for pool in
    select p.id, p.name, split_part(p.name, ':', 1) kind, substr(p.name, strpos(p.name, ':') + 1) what, coalesce(p.override, p.declared) size,
           (select min(s.free_at) from pgflow.slot s where s.pool = p.id and s.free_at > pgflow.clock()) free_at
    from pgflow.pool p
    where (p.name = 'workflow:' || p_workflow and p_node = 0
        or p.name in ('step:' || (p_spec ->> 'step'), 'rate:' || (p_spec ->> 'step'), 'exclusive:' || (options ->> 'exclusive')))
      and not exists (select from pgflow.slot s where s.pool = p.id and s.n <= coalesce(p.override, p.declared)
                        and s.run_id is null and (s.free_at is null or s.free_at <= pgflow.clock()))
    order by p.name loop
    waits := true;
    if pool.kind = 'rate' then
      return query select 'rate', format('for its rate of %s: the next may begin %s', pool.size || ' in ' || pgflow.lasting_1(substring(options ->> 'rate_limit' from '/(\d+)ms')::bigint * interval '1 millisecond'),
          pgflow.coming_1(pool.free_at)),
        pool.free_at, jsonb_build_object('pool', pool.name, 'size', pool.size);
    else
      return query select case pool.kind when 'workflow' then 'concurrency' when 'exclusive' then 'exclusive' else 'limit' end,
          format(case pool.kind when 'workflow' then 'for the concurrency of `%s`, %s/%s' when 'exclusive' then 'for the exclusive `%s`, %s/%s' else 'for the limit of `%s`, %s/%s' end
            || coalesce(', ' || h.reason, ''), pool.what, pool.size, pool.size),
          null::timestamptz, jsonb_build_object('pool', pool.name, 'size', pool.size, 'runs', to_jsonb(h.runs))
        from pgflow.holders_1(array[pool.id]) h;
    end if;
  end loop;
  if (options ->> 'gpu')::int > 0 then
    select array_agg(p.id) into devices from unnest(able) a cross join jsonb_array_elements_text(a.offers -> 'gpus') g
      join pgflow.pool p on p.name = 'gpu:' || g;
    if (select count(*) from pgflow.slot s where s.pool = any(devices) and s.run_id is null) < (options ->> 'gpu')::int then
      waits := true;
      return query select 'gpu', format('for %s GPU(s) of %s', options ->> 'gpu', cardinality(devices)) || coalesce(', ' || h.reason, ''),
          null::timestamptz, jsonb_build_object('size', cardinality(devices), 'runs', to_jsonb(h.runs))
        from pgflow.holders_1(devices) h;
    end if;
  end if;
  if waits then return; end if;

  select coalesce(sum(c.n), 0) into ahead from (select distinct q.id
      from unnest(able) a cross join jsonb_array_elements_text(a.offers -> 'serves') v
      join pgflow.workflow f on f.name = split_part(v, '@', 1) and f.version = split_part(v, '@', 2)::int
      join pgflow.queue q on q.workflow_id = f.id) u
    cross join lateral (select count(*) n from (select from pgflow.task k where k.ready_in = u.id and k.rank < p_rank limit 1000) b) c;
  return query
  select case when w.free > 0 and options ?| array['memory_bytes', 'cpu_milli'] then 'resources' when w.free > 0 then 'next' else 'busy' end,
    case when w.free > 0 and options ?| array['memory_bytes', 'cpu_milli'] then 'for a worker that has free '
           || concat_ws(' and ', pg_size_pretty((options ->> 'memory_bytes')::bigint) || ' of memory', (options ->> 'cpu_milli') || ' thousandths of a core')
         when w.free > 0 then format('to be claimed next: %s of %s slots of the live workers that serve it are free', w.free, w.slots)
         else format('for a slot: all live workers that serve it are busy (%s of %s slots)', w.slots - w.free, w.slots) end
      || case when ahead > 0 then format(', with %s task%s before it', case when ahead >= 1000 then 'a thousand or more' else ahead::text end, case when ahead > 1 then 's' else '' end) else '' end,
    null::timestamptz, jsonb_build_object('workers', to_jsonb(w.names), 'slots', w.slots, 'free', w.free, 'ahead', ahead)
  from (select array_agg(a.name order by a.name) names, sum((a.offers ->> 'slots')::int) slots,
          sum(greatest((a.offers ->> 'slots')::int - coalesce(a.busy, 0), 0)) free from unnest(able) a) w;
end $$;

-- The nodes that a token at a join waits for: those before it that have not settled, which are those where a token of the
-- run stands or that come after one.
create function pgflow.unsettled_1(p_run bigint, p_workflow text, p_nodes jsonb, p_lane smallint, p_id text) returns text[] language sql stable as $$
  with recursive edge as materialized (
    select n ->> 'id' id, d.before from jsonb_array_elements(p_nodes) n cross join lateral (
      select jsonb_array_elements_text(n -> 'deps') before
      union select jsonb_array_elements_text(n -> 'after')
      union select n -> 'condition' ->> 'branch' where n ? 'condition') d),
  open(id) as (
    select m.id from pgflow.task k join pgflow.node m on m.workflow = p_workflow and m.number = k.node
      where k.run_id = p_run and (k.lane, k.elem) <> (p_lane, 0)
    union select e.id from open o join edge e on e.before = o.id)
  select array_agg(o.id order by o.id) from open o
  where case when p_id = 'end' then not exists (select from edge e where e.before = o.id)
             else exists (select from edge e where e.id = p_id and e.before = o.id) end
$$;

-- Every reason why a run is not further along, most telling first; no row: there is no such run.
--   code     what kind of reason: ended, paused, overdue, running, evaluating, batch, silent, lost, no_worker, unserved, refused, limit, exclusive,
--            concurrency, rate, gpu, resources, busy, next, delayed, retry, cached, suspect, later, sleep, signal, child, bounded, map, join, still
--   node     where; element: of a map, from 0, where it is one; tasks: how many the reason is about
--   since, until   when it began to wait or run, and when that ends by itself, where that is known
--   reason   for people; detail: the same for programs
create function pgflow.why_1(p_run bigint)
returns table (code text, node text, element int, tasks int, since timestamptz, until timestamptz, reason text, detail jsonb)
language plpgsql stable rows 10 as $$
#variable_conflict use_column
declare
  run record;
  t record;
  who text;                                        -- the token or tokens, as the subject of a sentence
  many boolean;
  tries text;
begin
  select r.*, f.name, f.version, f.definition -> 'nodes' nodes, p.actor, p.at paused_at into run
    from pgflow.run r join pgflow.workflow f on f.id = r.workflow_id left join pgflow.pause p on p.run_id = r.id where r.id = p_run;
  if not found then return; end if;
  if run.state <> 0 then
    return query select * from pgflow.why_ended_1(p_run);
    return;
  end if;
  if run.actor is not null then
    return query select 'paused', null::text, null::int, 0, run.paused_at, null::timestamptz,
      format('paused by %s %s ago; what is under way finishes, nothing else begins', run.actor, pgflow.lasting_1(pgflow.clock() - run.paused_at)),
      jsonb_build_object('actor', run.actor);
  elsif run.deadline <= pgflow.clock() then
    return query select 'overdue', null::text, null::int, 0, run.deadline, null::timestamptz,
      format('its deadline passed %s ago; %s', pgflow.lasting_1(pgflow.clock() - run.deadline), case
        when exists (select from pgflow.worker w where w.lease_until > pgflow.clock()) then 'a worker ends it within seconds' else 'no worker is alive to end it' end),
      jsonb_build_object('deadline', run.deadline);
  end if;

  if not exists (select from pgflow.worker w where w.lease_until > pgflow.clock())
      and exists (select from pgflow.task k where k.run_id = p_run and k.ready_in is null and k.worker_id is null) then
    return query select 'no_worker', null::text, null::int, 0, null::timestamptz, null::timestamptz,
      'no worker is alive, so no delay, sleep, retry or deadline comes to its end', null::jsonb;
  end if;

  for t in select * from pgflow.standing_1(p_run, run.name, run.nodes) loop
    many := t.tasks > 1;
    who := case when many then t.tasks || ' elements of `' || t.id || '`' when t.elem > 0 then 'element ' || t.elem - 1 || ' of `' || t.id || '`'
                when t.node = 0 then 'its start' when t.node < 0 then 'its final value' else '`' || t.id || '`' end;
    tries := case when t.spec ? 'options' and not t.control
                  then format(' (attempt %s of %s)', t.attempt - t.losses, 1 + coalesce((t.spec -> 'options' ->> 'retries')::int, 0)) else '' end;
    if t.class = 'running' then
      return query select w.code, t.id, case when not many and t.elem > 0 then t.elem - 1 end, t.tasks, t.started_at, w.until, w.reason, w.detail
        from pgflow.why_running_1(p_run, t.spec, t.node, t.elem, t.worker_id, t.started_at, t.control, many, who, tries) w;
    elsif t.class = 'ready' then
      return query select w.code, t.id, case when not many and t.elem > 0 then t.elem - 1 end, t.tasks, t.ready_at, w.until,
          format('%s %s %s', who, case when many then 'wait' else 'waits' end, w.reason), w.detail
        from pgflow.why_ready_1(run.name, run.version, t.spec, t.node, t.queue, t.rank) w;
    elsif t.class in ('bounded', 'map', 'join') then
      return query select t.class, t.id, null::int, t.tasks, t.ready_at, null::timestamptz, case t.class
          when 'bounded' then format('%s %s for others: at most %s of this map may be under way at once', who, case when many then 'wait' else 'waits' end, t.spec ->> 'limit')
          when 'map' then format('`%s` waits for %s of its %s elements', t.id, t.need - t.arrived, t.need - 1)
          else format('%s waits for %s', who, array_to_string(array(select '`' || u || '`' from unnest(b.nodes) u), ', ')) end,
          case t.class when 'bounded' then jsonb_build_object('limit', t.spec -> 'limit')
            when 'map' then jsonb_build_object('elements', t.need - 1, 'settled', t.arrived - 1) else jsonb_build_object('nodes', b.nodes) end
        from (select case when t.class = 'join' then pgflow.unsettled_1(p_run, run.name, run.nodes, t.lane, t.id) end nodes) b;
    elsif t.class <> 'still' then
      return query select w.code, t.id, case when not many and t.elem > 0 then t.elem - 1 end, t.tasks, t.ready_at, t.due_at, w.reason, w.detail
        from pgflow.why_waiting_1(p_run, t.class, t.spec, t.node, t.lane, t.elem, t.attempt, t.losses, t.due_at, many, who, tries) w;
    elsif run.actor is null then
      return query select 'still', t.id, null::int, t.tasks, t.ready_at, null::timestamptz, who || ' stands still', null::jsonb;
    end if;
  end loop;
end $$;

-- How a run ended, as a reason.
create function pgflow.why_ended_1(p_run bigint)
returns table (code text, node text, element int, tasks int, since timestamptz, until timestamptz, reason text, detail jsonb)
language sql stable rows 1 as $$
  select 'ended', a.id, case when a.elem > 0 then a.elem - 1 end, 0, r.ended_at, null::timestamptz,
    case when r.state = 1 then format('completed %s ago, after %s', pgflow.lasting_1(pgflow.clock() - r.ended_at), pgflow.lasting_1(r.ended_at - r.created_at))
         else format('%s %s ago%s: %s', (array['failed', 'cancelled', 'timed out'])[r.state - 1], pgflow.lasting_1(pgflow.clock() - r.ended_at),
                coalesce(format(' at `%s` (attempt %s)', a.id, a.attempt), ''), r.error ->> 'message') end
      || coalesce('; repeated as run ' || n.id, ''),
    jsonb_build_object('state', (array['completed', 'failed', 'cancelled', 'timed_out'])[r.state], 'error', r.error, 'repeated_as', n.id)
  from pgflow.run r join pgflow.workflow f on f.id = r.workflow_id
  left join lateral (
    select m.id, b.elem, b.attempt from pgflow.attempt b join pgflow.node m on m.workflow = f.name and m.number = b.node
    where b.run_id = r.id and r.state = 2 and b.status in (2, 3, 4) order by b.ended_at desc, b.attempt desc limit 1) a on true
  left join lateral (select o.id from pgflow.run o where o.origin = r.id order by o.id desc limit 1) n on true
  where r.id = p_run
$$;

-- What becomes of tokens that run. A worker renews its lease of 10 s every 3 s.
create function pgflow.why_running_1(p_run bigint, p_spec jsonb, p_node smallint, p_elem int, p_worker int, p_started timestamptz, p_control boolean,
  p_many boolean, p_who text, p_tries text)
returns table (code text, reason text, until timestamptz, detail jsonb) language sql stable rows 1 as $$
  select case when w.lease_until is null or w.lease_until <= pgflow.clock() then 'lost'
              when w.lease_until < pgflow.clock() + interval '5 seconds' then 'silent'
              when g.linger > a.age then 'batch' when p_control then 'evaluating' else 'running' end,
    case when w.lease_until is null or w.lease_until <= pgflow.clock()
           then format('%s ran on %s, which is lost%s; %s', p_who, n.shown, coalesce(' for ' || pgflow.lasting_1(pgflow.clock() - w.lease_until), ''), case
             when exists (select from pgflow.worker o where o.lease_until > pgflow.clock()) then 'another worker takes over within seconds' else 'no worker is alive to take over' end)
         when w.lease_until < pgflow.clock() + interval '5 seconds'
           then format('%s %s on %s, which has been silent for %s; its lease runs out in %s', p_who, case when p_many then 'run' else 'runs' end, n.shown,
             pgflow.lasting_1(pgflow.clock() + interval '10 seconds' - w.lease_until), pgflow.lasting_1(w.lease_until - pgflow.clock()))
         when g.linger > a.age then format('%s %s on %s for others to share a call: up to %s of them, for up to %s', p_who, case when p_many then 'wait' else 'waits' end, n.shown,
             substring(p_spec -> 'options' ->> 'batch' from '\d+'), pgflow.lasting_1(g.linger))
         when p_control then format('%s is being evaluated on %s', p_who, n.shown)
         else format('%s %s on %s for %s%s', p_who, case when p_many then 'have been running' else 'has been running' end, n.shown, pgflow.lasting_1(a.age), p_tries)
           || coalesce(', ' || p.done || ' of ' || p.total, '') || coalesce(': ' || p.note, '') end,
    w.lease_until, jsonb_build_object('worker', w.name)
      || case when p.run_id is null then '{}' else jsonb_build_object('done', p.done, 'total', p.total, 'note', p.note) end
  from (select pgflow.clock() - p_started age) a
  left join pgflow.worker w on w.id = p_worker
  cross join lateral (select coalesce('`' || w.name || '`', 'a worker') shown) n
  left join pgflow.progress p on not p_many and not p_control and p.run_id = p_run and p.node = p_node and p.elem = greatest(p_elem, 0)
  cross join lateral (select substring(p_spec -> 'options' ->> 'batch' from '/(\d+)ms')::int * interval '1 millisecond' linger) g
$$;

-- What tokens wait for that are neither ready nor running.
create function pgflow.why_waiting_1(p_run bigint, p_class text, p_spec jsonb, p_node smallint, p_lane smallint, p_elem int, p_attempt smallint, p_losses smallint,
  p_due timestamptz, p_many boolean, p_who text, p_tries text)
returns table (code text, reason text, detail jsonb) language plpgsql stable rows 1 as $$
#variable_conflict use_column
declare
  coming text := pgflow.coming_1(p_due);
  error text;
  runs bigint[];
begin
  if p_class = 'sleep' then
    return query select 'sleep', format('%s: the run sleeps and goes on %s', p_who, coming), null::jsonb;
  elsif p_class = 'signal' then
    return query select 'signal', format('waits for signal `%s`, which nobody has sent', p_spec ->> 'signal') || coalesce('; it gives up ' || coming, ''),
      jsonb_build_object('signal', p_spec ->> 'signal');
  elsif p_class = 'child' then
    return query select 'child', format('%s waits for run %s of `%s`', p_who, c.id, c.name) || coalesce(': ' || w.reason, ''),
        jsonb_build_object('run', c.id, 'workflow', c.name, 'code', w.code)
      from (select r.id, f.name from pgflow.run r join pgflow.workflow f on f.id = r.workflow_id
            where r.parent_run = p_run and r.parent_lane = p_lane and r.parent_elem = p_elem order by r.id desc limit 1) c
      left join lateral (select y.code, y.reason from pgflow.why_1(c.id) y limit 1) w on true;
  elsif p_node = 0 then
    return query select 'delayed', 'its start was delayed: it begins ' || coming, null::jsonb;
  else
    select a.error ->> 'message' into error from pgflow.attempt a
      where a.run_id = p_run and a.node = p_node and a.elem = greatest(p_elem, 0) and a.attempt = p_attempt - 1 and a.status in (2, 3);
    select array_agg(distinct c.run_id) into runs from pgflow.cache c where p_spec -> 'options' ? 'cache_ms' and c.step = p_spec ->> 'step' and c.value is null;
    if error is not null then
      return query select 'retry', format('%s %s tried again %s%s after: %s', p_who, case when p_many then 'are' else 'is' end, coming, p_tries, error),
        jsonb_build_object('attempt', p_attempt - p_losses, 'error', error);
    elsif runs is not null then
      return query select 'cached', format('%s waits for an equal result that run %s computes', p_who, array_to_string(runs, ' or ')), jsonb_build_object('runs', runs);
    elsif p_losses > 1 then
      return query select 'suspect', format('%s was running when %s workers died; it runs alone from now on, next %s', p_who, p_losses, coming), jsonb_build_object('losses', p_losses);
    else
      return query select 'later', format('%s %s on %s', p_who, case when p_many then 'go' else 'goes' end, coming), null::jsonb;
    end if;
  end if;
end $$;

-- The same for the run that was started under a key.
create function pgflow.why_1(p_workflow text, p_key text)
returns table (run_id bigint, code text, node text, element int, tasks int, since timestamptz, until timestamptz, reason text, detail jsonb)
language sql stable rows 10 as $$
  select k.run_id, w.* from pgflow.run_key k cross join lateral pgflow.why_1(k.run_id) w where k.workflow = p_workflow and k.key = p_key
$$;
