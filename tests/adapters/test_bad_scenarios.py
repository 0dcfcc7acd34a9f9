"""What the author of a broken scenario.yaml is told: one line, with the place of the mistake."""

from pathlib import Path

import pytest

from adapters.located_yaml import MAX_BYTES
from adapters.scenario_files import read_scenario
from schemas.errors import UserError
from tests.adapters.examples import SHOP, refusal, with_change, write_folder

SYNTAX = {
    "impossible date": (
        "size: 100",
        "title: 2020-13-41",
        "scenario.yaml:2: cannot read '2020-13-41' as a plain value, expected it in quotes",
    ),
    "key read as true": ("size: 100", "yes: 1", "scenario.yaml:2: key yes is not text, expected it in quotes"),
    "key is a number": (
        '{"1": 2, "2": 1}',
        "{1: 2, 2: 1}",
        "scenario.yaml:7: key 1 is not text, expected it in quotes",
    ),
    "key is a list": ("size: 100", "[a, b]: 1", "scenario.yaml:2: a list or mapping is used as a key, expected text"),
    "key repeated": (
        "    measure: count",
        "    measure: count\n    entity: order",
        "scenario.yaml:21: key 'entity' appears twice, first on line 17",
    ),
    "alias": (
        "size: 100",
        "title: *shop",
        "scenario.yaml:2: anchors and aliases (&name, *name) are not supported, expected the value written out",
    ),
    "alias bomb": (
        "size: 100",
        "title: &a [x, x]\ncontext: &b [*a, *a, *a, *a]",
        "scenario.yaml:2: anchors and aliases (&name, *name) are not supported, expected the value written out",
    ),
    "merge key": (
        "size: 100",
        "<<: {size: 100}",
        "scenario.yaml:2: merge keys (<<) are not supported, expected the keys written out",
    ),
    "tag": (
        "size: 100",
        "title: !!python/object/apply:os.system [ls]",
        "scenario.yaml:2: tags (!!python/object/apply:os.system) are not supported, expected a plain value",
    ),
    "tag of YAML's own": (
        "size: 100",
        "size: !!int ''",
        "scenario.yaml:2: tags (!!int) are not supported, expected a plain value",
    ),
    "tab": (
        "    entity: order\n    variables: [paid]",
        "\tentity: order\n    variables: [paid]",
        "scenario.yaml:17: not valid YAML: a tab, expected spaces",
    ),
    "indentation": (
        "    file: paid.csv",
        "   file: paid.csv",
        "scenario.yaml:19: not valid YAML: indented unlike the lines above",
    ),
    "indented too far": (
        "    file: paid.csv",
        "      file: paid.csv",
        "scenario.yaml:19: not valid YAML: indented unlike the lines above",
    ),
    "line without a colon": ("size: 100", "size 100", "scenario.yaml:2: not valid YAML: expected 'key: value'"),
    "colon in text": (
        "size: 100",
        "title: shop: the story",
        "scenario.yaml:2: not valid YAML: a second ': ' in a line, or a line indented too far (quote text with ': ')",
    ),
    "quote not closed": (
        "    then: price < 400\n",
        "    then: 'price < 400\n",
        "scenario.yaml:31: not valid YAML: a quote that is never closed",
    ),
    "text after a quote": (
        "size: 100",
        "title: 'shop's'",
        (
            "scenario.yaml:2: not valid YAML: text after a closing quote (is an earlier quote left open, "
            "or one inside the text not doubled?)"
        ),
    ),
    "bracket not closed": (
        "[by card, in cash]",
        "[by card, in cash",
        "scenario.yaml:6: not valid YAML: bracket without its closing ']'",
    ),
    "text that begins with @": (
        "size: 100",
        "title: @shop",
        "scenario.yaml:2: not valid YAML: text that begins with '@' has to be quoted",
    ),
    "two documents": ("targets:", "---\ntargets:", "scenario.yaml:15: not valid YAML: a second document, expected one"),
    "control character": ("size: 100", 'title: "a\\0"', "scenario.yaml:2: text holds the unusable character '\\x00'"),
    "half a character": (
        "size: 100",
        'title: "\\ud800"',
        "scenario.yaml:2: text holds the unusable character '\\ud800'",
    ),
    "character that YAML has not": (
        "size: 100",
        "title: a\a",
        "scenario.yaml:2: not valid YAML: character '\\x07' is not allowed",
    ),
    "nested 10,000 levels deep": (
        "size: 100",
        "title: " + "[" * 10_000,
        "scenario.yaml:2: nested deeper than 40 levels",
    ),
    "nested 10,000 mappings deep": (
        "size: 100",
        "title: " + "{a: " * 10_000,
        "scenario.yaml:2: nested deeper than 40 levels",
    ),
    "list items 10,000 levels deep": (
        "size: 100",
        "title:\n  " + "- " * 10_000,
        "scenario.yaml:3: nested deeper than 40 levels",
    ),
    "bracket not opened": ("[paid]", "[paid]]", "scenario.yaml:18: not valid YAML: ']' outside any brackets"),
    "number of 5000 digits": (
        "size: 100",
        "size: " + "9" * 5_000,
        "scenario.yaml:2: a number of 5000 digits, expected at most 100",
    ),
    "quote not closed before others": (
        "size: 100",
        'title: "shop',
        (
            "scenario.yaml:7: not valid YAML: text after a closing quote (is an earlier quote left open, "
            "or one inside the text not doubled?)"
        ),
    ),
    "value that is a lone =": (
        "size: 100",
        "title: =",
        "scenario.yaml:2: cannot read '=' as a plain value, expected it in quotes",
    ),
}

