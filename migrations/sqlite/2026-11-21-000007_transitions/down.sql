DROP TABLE transition_approvals;
DROP TABLE transitions;
