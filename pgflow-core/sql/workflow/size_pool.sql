-- Called at registration, pools in order of name. $3: an operator's size with its source, which wins; $4: the caller's
-- version is the newest, whose declared size counts.
insert into pgflow.pool as p (name, declared, override, source)
values ($1, $2::int, case when $3::text is not null then $2::int end, $3)
on conflict (name) do update
set declared = case when $3::text is null and $4 then excluded.declared else p.declared end,
    override = case when $3::text is not null then $2::int when $4 then null else p.override end,
    source   = case when $3::text is not null then $3 when $4 then null else p.source end
returning id
