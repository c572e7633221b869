-- Called by the doctor. Takes no locks; few rows.
select array(select w.name from pgflow.worker w where w.lease_until > pgflow.clock() order by w.name) as workers, pgflow.clock() as at,
  exists (select from pgflow.task) as work
