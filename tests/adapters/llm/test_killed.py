"""A process that dies in mid-call, by the server's own count: nothing that was replied to is paid for twice."""

import subprocess
import sys
import time
from collections.abc import Callable

from adapters.llm.budget import sum_spending
from tests.adapters.llm.asking import ask, exchanges, make_request
from tests.conftest import ROOT

ASKING = """
import sys
from pathlib import Path
from tests.adapters.llm.asking import ask, make_request
ask(Path(sys.argv[1]), [make_request(name) for name in sys.argv[2:]], max_concurrent_calls=1)
"""
NAMES = ["r01-0", "r01-1", "r01-2"]


def killed_once(condition: Callable[[], bool], *arguments: str) -> None:
    """Ask in a process of its own, and end it with SIGKILL once the condition holds."""
    with subprocess.Popen([sys.executable, "-c", ASKING, *arguments], cwd=ROOT) as process:
        deadline = time.monotonic() + 120
        while not condition():
            assert process.poll() is None, "ended before it was killed"
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)
        process.kill()


def test_what_was_replied_to_before_a_kill_is_read_again_and_the_rest_asked(server, tmp_path):
    server.switch("ok", "slow", slow_seconds=60)
    killed_once(lambda: server.seen()["asked"] == 2, str(tmp_path / "run"), *NAMES)
    found = [(one.exchange_id, one.fault) for one in exchanges(tmp_path / "run")]
    assert found == [("r01-0.t1.a01", None), ("r01-1.t1.a01", "interrupted")]

    server.switch()
    requests = [make_request(name) for name in NAMES]
    answers = ask(tmp_path / "run", requests)
    assert all(answer.is_answered for answer in answers)
    assert server.seen()["asked"] == 2
    # The call it died in may have been billed: it counts, at its worst.
    assert sum_spending(exchanges(tmp_path / "run"), None).calls == 4

    (tmp_path / "run" / "run.json").write_text("{}", encoding="utf-8")
    assert ask(tmp_path / "again", requests, replay=tmp_path / "run") == answers
    assert exchanges(tmp_path / "again") == exchanges(tmp_path / "run")
    assert server.seen()["asked"] == 2
