"""What the author of broken variables and entities is told."""

import pytest

from tests.adapters.examples import SHOP, VILLAGE, refusal, with_change, write_folder

VARIABLES = {
    "type unknown": (
        "price: {type: number, range: [0, 500]}",
        "price: {type: float, range: [0, 500]}",
        (
            "scenario.yaml:8: entities.order.variables.price.type: expected 'category', 'integer', "
            "'number' or 'text', got 'float'"
        ),
    ),
    "range of a text": (
        "price: {type: number, range: [0, 500]}",
        "price: {type: text, range: [0, 500]}",
        "scenario.yaml:8: entities.order.variables.price.range: a text has no range, expected max_length and examples",
    ),
    "examples of a number": (
        "price: {type: number, range: [0, 500]}",
        "price: {type: number, range: [0, 500], examples: [a]}",
        "scenario.yaml:8: entities.order.variables.price.examples: type number has no examples, expected type text",
    ),
    "example too long": (
        "price: {type: number, range: [0, 500]}",
        "price: {type: text, max_length: 3, examples: [long]}",
        (
            "scenario.yaml:8: entities.order.variables.price.examples.0: expected one line of 1 to 3 characters "
            "without blanks around it, got 'long'"
        ),
    ),
    "text in a table": (
        "price: {type: number, range: [0, 500]}",
        "price: {type: text}",
        "scenario.yaml:23: targets.items_price.variables.1: 'price' is free text, which no table counts",
    ),
    "range missing": (
        "price: {type: number, range: [0, 500]}",
        "price: {type: number}",
        "scenario.yaml:8: entities.order.variables.price: missing key 'range', expected [low, high] for type number",
    ),
    "range reversed": (
        "[0, 500]",
        "[500, 0]",
        "scenario.yaml:8: entities.order.variables.price.range: expected [low, high] with low < high, got [500, 0]",
    ),
    "range empty": (
        "[0, 500]",
        "[5, 5]",
        "scenario.yaml:8: entities.order.variables.price.range: expected [low, high] with low < high, got [5, 5]",
    ),
    "range of text": (
        "[0, 500]",
        "[0, many]",
        "scenario.yaml:8: entities.order.variables.price.range.1: expected a number, got 'many'",
    ),
    "range as text": (
        "[0, 500]",
        "0-500",
        "scenario.yaml:8: entities.order.variables.price.range: expected [low, high], got '0-500'",
    ),
    "range of one": (
        "[0, 500]",
        "[500]",
        "scenario.yaml:8: entities.order.variables.price.range: expected [low, high], got a list of 1",
    ),
    "range of three": (
        "[0, 500]",
        "[0, 1, 500]",
        "scenario.yaml:8: entities.order.variables.price.range: expected [low, high], got a list of 3",
    ),
    "range without end": (
        "[0, 500]",
        "[0, .inf]",
        (
            "scenario.yaml:8: entities.order.variables.price.range: expected numbers between "
            "-9007199254740992 and 9007199254740992, got [0, inf]"
        ),
    ),
    "range not a number": (
        "[0, 500]",
        "[0, .nan]",
        (
            "scenario.yaml:8: entities.order.variables.price.range: expected numbers between "
            "-9007199254740992 and 9007199254740992, got [0, nan]"
        ),
    ),
    "range beyond exact numbers": (
        "[1, 9]",
        "[1, 99999999999999999999]",
        (
            "scenario.yaml:7: entities.order.variables.items.range: expected numbers between "
            "-9007199254740992 and 9007199254740992, got [1, 99999999999999999999]"
        ),
    ),
    "integer with fractions": (
        "[1, 9]",
        "[1, 9.5]",
        "scenario.yaml:7: entities.order.variables.items.range: expected whole numbers, got [1, 9.5]",
    ),
    "number with categories": (
        "price: {type: number, range: [0, 500]}",
        "price: {type: number, range: [0, 500], categories: [a]}",
        (
            "scenario.yaml:8: entities.order.variables.price.categories: type number has no categories, "
            "expected type category"
        ),
    ),
    "category with a range": (
        "[by card, in cash]}",
        "[by card, in cash], range: [0, 1]}",
        (
            "scenario.yaml:6: entities.order.variables.paid.range: a category has no range, expected type"
            " integer or number"
        ),
    ),
    "category without categories": (
        "{type: category, categories: [by card, in cash]}",
        "{type: category}",
        "scenario.yaml:6: entities.order.variables.paid.categories: expected a list of categories",
    ),
    "category repeated": (
        "[by card, in cash]",
        "[by card, by card]",
        "scenario.yaml:6: entities.order.variables.paid.categories.1: category 'by card' appears twice",
    ),
    "category with blanks": (
        "[by card, in cash]",
        "[by card, ' in cash']",
        "scenario.yaml:6: entities.order.variables.paid.categories.1: ' in cash' is empty or has blanks around it",
    ),
    "category empty": (
        "[by card, in cash]",
        "[by card, '']",
        "scenario.yaml:6: entities.order.variables.paid.categories.1: '' is empty or has blanks around it",
    ),
    "weights of a number": (
        "price: {type: number, range: [0, 500]}",
        "price: {type: number, range: [0, 500], prior_weights: {'1': 1}}",
        (
            "scenario.yaml:8: entities.order.variables.price.prior_weights: a number has no prior "
            "weights, expected a category or integer"
        ),
    ),
    "weight of no value": (
        '"2": 1}',
        '"12": 1}',
        (
            "scenario.yaml:7: entities.order.variables.items.prior_weights.12: '12' is no value of the "
            "variable (did you mean '2'?)"
        ),
    ),
    "weight negative": (
        '"2": 1}',
        '"2": -1}',
        "scenario.yaml:7: entities.order.variables.items.prior_weights.2: weight -1, expected a number from 0 to 1e9",
    ),
    "weights all zero": (
        '{"1": 2, "2": 1}',
        '{"1": 0}',
        "scenario.yaml:7: entities.order.variables.items.prior_weights: expected at least one positive weight",
    ),
    "weights over a huge range": (
        "[1, 9], prior",
        "[1, 9000000], prior",
        (
            "scenario.yaml:7: entities.order.variables.items.prior_weights: prior weights need a range of"
            " at most 100000 values, got 9000000"
        ),
    ),
    "variable named like a record id": (
        "  paid: {type",
        "  order_id: {type",
        "scenario.yaml:6: entities.order.variables.order_id: this name is reserved for record ids",
    ),
    "variable named like a table's column": (
        "  paid: {type",
        "  count: {type",
        (
            "scenario.yaml:6: entities.order.variables.count: this name is reserved for target tables, "
            "whose columns are called count, share, moe"
        ),
    ),
    "variable named like a word of expressions": (
        "  paid: {type",
        "  in: {type",
        "scenario.yaml:6: entities.order.variables.in: this name is reserved for expressions",
    ),
    "entity named like a word of expressions": (
        "  order:\n",
        "  class:\n",
        "scenario.yaml:4: entities.class: this name is reserved for expressions",
    ),
}

