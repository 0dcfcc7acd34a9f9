"""The two labels that arXiv 2505.14752 learns from shop records: discount propensity and lifetime value.

Both are rules, applied to real and synthetic records alike. Product categories in the order Electronics, Apparel,
Food & Beverages, Furniture & Appliances.
"""

import numpy as np

from schemas.model import BoolArray, FloatArray, IntArray

LABELS = ("Low", "Mid", "High")
CATEGORY_WEIGHTS = (1.3, 1.1, 0.9, 1.4)
ONLINE_WEIGHT, CASH_WEIGHT = 1.2, 0.85


def discount_propensity(
    age: FloatArray,
    price: FloatArray,
    category: IntArray,
    is_cash: BoolArray,
    is_developing: BoolArray,
    price_means: FloatArray,
    price_sds: FloatArray,
) -> IntArray:
    """Codes into LABELS: S = -tanh z + .01 (A - 35)² / 100 + .5 [cash] + .3 [developing]; High above 1, Low below -1.

    `price_means` and `price_sds`, by category, are those of the reference for every set of records: a fixed rule.
    """
    z = (price - price_means[category]) / price_sds[category]
    score = -np.tanh(z) + 0.01 * (age - 35) ** 2 / 100 + 0.5 * is_cash + 0.3 * is_developing
    return np.where(score > 1, 2, np.where(score < -1, 0, 1))


def lifetime_value(age: FloatArray, price: FloatArray, category: IntArray, is_cash: BoolArray) -> IntArray:
    """Codes into LABELS: sqrt(X) w_m / (log(1 + |A - 35|) + 1) w_c; High above 20, Low below 10."""
    weight = np.where(is_cash, CASH_WEIGHT, ONLINE_WEIGHT) * np.take(CATEGORY_WEIGHTS, category)
    value = np.sqrt(np.maximum(price, 0)) * weight / (np.log1p(np.abs(age - 35)) + 1)
    return np.where(value > 20, 2, np.where(value < 10, 0, 1))
