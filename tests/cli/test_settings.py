"""Settings from options and assignments."""

import pytest

from cli.settings import build_settings
from schemas.errors import UserError


def refuse(options, *assignments):
    with pytest.raises(UserError) as refused:
        build_settings(options, assignments)
    return str(refused.value)


def test_options_not_given_keep_their_defaults():
    settings = build_settings({"size": None, "random_seed": 7, "publish_anyway": None})
    assert (settings.size, settings.random_seed, settings.max_rounds, settings.publish_anyway) == (None, 7, 2, False)


def test_assignments_are_converted_and_may_use_dashes():
    settings = build_settings({}, ["max-rounds=5", "batch_seconds = 0.5", "full_validation=true"])
    assert (settings.max_rounds, settings.batch_seconds, settings.full_validation) == (5, 0.5, True)


def test_wrong_assignments_say_what_was_expected():
    assert refuse({}, "max_rounds") == "--set 'max_rounds': expected KEY=VALUE, for example max_rounds=3"
    assert refuse({}, "max_rounds=many") == "--set max_rounds: expected a valid integer, got 'many'"
    assert refuse({}, "max_rounds=1001") == "--set max_rounds: expected at most 1000, got '1001'"
    assert refuse({}, "x=1").startswith("--set x: no such setting, expected one of size, random_seed, ")


def test_a_setting_is_given_once():
    assert refuse({"size": 10}, "size=20") == "--set size: given already, by --size 10"
    assert refuse({}, "max_rounds=2", "max_rounds=3") == "--set max_rounds: given already, by --set max_rounds 2"


def test_workers_belong_to_a_local_cluster():
    told = refuse({"workers": 2, "dask_address": "tcp://127.0.0.1:8786"})
    assert told == "--workers: not together with --dask, whose cluster has its own"


def test_an_allocation_is_one_of_two():
    assert build_settings({"allocation": "proposed"}).allocation == "proposed"
    assert refuse({"allocation": "equal"}) == "--allocation: expected 'balanced' or 'proposed', got 'equal'"


def test_a_proposer_is_one_of_four_forms():
    for proposer in ("offline", "anthropic", "replay:runs/a", "plugin:mine"):
        assert build_settings({"proposer": proposer}).proposer == proposer
    expected = "expected offline, anthropic, replay:RUN or plugin:NAME"
    for proposer in ("antropic", "replay:", "plugin:", "anthropic "):
        assert refuse({"proposer": proposer}).startswith(f"--proposer: {expected}, got {proposer!r}")
    assert refuse({"proposer": "antropic"}).endswith("got 'antropic' (did you mean 'anthropic'?)")


def test_what_decides_the_bytes_of_a_run_that_asks():
    offline, asks = build_settings({}), build_settings({"proposer": "anthropic"})
    assert "model" not in offline.output_identity()
    assert asks.output_identity()["model"] == "claude-sonnet-5-5"
    more = build_settings({"proposer": "anthropic", "max_calls": 3, "max_usd": 1.0, "call_timeout_seconds": 5})
    assert more.output_identity() == asks.output_identity()
    other = build_settings({"proposer": "anthropic", "model": "claude-haiku-5-5"})
    assert other.output_identity() != asks.output_identity()
    # A replay takes the replies as they are, whichever model wrote them.
    assert "model" not in build_settings({"proposer": "replay:runs/a"}).output_identity()
