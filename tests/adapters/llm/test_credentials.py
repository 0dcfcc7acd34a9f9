"""Who asks, and that nobody hears of the key."""

import pytest

from adapters.llm.credentials import read_credentials
from schemas.errors import UserError

KEY = "sk-ant-api03-abcdefghijklmnop"


def test_no_key_is_one_line_that_names_the_variable():
    with pytest.raises(UserError, match="no key, expected ANTHROPIC_API_KEY"):
        read_credentials({"ANTHROPIC_API_KEY": "  "})


@pytest.mark.parametrize("key", ["two words", "ключ-ключ", "line\nbreak"])
def test_a_key_that_no_header_takes_is_refused_without_being_shown(key):
    with pytest.raises(UserError, match="ANTHROPIC_API_KEY: holds characters") as refused:
        read_credentials({"ANTHROPIC_API_KEY": key})
    assert key not in str(refused.value)


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://", "http://[::1", "http://x:99999"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(UserError, match="ANTHROPIC_BASE_URL: not an address"):
        read_credentials({"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url})


def test_secrets_are_hidden_wherever_they_stand():
    given = {
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": "https://user:passw0rd@gateway.example:8443/v1?t=querysecret",
    }
    credentials = read_credentials({**given, "ANTHROPIC_CUSTOM_HEADERS": "X-One: first-secret\nX-Two: second-secret"})
    assert credentials.server == "gateway.example:8443"
    told = credentials.hide(f"a {KEY}\nb passw0rd c first-secret d second-secret e Bearer othertoken123 f querysecret")
    assert told == "a [hidden] b [hidden] c [hidden] d [hidden] e Bearer [hidden] f [hidden]"
    for secret in (KEY, "passw0rd", "first-secret", "querysecret"):
        assert secret not in repr(credentials)


def test_the_key_comes_before_the_token():
    both = read_credentials({"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_AUTH_TOKEN": "token-123"})
    assert (both.api_key, both.auth_token) == (KEY, None)
    assert read_credentials({"ANTHROPIC_AUTH_TOKEN": "token-123"}).auth_token == "token-123"
