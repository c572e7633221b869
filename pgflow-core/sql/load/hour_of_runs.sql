-- Called by whoever asks how the last hour went: runs that ended, by workflow. Takes no locks; reads the counts of an hour.
select t.workflow, sum(t.completed)::bigint as completed, sum(t.failed)::bigint as failed, sum(t.cancelled)::bigint as cancelled,
       sum(t.timed_out)::bigint as timed_out
from pgflow.throughput t where t.minute > pgflow.clock() - interval '1 hour' and t.minute <= pgflow.clock() group by t.workflow order by t.workflow
