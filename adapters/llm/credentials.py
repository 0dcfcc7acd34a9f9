"""Who asks, and whom: read from the environment only. Nothing here is ever written, logged or passed to a task."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, urlsplit

from schemas.errors import UserError

DEFAULT_BASE_URL = "https://api.anthropic.com"
HIDDEN = "[hidden]"
MIN_SECRET = 6
"""Shorter texts are not looked for: hiding every `a` would hide what went wrong."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key or a token, and the server's address; `repr` shows neither."""

    api_key: str | None = field(repr=False, default=None)
    auth_token: str | None = field(repr=False, default=None)
    base_url: str = field(repr=False, default=DEFAULT_BASE_URL)
    other_secrets: tuple[str, ...] = field(repr=False, default=())

    @property
    def server(self) -> str:
        """The server's name, without what an address may hold besides."""
        place = urlsplit(self.base_url)
        return place.hostname + (f":{place.port}" if place.port else "") if place.hostname else "unknown"

    def hide(self, text: str) -> str:
        """The text with every secret in it replaced, in one line."""
        secrets = [self.api_key, self.auth_token, *self.other_secrets]
        for secret in sorted((s for s in secrets if s and len(s) >= MIN_SECRET), key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        text = re.sub(r"(?i)(bearer\s+|x-api-key\W+|authorization\W+)[\w.~+/=-]{6,}", rf"\g<1>{HIDDEN}", text)
        text = re.sub(r"sk-[\w-]{8,}", HIDDEN, text)
        return " ".join(text.split())


def read_credentials(environment: Mapping[str, str] = os.environ) -> Credentials:
    """The credentials, or an error that says which variable to set."""
    key, token = (environment.get(name, "").strip() or None for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"))
    if key is None and token is None:
        raise UserError(
            "--proposer anthropic: no key, expected ANTHROPIC_API_KEY (or ANTHROPIC_AUTH_TOKEN) in the environment"
        )
    for name, value in (("ANTHROPIC_API_KEY", key), ("ANTHROPIC_AUTH_TOKEN", token)):
        # A header takes nothing else; the value itself is not to be shown.
        if value is not None and not (value.isascii() and value.isprintable() and " " not in value):
            raise UserError(f"{name}: holds characters that no key has, expected one word of ASCII")
    base_url = environment.get("ANTHROPIC_BASE_URL", "").strip() or DEFAULT_BASE_URL
    place = _address(base_url)
    secrets = [text for text in (place.password, place.username) if text]
    secrets += [value for _, value in parse_qsl(place.query)]
    for line in environment.get("ANTHROPIC_CUSTOM_HEADERS", "").splitlines():
        secrets.append(line.partition(":")[2].strip())
    # The SDK prefers the key where both are set; so do we, in the open.
    return Credentials(key, token if key is None else None, base_url, tuple(secrets))


def _address(base_url: str) -> SplitResult:
    try:
        place = urlsplit(base_url)
        is_fine = place.scheme in ("http", "https") and bool(place.hostname) and place.port != 0
    except ValueError:
        is_fine = False
    if not is_fine:
        raise UserError("ANTHROPIC_BASE_URL: not an address, expected one such as http://127.0.0.1:8080")
    return place
