"""What the author of broken derived variables, rules and expressions is told."""

import json

import pytest

from tests.adapters.examples import SHOP, VILLAGE, refusal, with_change, write_folder

DERIVED = {
    "derived shadows": (
        "is_big:",
        "paid:",
        "scenario.yaml:10: entities.order.derived.paid: order has a variable of this name already",
    ),
    "derived without otherwise": (
        "          - {otherwise: small}\n",
        "          - {when: items < 5, value: small}\n",
        (
            "scenario.yaml:12: entities.order.derived.is_big.cases: expected two or more cases, the last "
            "being {otherwise: …}"
        ),
    ),
    "derived with one case": (
        "          - {when: items >= 5, value: big}\n",
        "",
        (
            "scenario.yaml:12: entities.order.derived.is_big.cases: expected two or more cases, the last "
            "being {otherwise: …}"
        ),
    ),
    "derived case without value": (
        "{when: items >= 5, value: big}",
        "{when: items >= 5}",
        "scenario.yaml:13: entities.order.derived.is_big.cases.0: expected {when: …, value: …}",
    ),
    "derived last case with a condition": (
        "{otherwise: small}",
        "{when: items < 5, otherwise: small}",
        "scenario.yaml:14: entities.order.derived.is_big.cases.1: expected nothing beside otherwise",
    ),
    "derived category with a value": (
        "        type: category\n",
        "        type: category\n        value: items\n",
        "scenario.yaml:12: entities.order.derived.is_big.value: type category has no value, expected cases",
    ),
    "derived integer without a value": (
        (
            "        type: category\n        cases:\n          - {when: items >= 5, value: big}\n          -"
            " {otherwise: small}\n"
        ),
        "        type: integer\n        range: [0, 1]\n",
        (
            "scenario.yaml:10: entities.order.derived.is_big: missing key 'value', expected an expression"
            " for type integer"
        ),
    ),
    "derived integer without a range": (
        (
            "        type: category\n        cases:\n          - {when: items >= 5, value: big}\n          -"
            " {otherwise: small}\n"
        ),
        "        type: integer\n        value: items + 1\n",
        "scenario.yaml:10: entities.order.derived.is_big: missing key 'range', expected [low, high] for type integer",
    ),
    "derived integer with cases": (
        "        type: category\n        cases",
        "        type: integer\n        cases",
        "scenario.yaml:12: entities.order.derived.is_big.cases: type integer has no cases, expected value and range",
    ),
    "derived from itself": (
        "{when: items >= 5, value: big}",
        "{when: is_big == 'big', value: big}",
        (
            "scenario.yaml:13: entities.order.derived.is_big.cases.0.when: unknown variable 'is_big' of "
            "order (expected one of: paid, items, price)"
        ),
    ),
}

RULES = {
    "rule's entity unknown": (
        "    entity: order\n    when",
        "    entity: orders\n    when",
        "scenario.yaml:29: rules.0.entity: unknown entity 'orders' (did you mean 'order'?)",
    ),
    "rule's name repeated": (
        "    then: price < 400\n",
        "    then: price < 400\n  - {name: cash_is_for_small_sums, entity: order, then: price > 0}\n",
        "scenario.yaml:32: rules.1.name: a rule named 'cash_is_for_small_sums' exists already",
    ),
}

# What is wrong with an expression is told by synthesis.expressions; here it matters that it is told, and where.
EXPRESSIONS = {
    "": "cannot read expression ''",
    "prise < 400": "unknown variable 'prise' of order (did you mean 'price'?)",
    "paid == 'by cards'": "'by cards' is no category of paid (did you mean 'by card'?)",
    "price == '400'": "'price' is a number",
    "paid < 3": "'paid' is a category",
    "paid < 'in cash'": "not <",
    "paid in ('by card', 3)": "'paid' is a category",
    "paid in ()": "expected a list",
    "price + 1": "'price + 1' yields a number",
    "paid": "'paid' yields a category",
    "'yes'": "text 'yes'",
    "any(price > 3)": "needs members",
    "person.age > 3": "unknown entity 'person'",
    "price = 3": "cannot read expression 'price = 3'",
    "price is 3": "Is",
    "price ** 9 > 3": "'price ** 9' is not part of the expression language",
    "price.real > 3": "unknown entity 'price'",
    "price < 1e400": "out of range",
    "price < 1" + " + 1" * 700: "2809 characters long",
    "price < 1" + "+1" * 700: "deep",
    "not " * 400 + "price < 1": "deep",
    "(" * 300 + "price" + ")" * 300 + " < 1": "cannot read expression",
    "__import__('os').system('ls')": "is not part of the expression language",
    "(lambda: 1)() > 0": "'(lambda: 1)()' is not part of the expression language",
    "[x for x in (1, 2)] == 1": "'[x for x in (1, 2)]' is not part of the expression language",
    "paid == 'a\nb'": "cannot read expression",
}

