-- What must be one for all shards, in a schema of its own: beside the tables of a shard, or in a database of its own.

CREATE SCHEMA IF NOT EXISTS tenancy_registry;

-- Commits that have reserved names and aren't finished. Few rows, and short-lived.
CREATE TABLE IF NOT EXISTS tenancy_registry.attempts (
    id     uuid    PRIMARY KEY,
    commit json    NOT NULL,
    helped boolean NOT NULL DEFAULT false -- somebody makes it who didn't begin it, so it can't be given up any more
);

-- What is unique over all shards. A row whose attempt is gone says who holds the name.
CREATE TABLE IF NOT EXISTS tenancy_registry.names (
    scope           smallint         NOT NULL, -- 0 a commit's id, 1 a domain's name
    key             text COLLATE "C" NOT NULL,
    organization_id uuid             NOT NULL,
    attempt         uuid             NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX IF NOT EXISTS names_attempt ON tenancy_registry.names (attempt);

-- Where organizations live that don't live where their hash says, or once didn't.
CREATE TABLE IF NOT EXISTS tenancy_registry.exceptions (
    organization_id uuid   PRIMARY KEY,
    shard           text   NOT NULL,
    generation      bigint NOT NULL, -- rises whenever the row is written
    moving_from     text,
    moving_to       text
);

-- One row. It rises whenever an exception is written.
CREATE TABLE IF NOT EXISTS tenancy_registry.epoch (
    alone boolean PRIMARY KEY DEFAULT true CHECK (alone),
    epoch bigint  NOT NULL
);
INSERT INTO tenancy_registry.epoch (epoch) VALUES (0) ON CONFLICT DO NOTHING;
