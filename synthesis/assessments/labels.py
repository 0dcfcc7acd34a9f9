"""Labels to be learnt: a category variable, or the two of the e-commerce experiment where their variables are there."""

from collections.abc import Sequence

import numpy as np

from schemas.errors import UserError
from schemas.model import FloatArray, IntArray
from synthesis.assessments.classifiers import Labels
from synthesis.comparison import Comparison
from synthesis.expressions import nearest
from synthesis.metrics.ecommerce_labels import discount_propensity, lifetime_value
from synthesis.records import Records

LabelTask = tuple[str, Labels, list[str]]
PRODUCTS = ("Electronics", "Apparel", "Food & Beverages", "Furniture & Appliances")
_NEEDED = ("age", "price", "product_category", "payment", "location_tier")


def named_labels(comparison: Comparison, names: Sequence[str]) -> dict[str, LabelTask]:
    """A task for each category variable named, learnt from all others of its entity (and of its root)."""
    tasks: dict[str, LabelTask] = {}
    for name in names:
        for entity in comparison.entities:
            if name in (own := comparison.names(entity)):
                break
        else:
            known = [each for entity in comparison.entities for each in comparison.names(entity)]
            raise UserError(f"--label {name}: no such variable in run and reference{nearest(name, known)}")
        if comparison.scenario.variable(entity.name, name).kind != "category":
            raise UserError(f"--label {name}: is a number, expected a category variable")
        outer = [] if entity is comparison.scenario.root else comparison.names(comparison.scenario.root)
        of_members = entity is comparison.scenario.member
        tasks[name] = entity.name, _coder(name, of_members), [each for each in (*own, *outer) if each != name]
    return tasks


def ecommerce_labels(comparison: Comparison) -> dict[str, LabelTask]:
    """The paper's two labels, if the root has the experiment's variables and categories."""
    root = comparison.scenario.root
    names = comparison.names(root)
    if not set(_NEEDED) <= set(names):
        return {}
    categories = {name: comparison.scenario.variable(root.name, name).categories for name in _NEEDED[2:]}
    if set(categories["product_category"]) != set(PRODUCTS) or "Cash on Delivery" not in categories["payment"]:
        return {}
    if "Developing" not in categories["location_tier"]:
        return {}
    rules = _Rules(comparison, categories)
    return {
        "discount propensity": (root.name, rules.discount, names),
        "lifetime value": (root.name, rules.lifetime, names),
    }


def _coder(name: str, of_members: bool) -> Labels:
    return lambda records: records.column(name, of_members).astype(np.int64)


class _Rules:
    """The two rules with the reference's price moments, applied to any records."""

    def __init__(self, comparison: Comparison, categories: dict[str, tuple[str, ...]]) -> None:
        held = categories["product_category"]
        self._order = np.array([PRODUCTS.index(category) for category in held])
        self._cash = categories["payment"].index("Cash on Delivery")
        self._developing = categories["location_tier"].index("Developing")
        product, price = self._product(comparison.reference), comparison.reference.root["price"].astype(float)
        prices = [price[product == code] for code in range(len(PRODUCTS))]
        self._means = np.array([part.mean() if len(part) else 0.0 for part in prices])
        self._sds = np.array([max(part.std(), 1e-9) if len(part) else 1.0 for part in prices])

    def discount(self, records: Records) -> IntArray:
        is_developing = records.root["location_tier"] == self._developing
        age, price, product, is_cash = self._shared(records)
        return discount_propensity(age, price, product, is_cash, is_developing, self._means, self._sds)

    def lifetime(self, records: Records) -> IntArray:
        return lifetime_value(*self._shared(records))

    def _shared(self, records: Records) -> tuple[FloatArray, FloatArray, IntArray, np.ndarray]:
        numbers = (records.root[name].astype(float) for name in ("age", "price"))
        return *numbers, self._product(records), records.root["payment"] == self._cash

    def _product(self, records: Records) -> IntArray:
        return self._order[records.root["product_category"].astype(np.int64)]
