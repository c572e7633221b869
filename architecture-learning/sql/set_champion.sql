-- Called by a promotion that holds the champion's lock, in the transaction that inserts the model.
update architecture_learning.champion
set artifact = $1, promoted_at = now()
