-- Called by prune. Takes the locks of rows that no worker writes any more.
delete from pgflow.stats s where s.minute < pgflow.clock() - $1 * interval '1 millisecond'
