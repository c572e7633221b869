-- Called by prune. Takes the locks of rows that nobody changes any more; one that is open stays, however old.
delete from pgflow.alert a where a.cleared_at < pgflow.clock() - $1 * interval '1 millisecond'
