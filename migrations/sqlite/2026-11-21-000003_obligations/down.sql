DROP TABLE verification_answers;
DROP TABLE verifications;
DROP TABLE round_clauses;
DROP TABLE obligation_cycles;
DROP TABLE obligations;
