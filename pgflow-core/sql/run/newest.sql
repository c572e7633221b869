-- Called by clients that list runs of any state, or completed ones. Takes no locks; reads from the newest run down.
select r.id from pgflow.run r join pgflow.workflow w on w.id = r.workflow_id
where ($1::smallint is null or r.state = $1) and ($2::text is null or w.name = $2)
  and ($3::bigint is null or r.created_at >= pgflow.clock() - $3 * interval '1 millisecond') and r.id < $4
order by r.id desc limit $5
