-- Called before a failure is recorded, and with the heartbeat for runs that somebody looks at. Rows are keyed by attempt,
-- so that writers of one attempt exclude each other; who has not heard more of it changes nothing, but for who has seen it end ($8).
insert into pgflow.log as l (run_id, node, elem, attempt, epoch, said, lines, at)
select u.run_id, u.node, u.elem, u.attempt, u.epoch, u.said, u.lines, pgflow.clock()
from unnest($1::bigint[], $2::smallint[], $3::int[], $4::smallint[], $5::int[], $6::bigint[], $7::text[])
  u(run_id, node, elem, attempt, epoch, said, lines)
where exists (select from pgflow.run r where r.id = u.run_id)
order by 1, 2, 3, 4
on conflict (run_id, node, elem, attempt) do update
set epoch = excluded.epoch, said = excluded.said, lines = excluded.lines, at = excluded.at
where (excluded.epoch, excluded.said) > (l.epoch, l.said) or $8 and (excluded.epoch, excluded.said) = (l.epoch, l.said)