MEMBER_EXPRESSIONS = {
    "person.age >= 18": "person.age has one value per person",
    "age >= 18": "unknown variable 'age' of household",
    "any(person.aged >= 18)": "unknown variable 'aged' of person (did you mean 'age'?)",
    "any(any(person.age >= 18))": "any(…) needs members",
    "any(person.age)": "'person.age' is a number",
    "sum(person.age >= 18) > 0": "'person.age >= 18' is a truth",
    "persons.age >= 18": "unknown entity 'persons' (did you mean 'person'?)",
}


@pytest.mark.parametrize(("old", "new", "message"), DERIVED.values(), ids=DERIVED)
def test_broken_derived_variable_is_refused(tmp_path, old, new, message):
    assert refusal(write_folder(tmp_path, with_change(SHOP, "scenario.yaml", old, new))) == message


@pytest.mark.parametrize(("old", "new", "message"), RULES.values(), ids=RULES)
def test_broken_rule_is_refused(tmp_path, old, new, message):
    assert refusal(write_folder(tmp_path, with_change(SHOP, "scenario.yaml", old, new))) == message


@pytest.mark.parametrize(("expression", "told"), EXPRESSIONS.items(), ids=lambda text: repr(text[:40]))
def test_broken_expression_is_refused_where_it_stands(tmp_path, expression, told):
    files = with_change(SHOP, "scenario.yaml", "then: price < 400", f"then: {json.dumps(expression)}")
    message = refusal(write_folder(tmp_path, files))
    assert message.startswith("scenario.yaml:31: rules.0.then: ")
    assert told in message.replace('"', "'")


@pytest.mark.parametrize(("expression", "told"), MEMBER_EXPRESSIONS.items())
def test_broken_expression_over_members_is_refused_where_it_stands(tmp_path, expression, told):
    files = with_change(VILLAGE, "scenario.yaml", "then: any(person.age >= 18)", f"then: {expression}")
    message = refusal(write_folder(tmp_path, files))
    assert message.startswith("scenario.yaml:50: rules.0.then: ")
    assert told in message


def test_rule_with_an_empty_condition_is_refused(tmp_path):
    files = with_change(SHOP, "scenario.yaml", 'when: paid == "in cash"', "when: ''")
    message = refusal(write_folder(tmp_path, files))
    assert message.startswith("scenario.yaml:30: rules.0.when: cannot read expression ''")


def test_broken_universe_is_refused_where_it_stands(tmp_path):
    files = with_change(VILLAGE, "scenario.yaml", "universe: size >= 2", "universe: person.age >= 2")
    message = refusal(write_folder(tmp_path, files))
    assert message.startswith("scenario.yaml:44: targets.tenure.universe: person.age has one value per person")


def test_broken_derived_value_is_refused_where_it_stands(tmp_path):
    files = with_change(VILLAGE, "scenario.yaml", "value: rent / size", "value: rent > size")
    message = refusal(write_folder(tmp_path, files))
    assert message.startswith("scenario.yaml:12: entities.household.derived.rent_per_head.value: ")


def test_code_in_an_expression_is_not_run(tmp_path):
    code = f"__import__('pathlib').Path('{tmp_path}/trace').touch()"
    files = with_change(SHOP, "scenario.yaml", "then: price < 400", f"then: {json.dumps(code)}")
    refusal(write_folder(tmp_path, files))
    assert not (tmp_path / "trace").exists()
