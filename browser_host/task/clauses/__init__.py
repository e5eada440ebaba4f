"""What clauses of a prompt do in the browser, and how they know that it is done."""
