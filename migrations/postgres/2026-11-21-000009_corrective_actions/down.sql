DROP TABLE corrective_action_extensions;
DROP TABLE corrective_action_evidence;
DROP TABLE corrective_actions;
DROP TABLE corrective_action_origins;
DROP TABLE corrective_action_states;
