-- Called with hour_of_runs.sql: attempts of each node, and whole runs of each version (node null). Takes no locks; reads the
-- counts of an hour.
select s.workflow, s.version, s.node, s.completed, s.failed, s.retried, s.skipped, s.mean_waited_ms::bigint as mean_waited_ms,
       s.mean_ms::bigint as mean_ms, s.half_ms, s.p95_ms
from pgflow.steps s order by s.workflow, s.version, s.node nulls first
