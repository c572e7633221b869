-- Called by clients: all workflows with their versions. Takes no locks; few rows.
select w.name, array_agg(w.version order by w.version desc) as versions from pgflow.workflow w group by 1 order by 1
