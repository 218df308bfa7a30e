DROP TABLE subcontracts;
DROP TABLE subcontract_states;
DELETE FROM obligation_kinds WHERE code = 'gap';
