"""A headless Chromium that a test can look through: what a page shows, asks for and complains of."""

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
         "--hide-scrollbars", "--remote-debugging-port=0")  # fmt: skip
PATIENCE_SECONDS = 60
KEYS = {"Tab": 9, "Enter": 13, "Space": 32, "ArrowDown": 40, "ArrowUp": 38}
TEXTS = {"Enter": "\r", "Space": " "}


class Page:
    """One tab, spoken to by the DevTools protocol."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.number = 0
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to one command; events that come before it are kept."""
        self.number += 1
        self.connection.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            message = json.loads(self.connection.recv(timeout=PATIENCE_SECONDS))
            if message.get("id") == self.number:
                assert "error" not in message, (method, message["error"])
                found: dict[str, Any] = message["result"]
                return found
            self.events.append(message)

    def open(self, address: str) -> None:
        """Load a page afresh; returns once its load event has come, with the events since alone."""
        for one in ("about:blank", address):
            self.events.clear()
            self.call("Page.navigate", url=one)
            while not any(event["method"] == "Page.loadEventFired" for event in self.events):
                self.events.append(json.loads(self.connection.recv(timeout=PATIENCE_SECONDS)))

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page, promises awaited."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def settle(self) -> None:
        """Wait until what was asked for is painted."""
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def press(self, key: str) -> None:
        """A key pressed and let go, as a person at a keyboard does it."""
        given = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"text": TEXTS[key]} if key in TEXTS else {}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **given, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **given)
        self.settle()

    def resize(self, width: int, height: int) -> None:
        """The width and height of the window, in pixels of the page."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.settle()

    def picture(self, path: Path, top: int = 0, height: int | None = None) -> None:
        """A PNG of the page, or of a stretch of it."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": top, "width": size["width"], "height": height or size["height"], "scale": 1}
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(found["data"]))

    def complaints(self) -> list[Any]:
        """Everything on the console, uncaught errors, violations of the page's policy."""
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [event["params"] for event in self.events if event["method"] in kinds]

    def requests(self) -> list[str]:
        """Every address that was asked for."""
        sent = [event["params"] for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return [str(one["request"]["url"]) for one in sent]


@contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """A tab of a browser of its own, which ends with the block."""
    assert CHROMIUM is not None
    with (profile / "errors").open("wb") as errors:
        process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"], stdout=errors, stderr=errors
        )
    try:
        with connect(_address(profile, process), max_size=None, open_timeout=PATIENCE_SECONDS) as connection:
            yield Page(connection)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def _address(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """Where the tab listens, once the browser has written its port down."""
    port, until = profile / "DevToolsActivePort", time.monotonic() + PATIENCE_SECONDS
    while not (port.exists() and port.read_text().count("\n")):
        assert process.poll() is None, (profile / "errors").read_text()
        assert time.monotonic() < until, "the browser does not answer"
        time.sleep(0.05)
    with urllib.request.urlopen(f"http://127.0.0.1:{port.read_text().split()[0]}/json", timeout=10) as answer:
        tabs = json.load(answer)
    return str(next(tab for tab in tabs if tab["type"] == "page")["webSocketDebuggerUrl"])
