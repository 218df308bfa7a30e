-- Whether 地方自治法施行規則第16条の3 applies to an organization, and how its eight areas of measures stand.
CREATE TABLE measure_areas (
    local_government_id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    applies BOOLEAN NOT NULL,
    reason TEXT NOT NULL,
    areas TEXT NOT NULL,
    judged_on DATE NOT NULL,
    judged_by_person_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (local_government_id, organization_id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, judged_by_person_id) REFERENCES people (local_government_id, id)
);

-- The ledger of an organization as it was, entry by entry, and the signature over it.
CREATE TABLE fiscal_year_snapshots (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    fiscal_year INTEGER NOT NULL,
    reason TEXT NOT NULL,
    header TEXT NOT NULL,
    taken_by_person_id TEXT NOT NULL,
    taken_at BIGINT NOT NULL,
    entries_total BIGINT NOT NULL,
    entries_done BIGINT NOT NULL,
    last_entry_id TEXT NOT NULL,
    completed_at BIGINT,
    sha256 TEXT,
    kid TEXT,
    jws TEXT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, organization_id) REFERENCES organizations (local_government_id, id),
    FOREIGN KEY (local_government_id, taken_by_person_id) REFERENCES people (local_government_id, id)
);

CREATE INDEX fiscal_year_snapshots_organization ON fiscal_year_snapshots (local_government_id, organization_id, id);
CREATE INDEX fiscal_year_snapshots_waiting ON fiscal_year_snapshots (local_government_id, id) WHERE completed_at IS NULL;

CREATE TABLE fiscal_year_snapshot_entries (
    local_government_id TEXT NOT NULL,
    snapshot_id TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    line TEXT NOT NULL,
    PRIMARY KEY (local_government_id, snapshot_id, entry_id),
    FOREIGN KEY (local_government_id, snapshot_id) REFERENCES fiscal_year_snapshots (local_government_id, id)
);
