DROP INDEX cloud_services_approval;
DROP INDEX engagement_periods_ends_on;
DROP TABLE exports;
DROP TABLE export_statuses;
