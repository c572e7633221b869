-- Called with the heartbeat. Rows are keyed by task, so that writers of one task exclude each other.
insert into pgflow.progress (run_id, node, elem, done, total, note, at)
select u.run_id, u.node, u.elem, u.done, u.total, u.note, pgflow.clock()
from unnest($1::bigint[], $2::smallint[], $3::int[], $4::bigint[], $5::bigint[], $6::text[]) u(run_id, node, elem, done, total, note)
order by 1, 2, 3
on conflict (run_id, node, elem) do update
set done = excluded.done, total = excluded.total, note = excluded.note, at = excluded.at
