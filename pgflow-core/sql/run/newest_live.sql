-- Called by clients that list live runs, which are found by their tokens: of 10,000 at most. Takes no locks.
with recursive live(id, n) as (
  select max(k.run_id), 1 from pgflow.task k where k.run_id < $4
  union all select (select max(k.run_id) from pgflow.task k where k.run_id < l.id), l.n + 1 from live l where l.id is not null and l.n < 10000)
select r.id from live l join pgflow.run r on r.id = l.id join pgflow.workflow w on w.id = r.workflow_id
where ($1::smallint is null or r.state = $1) and ($2::text is null or w.name = $2)
  and ($3::bigint is null or r.created_at >= pgflow.clock() - $3 * interval '1 millisecond')
order by r.id desc limit $5