KEYS = {
    "key mistyped": (
        "    measure: count",
        "    mesure: count",
        "scenario.yaml:20: targets.paid.mesure: unknown key 'mesure' (did you mean 'measure'?)",
    ),
    "key of another place": (
        "size: 100",
        "range: [1, 100]",
        (
            "scenario.yaml:2: range: unknown key 'range' (expected one of: name, title, description, "
            "size, context, sources, entities, zones, targets, rules, reconcile)"
        ),
    ),
    "key unlike any": (
        "size: 100",
        "colour: red",
        (
            "scenario.yaml:2: colour: unknown key 'colour' (expected one of: name, title, description, "
            "size, context, sources, entities, zones, targets, rules, reconcile)"
        ),
    ),
    "key with a line break": (
        "size: 100",
        '"a\\nb": red',
        (
            "scenario.yaml:2: a\\nb: unknown key 'a\\nb' (expected one of: name, title, description, size, "
            "context, sources, entities, zones, targets, rules, reconcile)"
        ),
    ),
    "key missing": ("    file: paid.csv\n", "", "scenario.yaml:16: targets.paid: missing key 'file'"),
    "section missing": (
        "entities:",
        "entites:",
        "scenario.yaml:3: entites: unknown key 'entites' (did you mean 'entities'?)",
    ),
}

TYPES = {
    "text for a number": ("size: 100", "size: many", "scenario.yaml:2: size: expected a whole number, got 'many'"),
    "number with separators": (
        "size: 100",
        "size: 260,029",
        "scenario.yaml:2: size: expected a whole number, got '260,029' (write digits only, without quotes)",
    ),
    "number in quotes": (
        "size: 100",
        'size: "100"',
        "scenario.yaml:2: size: expected a whole number, got '100' (write digits only, without quotes)",
    ),
    "size of nothing": ("size: 100", "size: 0", "scenario.yaml:2: size: expected at least 1, got 0"),
    "size beyond reason": (
        "size: 100",
        "size: 10000000000000",
        "scenario.yaml:2: size: expected at most 1000000000000, got 10000000000000",
    ),
    "fraction for a whole number": (
        "size: 100",
        "size: 1.5",
        "scenario.yaml:2: size: expected a whole number, got 1.5",
    ),
    "list for a mapping": (
        "tolerance: {share_tvd: 0.01}",
        "tolerance: [0.01]",
        "scenario.yaml:26: targets.items_price.tolerance: expected a mapping, got a list of 1",
    ),
    "nothing for text": (
        "    file: paid.csv",
        "    file:",
        "scenario.yaml:19: targets.paid.file: expected text, got nothing",
    ),
    "text for a list": (
        "variables: [paid]",
        "variables: paid",
        "scenario.yaml:18: targets.paid.variables: expected a list, got 'paid'",
    ),
    "empty list": (
        "variables: [paid]",
        "variables: []",
        "scenario.yaml:18: targets.paid.variables: expected at least 1 variable",
    ),
    "name not usable": (
        "name: shop",
        "name: My Shop",
        (
            "scenario.yaml:1: name: expected a name of lower-case letters, digits, _ and - that begins "
            "with a letter, got 'My Shop'"
        ),
    ),
    "variable name not usable": (
        "  paid: {type",
        "  Paid: {type",
        (
            "scenario.yaml:6: entities.order.variables.Paid: expected a name of lower-case letters, "
            "digits and _ that begins with a letter, got 'Paid'"
        ),
    ),
    "text for true or false": (
        "    file: paid.csv",
        "    file: paid.csv\n    same_in_every_zone: maybe",
        "scenario.yaml:20: targets.paid.same_in_every_zone: expected true or false, got 'maybe'",
    ),
    "yes and no read as true and false": (
        "[by card, in cash]",
        "[yes, no]",
        (
            "scenario.yaml:6: entities.order.variables.paid.categories.0: expected text, got true (YAML "
            "reads bare yes, no, on, off as true or false: quote it)"
        ),
    ),
    "number as a category": (
        "[by card, in cash]",
        "[1, 2]",
        "scenario.yaml:6: entities.order.variables.paid.categories.0: expected text, got 1 (quote it)",
    ),
    "date as text": (
        "size: 100",
        "title: 2020-01-01",
        "scenario.yaml:2: title: expected text, got 2020-01-01 (quote it)",
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), SYNTAX.values(), ids=SYNTAX)
def test_unreadable_yaml_is_located(tmp_path, old, new, message):
    assert refusal(write_folder(tmp_path, with_change(SHOP, "scenario.yaml", old, new))) == message


