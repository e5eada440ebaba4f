"""A language model behind any endpoint that speaks OpenAI's chat completions. Implements `task.model.Model`.

The only file that knows the `openai` package, which is imported when a model is configured (`tabkeep[model]`).
Chat completions rather than responses, because every server and gateway speaks them. Endpoints differ in what they
take: a rung of `_RUNGS` that is refused is left for good, and the next one is tried.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from opentelemetry.trace import SpanKind, StatusCode
from tabkeep import telemetry

from browser_host.clock import Clock
from browser_host.task.by_model.model import Answer, Message, ModelError, Tool, ToolCall

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

SEMANTIC_CONVENTIONS = "1.41"
"""Of OpenTelemetry's attributes for generative AI, which are still in development."""
_RUNGS = ("required", "auto", "json_schema", "json_object", "plain")
"""Tools that must be called, tools that may be called, and three ways of asking for a call written as JSON."""
_RETRY_SECONDS = 1.0
_LONGEST_WAIT = 30.0
_DURATION = telemetry.meter().create_histogram(
    "gen_ai.client.operation.duration", unit="s", description="How long the model's endpoint took to answer."
)
_TOKENS = telemetry.meter().create_histogram(
    "gen_ai.client.token.usage", unit="{token}", description="Tokens of questions and answers."
)
_AS_JSON = (
    "You cannot call tools directly. Answer with one JSON object and nothing else: "
    '{"tool": "<name>", "arguments": {...}}. The tools, with the JSON Schema of their arguments:\n'
)
_CALL_SCHEMA = {
    "type": "object",
    "properties": {"tool": {"type": "string"}, "arguments": {"type": "object"}},
    "required": ["tool", "arguments"],
}


class ModelUnusable(Exception):
    """A model is configured and cannot be used here; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Which model to ask, and where."""

    base_url: str
    name: str
    api_key: str = field(repr=False)
    sees_pictures: bool
    token_budget: int


class ChatCompletions:
    """One model at one endpoint."""

    def __init__(self, settings: ModelSettings, clock: Clock) -> None:
        """Make a client; nothing is sent yet.

        Raises:
            ModelUnusable: the `openai` package is not installed.
        """
        try:
            import openai
        except ImportError:
            raise ModelUnusable(
                "a model is configured, and the package openai is not installed: pip install 'tabkeep[model]'"
            ) from None
        self._openai = openai
        self._settings = settings
        self._clock = clock
        # The engine tries again itself, so that each attempt is an event and counts in the run's budget.
        self._client = openai.AsyncOpenAI(base_url=settings.base_url, api_key=settings.api_key or "none", max_retries=0)
        self._rung = 0

    @property
    def name(self) -> str:
        """As it is asked for."""
        return self._settings.name

    @property
    def sees_pictures(self) -> bool:
        """Pictures of pages may be sent to it."""
        return self._settings.sees_pictures

    @property
    def token_budget(self) -> int:
        """The most tokens that one run may use."""
        return self._settings.token_budget

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def answer(self, messages: Sequence[Message], tools: Sequence[Tool], *, timeout: float) -> Answer:
        """Ask once.

        Raises:
            ModelError.
        """
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": self.name,
        }
        with telemetry.tracer().start_as_current_span(
            f"chat {self.name}", kind=SpanKind.CLIENT, attributes=attributes, record_exception=False
        ) as span:
            began = self._clock.monotonic()
            try:
                answer = await self._ask(messages, tools, timeout)
            except ModelError as error:
                span.set_status(StatusCode.ERROR, str(error)[:200])
                _DURATION.record(self._clock.monotonic() - began, {**attributes, "error.type": "model_error"})
                raise
            span.set_attribute("gen_ai.response.model", answer.model)
            span.set_attribute("gen_ai.usage.input_tokens", answer.input_tokens)
            span.set_attribute("gen_ai.usage.output_tokens", answer.output_tokens)
            _DURATION.record(self._clock.monotonic() - began, attributes)
            _TOKENS.record(answer.input_tokens, {**attributes, "gen_ai.token.type": "input"})
            _TOKENS.record(answer.output_tokens, {**attributes, "gen_ai.token.type": "output"})
            return answer

    async def _ask(self, messages: Sequence[Message], tools: Sequence[Tool], timeout: float) -> Answer:
        openai, rung = self._openai, _RUNGS[self._rung]
        request = _request(rung, messages, tools)
        try:
            completion: ChatCompletion = await self._client.chat.completions.create(
                model=self.name, timeout=timeout, **request
            )
        except openai.APITimeoutError:
            raise ModelError(f"no answer within {timeout:.0f} s", again_after=_RETRY_SECONDS) from None
        except openai.APIConnectionError as error:
            raise ModelError(f"the endpoint cannot be reached: {error}", again_after=_RETRY_SECONDS) from None
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            if self._rung + 1 == len(_RUNGS):
                raise ModelError(f"the endpoint refused the request: {error.message[:300]}") from None
            self._rung += 1
            raise ModelError(
                f"the endpoint does not take what {rung} needs, so {_RUNGS[self._rung]} is tried from now on",
                again_after=0.0,
                counts=False,
            ) from None
        except openai.APIStatusError as error:
            raise self._status_error(error) from None
        except (openai.APIError, ValueError) as error:
            raise ModelError(f"the answer is not a chat completion: {error}", again_after=_RETRY_SECONDS) from None
        return _answer(completion, request, self.name)

    def _status_error(self, error: Any) -> ModelError:
        status = error.status_code
        said = str(error.message)[:300]
        if self._settings.api_key:
            said = said.replace(self._settings.api_key, "•••")
        if status in (401, 403):
            return ModelError(f"the endpoint refused the key ({status}): see TABKEEP_MODEL_API_KEY")
        if status == 429 or status >= 500 or status == 408:
            return ModelError(f"the endpoint answered {status}: {said}", again_after=_wait(error.response.headers))
        return ModelError(f"the endpoint answered {status}: {said}")


