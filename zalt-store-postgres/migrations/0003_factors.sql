-- When an account was frozen by its owner, and when that was last lifted.

ALTER TABLE zalt.users ADD COLUMN frozen_at BIGINT, ADD COLUMN recovered_at BIGINT;
