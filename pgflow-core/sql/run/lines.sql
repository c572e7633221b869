-- Called by clients that list runs: a line for each of these. Takes no locks.
select r.id, w.name, w.version, r.state, r.created_at, r.ended_at, r.error::text as error, k.key, p.run_id is not null as paused,
  array(select distinct coalesce(n.id, case when t.node = 0 then 'start' else 'end' end) from (
      select t.node from pgflow.task t where t.run_id = r.id and t.arrived = t.need limit 100) t
    left join pgflow.node n on n.workflow = w.name and n.number = t.node order by 1) as at
from pgflow.run r
join pgflow.workflow w on w.id = r.workflow_id
left join pgflow.pause p on p.run_id = r.id
left join lateral (select k.key from pgflow.run_key k where k.run_id = r.id limit 1) k on true
where r.id = any($1) order by r.id desc
