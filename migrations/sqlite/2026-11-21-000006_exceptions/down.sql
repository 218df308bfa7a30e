DROP TABLE exceptions;
DROP TABLE exception_states;
