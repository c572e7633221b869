-- Called by clients that wait for a run. Takes no locks; few rows.
select distinct s from pgflow.worker w cross join jsonb_array_elements_text(w.offers -> 'serves') s
where w.lease_until > pgflow.clock()
