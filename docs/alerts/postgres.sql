-- Alerts over the views of pgflow, for Grafana, an SQL exporter or cron. Each statement has rows where somebody should look,
-- one per subject, and none where all is well. The role pgflow_viewer may run them; none of them takes locks, or reads more
-- than an hour.

-- NoWorker: nothing goes on, and nobody raises the engine's own alerts.
select 'database' as subject, 'no worker is alive, and there is work' as detail
where not exists (select from pgflow.workers where alive) and exists (select from pgflow.tasks);

-- AlertOpen: what the engine itself has raised (AlertRules).
select subject, kind || ': ' || detail as detail from pgflow.alerts where open;

-- QueueOld: something was ready for five minutes, and nobody took it.
select workflow || '@' || version || ' ' || node as subject, ready || ' ready, the oldest for ' || date_trunc('second', age) as detail
from pgflow.queues where age > interval '5 minutes';

-- RunsFailing: half of ten runs or more did not complete within ten minutes.
select workflow as subject, sum(failed + timed_out) || ' of ' || sum(completed + failed + timed_out) || ' runs did not complete' as detail
from pgflow.throughput where minute > pgflow.clock() - interval '10 minutes' and minute <= pgflow.clock()
group by workflow
having sum(completed + failed + timed_out) >= 10 and sum(failed + timed_out) * 2 >= sum(completed + failed + timed_out);

-- RunsTimedOut: runs passed their deadline.
select workflow as subject, count(*) || ' runs passed their deadline, such as ' || max(run_id) as detail
from pgflow.failures where at > pgflow.clock() - interval '10 minutes' and kind = 'timed_out' group by workflow;

-- StepsRetried: a fifth of twenty attempts or more is followed by another.
select workflow || '@' || version || ' ' || node as subject, sum(retried) || ' of ' || sum(completed + failed + retried) || ' attempts were followed by another' as detail
from pgflow.step_minutes where minute > pgflow.clock() - interval '10 minutes'
group by workflow, version, node
having sum(completed + failed + retried) >= 20 and sum(retried) * 5 >= sum(completed + failed + retried);

-- StepSlow: 95 of 100 attempts of the last hour took four times as long as half of them, and over a minute.
select workflow || '@' || version || ' ' || node as subject, '95 of 100 take up to ' || p95_ms / 1000 || ' s, half up to ' || half_ms / 1000 || ' s' as detail
from pgflow.steps where node is not null and p95_ms > 60000 and p95_ms >= 4 * half_ms;

-- LimitExhausted: a limit is held as a whole, and something has waited for a minute.
select name as subject, held || ' of ' || size || ' are held' as detail
from pgflow.limits where held >= size and exists (select from pgflow.queues where kind = 'step' and age > interval '1 minute');
