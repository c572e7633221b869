-- Called by clients that list runs that did not complete. Takes no locks.
select r.id from pgflow.failure f join pgflow.run r on r.id = f.run_id join pgflow.workflow w on w.id = r.workflow_id
where ($1::smallint is null or r.state = $1) and ($2::text is null or w.name = $2)
  and ($3::bigint is null or r.created_at >= pgflow.clock() - $3 * interval '1 millisecond') and f.run_id < $4
order by f.run_id desc limit $5
