-- Called by clients: the lines of a run's attempts, of those that were written last. Takes no locks.
select l.node, l.element, l.attempt, l.said, l.lines, l.at
from (select v.* from pgflow.logs v where v.run_id = $1 order by v.at desc limit 100) l
order by l.at, l.node, l.element nulls first, l.attempt
