-- Called by the doctor: workers whose lease ran out and who still hold something. Takes no locks; scans the tokens only where there
-- are such workers.
select w.name, (extract(epoch from pgflow.clock() - w.lease_until) * 1000)::bigint as age_ms, k.tasks, s.slots
from pgflow.worker w
cross join lateral (select count(*) as tasks from pgflow.task k where k.worker_id = w.id) k
cross join lateral (select count(*) as slots from pgflow.slot s where s.worker_id = w.id) s
where w.lease_until <= pgflow.clock() and (k.tasks > 0 or s.slots > 0) order by w.lease_until limit 100
