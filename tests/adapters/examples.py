"""Two small good scenarios as text, and how to put one in a folder, whole or with one thing changed."""

from pathlib import Path

import pytest

from adapters.scenario_files import read_scenario
from schemas.errors import UserError

SHOP = {
    "scenario.yaml": """\
name: shop
size: 100
entities:
  order:
    variables:
      paid: {type: category, categories: [by card, in cash]}
      items: {type: integer, range: [1, 9], prior_weights: {"1": 2, "2": 1}}
      price: {type: number, range: [0, 500]}
    derived:
      is_big:
        type: category
        cases:
          - {when: items >= 5, value: big}
          - {otherwise: small}
targets:
  paid:
    entity: order
    variables: [paid]
    file: paid.csv
    measure: count
  items_price:
    entity: order
    variables: [items, price]
    file: items_price.csv
    measure: share
    tolerance: {share_tvd: 0.01}
rules:
  - name: cash_is_for_small_sums
    entity: order
    when: paid == "in cash"
    then: price < 400
""",
    "paid.csv": "paid,count\nby card,60\nin cash,40\n",
    "items_price.csv": "items,price,share\n1-4,<100,0.4\n1-4,100+,0.2\n5+,<100,0.1\n5+,100+,0.3\n",
}
"""Flat: orders of a shop."""

VILLAGE = {
    "scenario.yaml": """\
name: village
sources:
  census: {publisher: Office, title: Census, vintage: "2020"}
entities:
  household:
    variables:
      size: {type: integer, range: [1, 4]}
      tenure: {type: category, categories: [owned, rented]}
      rent: {type: number, range: [0, 2000]}
    derived:
      adults: {type: integer, range: [0, 4], value: count(person.age >= 18)}
      rent_per_head: {type: number, value: rent / size}
  person:
    parent: household
    count: size
    variables:
      age: {type: integer, range: [0, 99]}
      sex: {type: category, categories: [female, male]}
      hours: {type: number, range: [0, 80]}
    derived:
      days: {type: number, value: hours / 8}
zones:
  variable: county
  crosswalk: zones.csv
targets:
  size:
    entity: household
    variables: [size]
    zone: county
    file: targets/size.csv
    measure: count
    source: census
  age:
    entity: person
    variables: [age]
    zone: state
    file: targets/age.csv
    measure: share
  tenure:
    entity: household
    variables: [tenure]
    zone: county
    same_in_every_zone: true
    universe: size >= 2
    file: targets/tenure.csv
    measure: share
rules:
  - name: has_adult
    entity: household
    then: any(person.age >= 18)
""",
    "zones.csv": "county,county_name,state\n01,Ash,north\n02,Birch,north\n03,Cedar,south\n",
    "targets/size.csv": "county,size,count\n01,1,5\n01,2+,7\n02,1,6\n02,2+,8\n03,1,9\n03,2+,4\n",
    "targets/age.csv": "state,age,share\nnorth,under 18,0.25\nnorth,18+,0.75\nsouth,under 18,0.3\nsouth,18+,0.7\n",
    "targets/tenure.csv": "tenure,share\nowned,0.6\nrented,0.4\n",
}
"""Nested and zoned: households of three counties, and the persons in them."""

WHOLE = ""
"""As `old`: everything a file holds."""


def write_folder(folder: Path, files: dict[str, str]) -> Path:
    """The folder, with the files in it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder


def with_change(files: dict[str, str], name: str, old: str, new: str) -> dict[str, str]:
    """The files, in one of them the only `old` being `new`."""
    assert old == WHOLE or files[name].count(old) == 1, f"{old!r} stands {files[name].count(old)} times in {name}"
    return {**files, name: new if old == WHOLE else files[name].replace(old, new)}


def refusal(folder: Path) -> str:
    """What the author of a broken scenario is told: one line, the folder left out."""
    with pytest.raises(UserError) as caught:
        read_scenario(folder)
    message = str(caught.value)
    assert message.isprintable(), f"expected one line of text, got {message!r}"
    return message.removeprefix(f"{folder}/")
