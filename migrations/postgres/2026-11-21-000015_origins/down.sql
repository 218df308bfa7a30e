DROP TABLE engagement_candidates;
CREATE TABLE engagement_candidates (
    local_government_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    engagement_id TEXT COLLATE "C" NOT NULL,
    contractor_id TEXT COLLATE "C" NOT NULL,
    result TEXT COLLATE "C" NOT NULL,
    decided_on DATE,
    note TEXT COLLATE "C",
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, engagement_id) REFERENCES engagements (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id),
    UNIQUE (local_government_id, engagement_id, contractor_id)
);
DROP TABLE entry_origins;
