"""A small good prior for the village, as text."""

from tests.adapters.examples import VILLAGE

PRIOR = """\
author: somebody
date: 2026-11-22
archetypes:
  - name: alone
    share: 3
    reason: many live alone
    members:
      - {role: householder, values: {age: [18, 95]}}
  - name: family
    share: 1
    when: county in ("01", "02")
    reason: couples with children
    values: {tenure: {owned: 0.8, rented: 0.2}, rent: {lognormal: [700, 0.5]}}
    members:
      - {role: householder, values: {age: [20, 60], sex: female}}
      - {role: spouse, values: {age: [18, 70]}}
      - {role: child, number: {"1": 0.6, "2": 0.4}, values: {age: [0, 17]}}
relations:
  - name: age_of_spouse
    role: spouse
    variable: age
    difference: {to: householder, value: {normal: [1, 4], within: [-15, 15]}}
    reason: couples are of one age
  - name: age_of_child
    role: child
    variable: age
    difference: {to: [spouse, householder], where: sex == "female", value: [-45, -18]}
    reason: below the mother
  - name: sex_of_spouse
    role: spouse
    variable: sex
    when: householder.sex == "female"
    values: male
    reason: mostly
  - name: hours_alike
    role: [spouse, child]
    variable: hours
    same: {to: householder, probability: 0.5}
    reason: they work alike
  - name: rent_of_adults
    entity: household
    variable: rent
    when: count(person.age >= 18) == 1 and county != "03"
    values: {"<500": 0.7, "500+": 0.3}
    reason: small flats
"""

INFORMED = {**VILLAGE, "prior/prior.yaml": PRIOR}
"""The village with its prior."""
