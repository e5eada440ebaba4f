"""The language of workflow definitions, as docs/workflows.md describes it. Pure."""
