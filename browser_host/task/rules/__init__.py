"""The grammar: what the clauses of a prompt mean."""
