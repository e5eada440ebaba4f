"""The task engine: carries out runs in a live browser.

`runner.carry_out` is the way in; `journal.Journal` and `browser_host.browser.Browser` are all it knows of the host.
Imports point down: `runner` -> `approvals`, `rules` (the planner) -> the intents it expands (`sign_in`, `records`,
`shopping`, `checkout`, `plain_clauses`) -> `steps` -> `actions`, `extract` -> `page_script`, `values`, `failures`.

The asyncio tasks: `steps.Steps` starts one for each step and awaits it; `actions.Actor` starts one for each press
and awaits or cancels it. Nothing outlives `carry_out`.
"""
