-- How an entry came into the register, and what was judged about the new rules when it did.
CREATE TABLE entry_origins (
    local_government_id TEXT NOT NULL,
    entry_id TEXT NOT NULL,
    predecessor_id TEXT,
    gaps_due_on DATE,
    transitional_treatment TEXT,
    transitional_reason TEXT,
    transitional_judged_on DATE,
    transitional_judged_by_person_id TEXT,
    PRIMARY KEY (local_government_id, entry_id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, predecessor_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, transitional_judged_by_person_id) REFERENCES people (local_government_id, id)
);

CREATE INDEX entry_origins_predecessor ON entry_origins (local_government_id, predecessor_id, entry_id);

DROP TABLE engagement_candidates;
CREATE TABLE engagement_candidates (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    engagement_id TEXT NOT NULL,
    contractor_id TEXT NOT NULL,
    result TEXT NOT NULL,
    decided_on DATE,
    check_sheet_file_id TEXT,
    check_result TEXT NOT NULL,
    checked_on DATE,
    note TEXT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, engagement_id) REFERENCES engagements (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id),
    FOREIGN KEY (local_government_id, check_sheet_file_id) REFERENCES files (local_government_id, id),
    UNIQUE (local_government_id, engagement_id, contractor_id)
);
