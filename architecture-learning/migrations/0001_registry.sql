-- Which models there were, and which one serves. Processes that migrate at once wait for each other.
select pg_advisory_xact_lock(7022364301936124513);

create schema if not exists architecture_learning;

-- A row for every artifact that was ever decided on; never changed.
create table if not exists architecture_learning.model (
    artifact text primary key check (artifact ~ '^[0-9a-f]{64}$'),
    dataset text not null,
    kind text not null check (kind in ('network', 'regression')),
    metrics jsonb not null,
    decision jsonb not null check (jsonb_typeof(decision -> 'promoted') = 'boolean'),
    deployed_at timestamptz not null default now()
);

-- One row, which whoever decides locks first; without an artifact until the first promotion.
create table if not exists architecture_learning.champion (
    one boolean primary key default true check (one),
    artifact text references architecture_learning.model,
    promoted_at timestamptz,
    check ((artifact is null) = (promoted_at is null))
);

insert into architecture_learning.champion default values on conflict do nothing;
