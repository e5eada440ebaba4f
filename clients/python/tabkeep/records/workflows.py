"""Workflows and their parameters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class WorkflowParameter:
    """A value that a run of the workflow takes."""

    name: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """One version of a workflow."""

    workflow_id: str
    organization_id: str
    version: int
    title: str
    definition: str
    parameters: tuple[WorkflowParameter, ...]
    create_time: datetime
    update_time: datetime
