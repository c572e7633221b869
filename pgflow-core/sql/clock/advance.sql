-- Called by tests, in a transaction that has locked the table of workers. Moves the clock by $1 microseconds and every
-- lease with it; those who listen do what is due.
with jump as (
  update pgflow.virtual_time set ahead = ahead + $1 * interval '1 microsecond'),
carried as (
  update pgflow.worker set lease_until = lease_until + $1 * interval '1 microsecond')
select pg_notify('pgflow_due', '')
