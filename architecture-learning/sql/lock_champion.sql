-- Called first by every promotion and by every repair of the pointer file. Locks the champion's only row until the end
-- of the transaction, so that decisions, and writes of the pointer file, happen one after the other.
select champion.artifact
from architecture_learning.champion
for update
