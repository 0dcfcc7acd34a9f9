"""What is sent, and how a response is read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.llm.anthropic_calls import message_body, read_message
from adapters.llm.calls import Call, CallError, estimate_tokens
from tests.adapters.llm.asking import SCHEMA, make_request

USAGE = {"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": None}


def test_the_body_is_what_the_api_takes():
    body = message_body(Call(make_request()))
    assert body["model"] == "claude-sonnet-5-5"
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert "extra_body" not in body
    assert [block.get("cache_control") for block in body["messages"][0]["content"]] == [{"type": "ephemeral"}, None]
    assert body["system"][0]["cache_control"] == {"type": "ephemeral"}


def test_sampling_is_sent_only_where_it_is_set():
    body = message_body(Call(make_request(temperature=0.2, effort="low"), is_structured=False))
    assert body["extra_body"] == {"temperature": 0.2}
    assert body["output_config"] == {"effort": "low"}
    assert "after this schema" in body["messages"][0]["content"][-1]["text"]


def test_text_blocks_are_the_reply_and_thinking_is_not():
    content = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b\ud800"},
    ]
    message = {"content": content, "usage": USAGE, "stop_reason": "end_turn", "model": "m", "new": 1}
    reply = read_message(json.dumps(message).encode())
    assert (reply.text, reply.usage.tokens, reply.model) == ("ab?", 7, "m")


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"null", b"[]", b'{"content": null, "usage": {}}', b'{"content": []}', b"\xff\xfe", b"[" * 99_999],
)
def test_a_response_that_is_no_message_is_a_fault(content):
    with pytest.raises(CallError, match="malformed_response") as failed:
        read_message(content)
    assert failed.value.__context__ is None


@given(st.binary(max_size=300))
def test_no_response_crashes(content):
    with pytest.raises(CallError, match="malformed_response"):
        read_message(content)


@given(st.text(max_size=300))
def test_tokens_are_estimated_from_the_length(text):
    assert len(text) / 2.5 - 1 <= estimate_tokens(text) <= len(text.encode("utf-8", "replace")) / 2.5 + 1
