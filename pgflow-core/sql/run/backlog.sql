-- Called by whoever asks how many workers are wanted: queues with work, how long a task of theirs took in the last hour on
-- average, and how many a limit lets run. Takes no locks. Of a longer queue the first hundred thousand are counted.
with busy as materialized (
  select k.queue, count(*) as running from pgflow.task k where k.worker_id is not null group by k.queue)
select w.name, w.version, coalesce(n.id, case when q.node = 0 then 'start' else 'end' end) as node, q.control,
       t.ready, coalesce(b.running, 0) as running, s.mean_ms,
       (select min(coalesce(p.override, p.declared)) from pgflow.pool p where p.name in (
          select 'step:' || (e ->> 'step') from jsonb_array_elements(w.definition -> 'nodes') e where e ->> 'id' = n.id and not q.control
          union all
          select 'exclusive:' || (e -> 'options' ->> 'exclusive') from jsonb_array_elements(w.definition -> 'nodes') e
            where e ->> 'id' = n.id and not q.control)) as size
from pgflow.queue q
join pgflow.workflow w on w.id = q.workflow_id
left join pgflow.node n on n.workflow = w.name and n.number = q.node
left join busy b on b.queue = q.id
cross join lateral (
  select count(*) as ready from (select from pgflow.task k where k.ready_in = q.id limit 100000) k) t
left join lateral (
  select (sum(s.ran_ms) / nullif(sum(s.completed + s.failed + s.retried), 0))::bigint as mean_ms from pgflow.stats s
  where s.minute > pgflow.clock() - interval '1 hour' and s.workflow_id = w.id and s.node = q.node) s on not q.control
where t.ready > 0 or b.running > 0
order by 1, 2, 3
