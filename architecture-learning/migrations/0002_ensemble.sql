-- A regression and a network together are a kind of model. Processes that migrate at once wait for each other.
select pg_advisory_xact_lock(7022364301936124513);

alter table architecture_learning.model
    drop constraint if exists model_kind_check,
    add constraint model_kind_check check (kind in ('network', 'regression', 'ensemble'));
