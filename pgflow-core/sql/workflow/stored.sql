-- Called by whoever compares versions. Takes no locks.
select w.id, w.name, w.version, w.definition::text as definition,
       array(select n.id from pgflow.node n where n.workflow = w.name order by n.number) as ids,
       array(select n.number from pgflow.node n where n.workflow = w.name order by n.number) as numbers
from pgflow.workflow w where w.id = any($1) or w.name = $2 order by w.name, w.version
