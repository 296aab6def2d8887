-- The account books of chartimg in PostgreSQL. Run this once, in the schema that the user of the store finds first.
CREATE TABLE IF NOT EXISTS chartimg_account (
    id text COLLATE "C" PRIMARY KEY,  -- the id of the account
    snapshot text NOT NULL,           -- JSON, without the key
    swaps text[] NOT NULL             -- ids of the last swaps, so that a swap that is sent twice is made once
) WITH (fillfactor = 50);

-- If another user than the owner keeps the books, that user needs no more than this:
-- GRANT SELECT, INSERT, UPDATE ON chartimg_account TO the_user;
