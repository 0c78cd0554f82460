-- The secret with which everybody's ids of blurred incidents are made: 128 bits in hexadecimal digits.
INSERT OR IGNORE INTO meta (key, value) VALUES ('secret', lower(hex(randomblob(16))));
