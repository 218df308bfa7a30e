DROP TABLE gate_enforcements;
DROP TABLE gate_checks;
