-- Gives back the keys that the statement before took for a step of which another commit had one meanwhile: of
-- what is a duplicate nothing is written. It could not do so itself, because a statement does not see its rows.
DELETE FROM event_keys WHERE key = ANY (string_to_array(current_setting('leadwire.give_back', true), ',')::uuid[])
