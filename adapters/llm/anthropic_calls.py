"""Calls to a server that speaks the Messages API, with Anthropic's SDK; the only importer of it.

The SDK's own retries are off, and its parsing is passed by: a reply that is no JSON raises a bare JSONDecodeError
there, and one of the wrong shape has `content=None`. Its exceptions hold the request with its headers, so none of
them leaves this module, not even as the context of another.
"""

import asyncio
import json
import logging
import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import anthropic
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.llm.calls import Call, CallError
from adapters.llm.credentials import Credentials
from schemas.errors import AccessError
from schemas.exchange import CallFault, PromptPart, ProposalReply, Usage

FAULTS: Mapping[int, CallFault] = {
    408: "timeout",
    409: "server_error",
    413: "too_large",
    429: "rate_limited",
    529: "overloaded",
}
REFUSED = {401: "the key is not accepted", 402: "the account cannot pay", 403: "the key has no permission"}
SCHEMA_WORDS = ("schema", "grammar", "output_config", "output_format", "structured")
UNSENT = ("ConnectError", "ConnectTimeout", "UnsupportedProtocol")
"""Of the HTTP library: no connection, so no request."""
MAX_MESSAGE = 300
LOGGERS = ("anthropic", "httpx2", "httpcore2")


class AnthropicCaller:
    """An async client of one server, without retries of its own."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        # Below this level they log prompts, addresses and what servers answer, whatever it repeats.
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._client = anthropic.AsyncAnthropic(
            api_key=credentials.api_key,
            auth_token=credentials.auth_token,
            base_url=credentials.base_url,
            max_retries=0,
            open_telemetry=False,
        )

    async def call(self, call: Call, timeout_seconds: float) -> ProposalReply:
        """As `Caller.call`. The time limit is for the whole call: the SDK's own is for each piece of it."""
        body = message_body(call)
        error: CallError | AccessError
        try:
            async with asyncio.timeout(timeout_seconds):
                raw = await self._client.messages.with_raw_response.create(**body, timeout=timeout_seconds)
                content = raw.http_response.content
        except (TimeoutError, anthropic.APITimeoutError):
            error = CallError("timeout", f"no reply within {timeout_seconds:g} s")
        except anthropic.APIStatusError as exc:
            error = self._explain(exc, call)
        except anthropic.AnthropicError as exc:
            cause = exc.__cause__
            name = type(cause or exc).__name__
            error = CallError("connection", self._tell(f"{name}: {cause or exc}"), was_sent=name not in UNSENT)
        except Exception as exc:
            # What comes from the HTTP library itself (a broken body, a wrong encoding) is not wrapped by the SDK.
            error = CallError("connection", self._tell(f"{type(exc).__name__}: {exc}"))
        else:
            return read_message(content)
        raise error

    async def count_tokens(self, call: Call) -> int | None:
        """Input tokens as the server counts them, or None where it does not say."""
        body = message_body(call)
        body.pop("max_tokens")
        body.pop("extra_body", None)
        try:
            counted = await self._client.messages.count_tokens(**body, timeout=20)
            return int(counted.input_tokens)
        except Exception:
            return None

    async def close(self) -> None:
        """As `Caller.close`."""
        await self._client.close()

    def _explain(self, exc: anthropic.APIStatusError, call: Call) -> CallError | AccessError:
        status, told = exc.status_code, self._tell(exc.api_message or f"status {exc.status_code}")
        server, model = self._credentials.server, call.request.sampling.model
        if status in REFUSED:
            return AccessError(f"{server}: {REFUSED[status]} (status {status}: {told})")
        if status == 404:
            return AccessError(f"{server}: no model {model!r} there, or no Messages API (status 404: {told})")
        if status == 400 and call.is_structured and any(word in told.lower() for word in SCHEMA_WORDS):
            return CallError("schema_refused", told)
        fault: CallFault = FAULTS.get(status) or ("server_error" if status >= 500 else "bad_request")
        return CallError(fault, f"status {status}: {told}", read_retry_after(exc.response.headers))

    def _tell(self, text: str) -> str:
        return self._credentials.hide(str(text))[:MAX_MESSAGE]


def message_body(call: Call) -> dict[str, Any]:
    """The arguments of `messages.create`. Sampling parameters that the SDK does not know go beside them."""
    sampling = call.request.sampling
    content = _blocks(call.user)
    body: dict[str, Any] = {
        "model": sampling.model,
        "max_tokens": sampling.max_tokens,
        "messages": [{"role": "user", "content": content}],
    }
    if call.request.system:
        body["system"] = _blocks(call.request.system)
    config: dict[str, Any] = {} if sampling.effort is None else {"effort": sampling.effort}
    if call.is_structured:
        config["format"] = {"type": "json_schema", "schema": call.request.reply_schema}
    if config:
        body["output_config"] = config
    extra = {name: getattr(sampling, name) for name in ("temperature", "top_p", "top_k")}
    extra = {name: value for name, value in extra.items() if value is not None}
    return body | ({"extra_body": extra} if extra else {})


def _blocks(parts: tuple[PromptPart, ...]) -> list[dict[str, Any]]:
    """Text blocks; the last stable one before anything else ends what is cached."""
    blocks: list[dict[str, Any]] = [{"type": "text", "text": part.text} for part in parts]
    stable = next((i for i, part in enumerate(parts) if not part.is_stable), len(parts))
    if stable:
        blocks[stable - 1]["cache_control"] = {"type": "ephemeral"}
    return blocks


class _Usage(BaseModel):
    model_config = ConfigDict(extra="ignore")
    input_tokens: int = Field(0, ge=0)
    output_tokens: int = Field(0, ge=0)
    cache_read_input_tokens: int | None = Field(None, ge=0)
    cache_creation_input_tokens: int | None = Field(None, ge=0)


class _Block(BaseModel):
    model_config = ConfigDict(extra="ignore")
    type: str
    text: str | None = None


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore")
    content: list[_Block]
    model: str = ""
    stop_reason: str | None = None
    usage: _Usage


def read_message(content: bytes) -> ProposalReply:
    """The reply in a response's body. Text blocks only: a model may think before them."""
    message, problem = _parse(content)
    if message is None:
        # The body is no part of the message: nobody knows what it holds.
        raise CallError("malformed_response", f"the response {problem} ({len(content)} bytes)")
    usage = message.usage
    text = "".join(block.text or "" for block in message.content if block.type == "text")
    return ProposalReply(
        text=text.encode("utf-8", "replace").decode("utf-8"),
        stop_reason=message.stop_reason or "",
        model=message.model,
        usage=Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_input_tokens or 0,
            cache_write_tokens=usage.cache_creation_input_tokens or 0,
        ),
    )


def _parse(content: bytes) -> tuple[_Message | None, str]:
    try:
        return _Message.model_validate(json.loads(content)), ""
    except ValidationError:
        return None, "is not a message"
    except (ValueError, RecursionError):
        return None, "is not JSON"


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the server asks for, whichever way it says it; None if it does not, or says nonsense."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        try:
            seconds = float(text) / unit
        except ValueError:
            seconds = _until(text)
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    return None


def _until(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return math.nan
