import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from synthesis.retirement import choose_retired, quota_of_file
from tests.strategies import rngs


@given(rngs, st.integers(1, 6), st.integers(1, 5))
def test_files_together_retire_what_each_plan_row_is_to_lose(rng: np.random.Generator, rows: int, files: int) -> None:
    held = rng.integers(-1, rows, (files, 40))  # plan row of each record, -1: of another zone
    present = np.bincount(held[held >= 0], minlength=rows)
    left = rng.integers(0, present + 1)
    wanted, remaining, retired = left.copy(), present.copy(), np.zeros(rows, dtype=np.int64)
    for file in held:
        here = np.bincount(file[file >= 0], minlength=rows)
        quota = quota_of_file(left, remaining, here, rng)
        left, remaining = left - quota, remaining - here
        chosen = choose_retired(file, quota, rng)
        assert (file[chosen] >= 0).all()
        retired += np.bincount(file[chosen], minlength=rows)
    assert (retired == wanted).all()
    assert not left.any()


def test_every_record_of_a_plan_row_may_be_the_one() -> None:
    rows, seen = np.zeros(5, dtype=np.int64), np.zeros(5, dtype=bool)
    for number in range(100):
        seen |= choose_retired(rows, np.array([1]), np.random.default_rng(number))
    assert seen.all()
