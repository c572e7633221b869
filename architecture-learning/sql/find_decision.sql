-- Called by a promotion that holds the champion's lock: a repeat of a step finds its own decision.
select model.decision::text
from architecture_learning.model
where model.artifact = $1
