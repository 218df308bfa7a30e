-- How an entry came into the register, and what was judged about the new rules when it did.
CREATE TABLE entry_origins (
    local_government_id TEXT COLLATE "C" NOT NULL,
    entry_id TEXT COLLATE "C" NOT NULL,
    predecessor_id TEXT COLLATE "C",
    gaps_due_on DATE,
    transitional_treatment TEXT COLLATE "C",
    transitional_reason TEXT COLLATE "C",
    transitional_judged_on DATE,
    transitional_judged_by_person_id TEXT COLLATE "C",
    PRIMARY KEY (local_government_id, entry_id),
    FOREIGN KEY (local_government_id, entry_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, predecessor_id) REFERENCES entries (local_government_id, id),
    FOREIGN KEY (local_government_id, transitional_judged_by_person_id) REFERENCES people (local_government_id, id)
);

CREATE INDEX entry_origins_predecessor ON entry_origins (local_government_id, predecessor_id, entry_id);

DROP TABLE engagement_candidates;
CREATE TABLE engagement_candidates (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    engagement_id TEXT COLLATE "C" NOT NULL,
    contractor_id TEXT COLLATE "C" NOT NULL,
    result TEXT COLLATE "C" NOT NULL,
    decided_on DATE,
    check_sheet_file_id TEXT COLLATE "C",
    check_result TEXT COLLATE "C" NOT NULL,
    checked_on DATE,
    note TEXT COLLATE "C",
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, engagement_id) REFERENCES engagements (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id),
    FOREIGN KEY (local_government_id, check_sheet_file_id) REFERENCES files (local_government_id, id),
    UNIQUE (local_government_id, engagement_id, contractor_id)
);