def _wait(headers: Any) -> float:
    try:
        return min(max(float(headers.get("retry-after", _RETRY_SECONDS)), 0.0), _LONGEST_WAIT)
    except ValueError:
        return _RETRY_SECONDS


def _request(rung: str, messages: Sequence[Message], tools: Sequence[Tool]) -> dict[str, Any]:
    """The body of a request, as this rung writes it."""
    if rung in ("required", "auto"):
        functions = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
            }
            for tool in tools
        ]
        return {"messages": [_with_tools(one) for one in messages], "tools": functions, "tool_choice": rung}
    listed = "\n".join(f"{tool.name}: {tool.description} {json.dumps(tool.parameters)}" for tool in tools)
    first = Message("system", f"{messages[0].text}\n\n{_AS_JSON}{listed}")
    body: dict[str, Any] = {"messages": [_without_tools(one) for one in (first, *messages[1:])]}
    if rung == "json_schema":
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "call", "schema": _CALL_SCHEMA}}
    elif rung == "json_object":
        body["response_format"] = {"type": "json_object"}
    return body


def _with_tools(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.call_id, "content": message.text}
    if message.calls:
        calls = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for call in message.calls
        ]
        return {"role": "assistant", "content": message.text or None, "tool_calls": calls}
    return {"role": message.role, "content": _content(message)}


def _without_tools(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "user", "content": message.text}
    if message.calls:
        said = [json.dumps({"tool": call.name, "arguments": call.arguments}) for call in message.calls]
        return {"role": "assistant", "content": "\n".join(said)}
    return {"role": message.role, "content": _content(message)}


def _content(message: Message) -> Any:
    if not message.picture:
        return message.text
    url = f"data:image/jpeg;base64,{base64.b64encode(message.picture).decode()}"
    return [{"type": "text", "text": message.text}, {"type": "image_url", "image_url": {"url": url}}]


def _answer(completion: ChatCompletion, request: dict[str, Any], asked: str) -> Answer:
    """The answer's calls and text.

    Raises:
        ModelError: it was cut off, or there is none, or its arguments are no JSON.
    """
    if not completion.choices:
        raise ModelError("the answer is empty", again_after=0.0)
    choice = completion.choices[0]
    if choice.finish_reason == "length":
        raise ModelError("the answer was cut off at the endpoint's limit of tokens", again_after=0.0)
    if choice.finish_reason == "content_filter":
        raise ModelError("the endpoint's content filter took the answer away")
    text = choice.message.content or ""
    calls: list[ToolCall] = []
    for call in choice.message.tool_calls or []:
        function = getattr(call, "function", None)
        if function is not None:
            calls.append(ToolCall(call.id or _call_id(), function.name, _arguments(function.arguments or "{}")))
    if not calls:
        calls = _written_call(text)
    usage = completion.usage
    return Answer(
        calls=tuple(calls),
        text=text,
        model=completion.model or asked,
        input_tokens=usage.prompt_tokens if usage else len(json.dumps(request["messages"])) // 4,
        output_tokens=usage.completion_tokens if usage else len(choice.message.model_dump_json()) // 4,
    )


def _arguments(text: str) -> dict[str, Any]:
    try:
        arguments = json.loads(text)
    except ValueError:
        raise ModelError("the arguments of a call are no JSON", again_after=0.0) from None
    if not isinstance(arguments, dict):
        raise ModelError("the arguments of a call are no object", again_after=0.0)
    return arguments


def _written_call(text: str) -> list[ToolCall]:
    """A call that was written as JSON into the text; endpoints that ignore tools do that."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return []
    try:
        written = json.loads(text[start : end + 1])
    except ValueError:
        return []
    if not isinstance(written, dict) or not isinstance(written.get("tool"), str):
        return []
    arguments = written.get("arguments", {})
    return [ToolCall(_call_id(), written["tool"], arguments if isinstance(arguments, dict) else {})]


def _call_id() -> str:
    return f"call_{uuid4().hex[:12]}"
