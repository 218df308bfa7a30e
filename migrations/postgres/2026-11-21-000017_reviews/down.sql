DROP TABLE fiscal_year_snapshot_entries;
DROP TABLE fiscal_year_snapshots;
DROP TABLE measure_areas;
