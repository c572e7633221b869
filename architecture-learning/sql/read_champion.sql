-- Called by the repair of the pointer file, which holds the champion's lock. No row before the first promotion.
select model.artifact, model.metrics::text, extract(epoch from champion.promoted_at)::bigint
from architecture_learning.champion
join architecture_learning.model on model.artifact = champion.artifact