@pytest.mark.parametrize(("old", "new", "message"), KEYS.values(), ids=KEYS)
def test_unknown_and_missing_keys_are_named(tmp_path, old, new, message):
    assert refusal(write_folder(tmp_path, with_change(SHOP, "scenario.yaml", old, new))) == message


@pytest.mark.parametrize(("old", "new", "message"), TYPES.values(), ids=TYPES)
def test_wrong_type_is_told_with_what_was_expected(tmp_path, old, new, message):
    assert refusal(write_folder(tmp_path, with_change(SHOP, "scenario.yaml", old, new))) == message


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing yet\n", "---\n"])
def test_empty_scenario_is_refused(tmp_path, text):
    message = refusal(write_folder(tmp_path, SHOP | {"scenario.yaml": text}))
    assert message in (
        "scenario.yaml:1: the file is empty, expected a mapping",
        "scenario.yaml:1: expected a mapping with name, entities and targets",
    )


@pytest.mark.parametrize("text", ["shop", "[shop]", "1", "null"])
def test_scenario_that_is_no_mapping_is_refused(tmp_path, text):
    message = refusal(write_folder(tmp_path, SHOP | {"scenario.yaml": text}))
    assert message == "scenario.yaml:1: expected a mapping with name, entities and targets"


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_scenario_in_another_encoding_is_refused_with_the_line(tmp_path, encoding):
    write_folder(tmp_path, SHOP)
    text = SHOP["scenario.yaml"].replace("size: 100", "title: caf\xe9")
    (tmp_path / "scenario.yaml").write_bytes(text.encode(encoding))
    line = {"latin-1": 2, "utf-16": 1}[encoding]
    assert refusal(tmp_path) == f"scenario.yaml:{line}: not UTF-8 text, expected the file saved as UTF-8"


def test_scenario_of_many_megabytes_is_refused_unread(tmp_path):
    write_folder(tmp_path, SHOP | {"scenario.yaml": "#" * (MAX_BYTES + 1)})
    assert refusal(tmp_path) == f"scenario.yaml: the file has {MAX_BYTES + 1} bytes, expected at most {MAX_BYTES}"


def test_very_long_key_is_told_in_short(tmp_path):
    files = with_change(SHOP, "scenario.yaml", "size: 100", "? " + "a" * 50_000 + "\n: 1")
    message = refusal(write_folder(tmp_path, files))
    assert message.startswith("scenario.yaml:2: aaa")
    assert len(message) < 1000


def test_missing_folder_is_named(tmp_path):
    assert refusal(tmp_path / "nowhere") == f"{tmp_path}/nowhere: no such scenario folder"


def test_folder_without_scenario_is_named(tmp_path):
    assert refusal(tmp_path) == f"{tmp_path}: no scenario.yaml in this folder"


def test_scenario_file_given_as_the_folder_is_told(tmp_path):
    path = write_folder(tmp_path, SHOP) / "scenario.yaml"
    assert refusal(path) == f"{path}: is a file, expected the scenario folder that holds scenario.yaml"


@pytest.mark.parametrize("name", ["nul\0", "x" * 300, "."])
def test_scenario_folder_of_any_name_is_refused_with_a_user_error(name):
    with pytest.raises(UserError):
        read_scenario(Path(name))
