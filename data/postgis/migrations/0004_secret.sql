-- The secret with which everybody's ids of blurred incidents are made: 128 bits of a hash of two strong random values.
CREATE TABLE secrets (
  name text PRIMARY KEY,
  value bytea NOT NULL
);
INSERT INTO secrets (name, value)
  SELECT 'ids', substring(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) FROM 1 FOR 16);
