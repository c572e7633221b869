-- Called by clients for a live run: how many live workers have its version, and, where all of them refuse a step of the run
-- that is ready, why the one refuses that comes nearest. Takes no locks; few rows.
with here as materialized (
  select w.id, w.offers from pgflow.worker w where w.lease_until > pgflow.clock() and w.offers -> 'serves' ? $2),
ready as (
  select distinct n ->> 'step' as step
  from pgflow.task k
  join pgflow.queue q on q.id = k.queue
  join pgflow.workflow f on f.id = q.workflow_id
  join pgflow.node d on d.workflow = f.name and d.number = q.node
  cross join jsonb_array_elements(f.definition -> 'nodes') n
  where k.run_id = $1 and k.ready_in is not null and not q.control and n ->> 'id' = d.id),
refused as (
  select r.step, h.id, e ->> 'why' as why, (e ->> 'has')::numeric as has
  from ready r cross join here h cross join jsonb_array_elements(h.offers -> 'refuses') e
  where e ->> 'step' = r.step),
nobody as (
  select r.step from refused r group by r.step having count(distinct r.id) = (select count(*) from here))
select (select count(*) from here) as serving,
       (select r.why from refused r join nobody n on n.step = r.step order by r.has desc nulls last, r.why limit 1) as refusal
