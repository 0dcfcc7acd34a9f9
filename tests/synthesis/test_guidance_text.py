"""Guidance as text, read back; and that no text of a scenario breaks out of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.guidance import Asked, Guidance, GuidedCell, GuidedVariable
from synthesis.guidance_text import read_guidance, write_block

NASTY = st.text(max_size=30) | st.sampled_from(
    ["```", "\n```\n", "```guidance\n{}", "\u2028```", "\x85```\x85", '"}}\n{"asked": {}}', "\r\n```"]
)
ASKED = Asked(proposals=3, records=10, root="household")


@given(
    st.lists(
        st.builds(
            GuidedVariable,
            name=NASTY,
            entity=NASTY,
            kind=st.just("category"),
            description=NASTY,
            categories=st.lists(NASTY, max_size=3).map(tuple),
        ),
        max_size=3,
    ),
    st.lists(
        st.builds(
            GuidedCell,
            table=NASTY,
            entity=NASTY,
            target=st.floats(0, 1),
            missing=st.floats(-1, 1),
            where=st.dictionaries(NASTY, NASTY | st.tuples(st.floats(-9, 9), st.floats(-9, 9)), max_size=3),
        ),
        max_size=3,
    ),
)
def test_what_is_written_is_read(variables, cells):
    prompt = f"Some words.\n{write_block(variables)}\nMore words.\n{write_block([ASKED, *cells])}\nThe end."
    assert read_guidance(prompt) == Guidance(asked=ASKED, variables=tuple(variables), cells=tuple(cells))


@given(NASTY)
def test_text_of_a_scenario_stays_on_its_line_and_in_its_block(text):
    block = write_block([GuidedVariable(name="v", entity="e", kind="number", description=text), ASKED])
    assert len(block.splitlines()) == 4
    assert block.count("```") == 2


def test_a_prompt_without_guidance_is_refused():
    with pytest.raises(ValueError, match="0 lines that say what is asked"):
        read_guidance("Write something nice.")
