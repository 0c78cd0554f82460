-- The unit of which the place was a part on the day, with its name, and the tehsil or Afghan district.
ALTER TABLE incidents ADD COLUMN unit_then TEXT;
ALTER TABLE incidents ADD COLUMN district_then TEXT;
ALTER TABLE incidents ADD COLUMN subunit_id TEXT;
