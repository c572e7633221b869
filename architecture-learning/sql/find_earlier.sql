-- Called by a rollback that holds the champion's lock: the last model that was promoted before the one that serves.
select earlier.artifact
from architecture_learning.champion
join architecture_learning.model as serving on serving.artifact = champion.artifact
join architecture_learning.model as earlier on earlier.deployed_at < serving.deployed_at
where (earlier.decision ->> 'promoted')::boolean
order by earlier.deployed_at desc
limit 1