LINKS = {
    "two roots": (
        "    parent: household\n    count: size\n",
        "",
        (
            "scenario.yaml:13: entities.person: expected one root entity, which has no parent, got 2 of "
            "them: household, person"
        ),
    ),
    "no root": (
        "  household:\n    variables",
        "  household:\n    parent: person\n    variables",
        "scenario.yaml:4: entities: expected one root entity, which has no parent, got none",
    ),
    "parent unknown": (
        "parent: household",
        "parent: houshold",
        "scenario.yaml:14: entities.person.parent: unknown parent 'houshold', expected 'household'",
    ),
    "three entities": (
        "zones:\n",
        "  dog: {parent: household, count: size, variables: {age: {type: integer, range: [0, 20]}}}\nzones:\n",
        "scenario.yaml:22: entities.dog: expected at most one member entity, got 2: person, dog",
    ),
    "count missing": (
        "    count: size\n",
        "",
        (
            "scenario.yaml:13: entities.person: missing key 'count', expected the integer variable of "
            "household that counts its persons"
        ),
    ),
    "count unknown": (
        "    count: size",
        "    count: sise",
        "scenario.yaml:15: entities.person.count: unknown variable 'sise' of household (did you mean 'size'?)",
    ),
    "count no integer": (
        "    count: size",
        "    count: tenure",
        "scenario.yaml:15: entities.person.count: 'tenure' is of type category, expected an integer variable",
    ),
    "count may be negative": (
        "size: {type: integer, range: [1, 4]}",
        "size: {type: integer, range: [-1, 4]}",
        "scenario.yaml:15: entities.person.count: 'size' has the range [-1, 4], expected one within [0, 10000]",
    ),
    "count beyond reason": (
        "size: {type: integer, range: [1, 4]}",
        "size: {type: integer, range: [1, 1000000]}",
        "scenario.yaml:15: entities.person.count: 'size' has the range [1, 1000000], expected one within [0, 10000]",
    ),
    "count of the root": (
        "  household:\n    variables",
        "  household:\n    count: size\n    variables",
        (
            "scenario.yaml:6: entities.household.count: the root entity is not counted, expected this key"
            " under a member entity"
        ),
    ),
    "member without variables": (
        (
            "    variables:\n      age: {type: integer, range: [0, 99]}\n      sex: {type: category, "
            "categories: [female, male]}\n      hours: {type: number, range: [0, 80]}\n    derived:\n      "
            "days: {type: number, value: hours / 8}\n"
        ),
        "    variables: {}\n",
        "scenario.yaml:16: entities.person.variables: expected at least one variable, got none",
    ),
    "member variable shadows": (
        "      sex: {",
        "      tenure: {",
        (
            "scenario.yaml:18: entities.person.variables.tenure: household has a variable of this name, "
            "expected different names"
        ),
    ),
    "variable named like a zone level": (
        "      sex: {",
        "      state: {",
        "scenario.yaml:18: entities.person.variables.state: this name is a zone level already",
    ),
    "variable named like the parent's id": (
        "      sex: {",
        "      household_id: {",
        "scenario.yaml:18: entities.person.variables.household_id: this name is reserved for record ids",
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), VARIABLES.values(), ids=VARIABLES)
def test_broken_variable_is_refused(tmp_path, old, new, message):
    assert refusal(write_folder(tmp_path, with_change(SHOP, "scenario.yaml", old, new))) == message


@pytest.mark.parametrize(("old", "new", "message"), LINKS.values(), ids=LINKS)
def test_broken_link_between_entities_is_refused(tmp_path, old, new, message):
    assert refusal(write_folder(tmp_path, with_change(VILLAGE, "scenario.yaml", old, new))) == message
