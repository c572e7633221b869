-- Called at registration: limits that only another process's tuning made hold here too. Takes no locks.
select name, id from pgflow.pool where name = any($1)
