-- Called at registration after a pool was sized. Free rows beyond the size go; held ones are passed over by claims and
-- go at a later registration.
with size as (select coalesce(override, declared) n from pgflow.pool where id = $1),
made as (insert into pgflow.slot (pool, n) select $1, g from size, generate_series(1, size.n) g on conflict do nothing)
delete from pgflow.slot s using size where s.pool = $1 and s.n > size.n and s.run_id is null
