-- Called by a promotion that holds the champion's lock and found no decision, so that no second one can come between.
insert into architecture_learning.model (artifact, dataset, kind, metrics, decision)
values ($1, $2, $3, $4::jsonb, $5::jsonb)
