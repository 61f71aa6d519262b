-- When an account was frozen by its owner, and when that was last lifted.

ALTER TABLE zalt_users ADD COLUMN frozen_at INTEGER;
ALTER TABLE zalt_users ADD COLUMN recovered_at INTEGER;
