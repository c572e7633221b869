-- Called by triggers. Locks the messages that nobody else settles; a start and an archived message, or neither.
select pgflow.trigger_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
