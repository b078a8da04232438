-- A dead letter keeps the first bytes of a refused message, and of the whole its size and SHA-256; those before this have neither.
ALTER TABLE dead_letters
    ADD COLUMN size_bytes bigint,
    ADD COLUMN sha256     text,
    ADD COLUMN is_cut     boolean;
