DROP TABLE engagement_candidates;
CREATE TABLE engagement_candidates (
    local_government_id TEXT NOT NULL,
    id TEXT NOT NULL,
    engagement_id TEXT NOT NULL,
    contractor_id TEXT NOT NULL,
    result TEXT NOT NULL,
    decided_on DATE,
    note TEXT,
    PRIMARY KEY (local_government_id, id),
    FOREIGN KEY (local_government_id, engagement_id) REFERENCES engagements (local_government_id, id),
    FOREIGN KEY (local_government_id, contractor_id) REFERENCES contractors (local_government_id, id),
    UNIQUE (local_government_id, engagement_id, contractor_id)
);
DROP TABLE entry_origins;
