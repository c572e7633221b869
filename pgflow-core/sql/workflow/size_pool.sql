-- Called at registration, pools in order of name. $3: where an operator's size came from, which wins over what versions
-- declare; $4: the caller's version is the newest, whose declared size counts; $5: where the caller's tuning comes from,
-- which withdraws what it no longer says. A caller without tuning leaves an operator's size alone.
insert into pgflow.pool as p (name, declared, override, source)
values ($1, $2::int, case when $3::text is not null then $2::int end, $3)
on conflict (name) do update
set declared = case when $3::text is null and $4::boolean then excluded.declared else p.declared end,
    override = case when $3::text is not null then $2::int when p.source = $5::text then null else p.override end,
    source   = case when $3::text is not null then $3 when p.source = $5::text then null else p.source end
returning id
