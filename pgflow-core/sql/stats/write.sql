-- Called with the heartbeat. A worker writes only rows of its own.
insert into pgflow.stats as s (minute, workflow_id, node, worker_id, completed, failed, retried, skipped, waited_ms, ran_ms, times)
select date_trunc('minute', pgflow.clock()), u.workflow_id, u.node, $1, u.completed, u.failed, u.retried, u.skipped, u.waited_ms, u.ran_ms, u.times::int[]
from unnest($2::int[], $3::smallint[], $4::int[], $5::int[], $6::int[], $7::int[], $8::bigint[], $9::bigint[], $10::text[])
  u(workflow_id, node, completed, failed, retried, skipped, waited_ms, ran_ms, times)
on conflict (minute, workflow_id, node, worker_id) do update set
  completed = s.completed + excluded.completed,
  failed    = s.failed + excluded.failed,
  retried   = s.retried + excluded.retried,
  skipped   = s.skipped + excluded.skipped,
  waited_ms = s.waited_ms + excluded.waited_ms,
  ran_ms    = s.ran_ms + excluded.ran_ms,
  times     = (select array_agg(t.was + t.more order by t.i) from unnest(s.times, excluded.times) with ordinality t(was, more, i))
