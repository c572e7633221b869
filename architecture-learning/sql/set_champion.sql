-- Called by a promotion that holds the champion's lock, in the transaction that inserts the model,
-- and by a person's choice.
update architecture_learning.champion
set artifact = $1, promoted_at = now()
