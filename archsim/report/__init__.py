"""Results and descriptions as tables: rich on a terminal, plain rows in a pipe."""
