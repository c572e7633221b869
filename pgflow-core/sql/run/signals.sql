-- Called by clients. Takes no locks.
select d ->> 'signal' from pgflow.run r
join pgflow.workflow w on w.id = r.workflow_id
cross join jsonb_array_elements(w.definition -> 'nodes') d
where r.id = $1 and d ? 'signal' order by 1
