-- Called to list models; takes no lock. The newest first, at most a thousand.
select model.artifact, model.metrics::text, model.decision::text,
    coalesce(champion.artifact = model.artifact, false)
from architecture_learning.model
cross join architecture_learning.champion
order by model.deployed_at desc, model.artifact
limit 1000
