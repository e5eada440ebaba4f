"""What of a workflow's run can be asked for once more. Pure mappings from and to our protos."""

from __future__ import annotations

from tabkeep.v1 import browser_sessions_pb2, runs_pb2, webhooks_pb2, workflows_pb2

_OF_SESSION = (
    "timeout", "queue_timeout", "browser_type", "url", "viewport", "labels", "proxy_location", "allowed_domains",
    "blocked_domains", "extensions", "save_profile", "page_options",
)  # fmt: skip
"""What a session shows of what was asked for, by names that are the same in both."""


class CannotRetry(Exception):
    """The run cannot be asked for once more as it was; the text says why, and what would work."""


def secrets_of(run: runs_pb2.Run, workflow: workflows_pb2.Workflow) -> list[str]:
    """The parameters that the run was given and does not show: the secret ones. They alone may not be shown, and must
    be given."""
    return [each.name for each in workflow.parameters if each.required and each.name not in run.parameters.fields]


def again(
    run: runs_pb2.Run,
    workflow: workflows_pb2.Workflow,
    session: browser_sessions_pb2.BrowserSession,
    deliveries: list[webhooks_pb2.WebhookDelivery],
) -> runs_pb2.RunWorkflowRequest:
    """The same run once more: the same version, parameters, bounds, policy, title, webhook, and a session like its own
    or the one that it was in. `deliveries` are those of the run, newest first.

    Raises:
        CannotRetry: something was given with it that is not kept.
    """
    if secret := secrets_of(run, workflow):
        raise CannotRetry(f"was given {', '.join(secret)}, and secret parameters are not kept")
    request = runs_pb2.RunWorkflowRequest(
        workflow_id=run.workflow_id,
        workflow_version=run.workflow_version,
        parameters=run.parameters,
        max_steps=run.max_steps,
        timeout=run.timeout,
        labels=run.labels,
        irreversible_policy=run.irreversible_policy,
    )
    request.webhook_url = next((each.webhook_url for each in reversed(deliveries) if not each.replay), "")
    if not run.owns_browser_session:
        request.browser_session_id = run.browser_session_id
        return request
    if session.HasField("proxy"):
        raise CannotRetry("had a proxy of its own, whose user and password are not kept")
    if session.page_options.http_credentials:
        raise CannotRetry("had HTTP credentials for its pages, which are not kept")
    request.browser_profile_id = session.browser_profile_id
    like = request.browser_session
    for name in _OF_SESSION:
        field = session.DESCRIPTOR.fields_by_name[name]
        if field.is_repeated:
            getattr(like, name).MergeFrom(getattr(session, name))
        elif field.message_type is None:
            setattr(like, name, getattr(session, name))
        elif session.HasField(name):
            getattr(like, name).CopyFrom(getattr(session, name))
    return request
