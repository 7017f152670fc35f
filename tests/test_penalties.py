"""Penalties: values, proximal steps and conjugates, against the least or largest value on a fine grid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onelayer.errors import OneLayerError
from onelayer.penalties import ElasticNet, Ridge

GRID = np.linspace(-8, 8, 160_001)

boxes = st.sampled_from(
    [(-np.inf, np.inf), (0, np.inf), (-np.inf, 0.5), (-1, 2), (0.5, 1.5), (-2, -1), (0, 0)]
)


@given(st.sampled_from([0, 0.5, 1.3]), st.sampled_from([0, 0.7, 2]), boxes, st.integers(-300, 300))
def test_steps_and_conjugates_are_extremes(l1, l2, box, u):
    u = u / 100
    penalty = ElasticNet(np.array([l1]), l2, *box)
    grid = GRID[(box[0] <= GRID) & (box[1] >= GRID)]
    cost = l1 * np.abs(grid) + l2 * grid**2 / 2
    assert [penalty.value(np.array([[w]])) for w in grid[:3]] == pytest.approx(cost[:3])
    slopes = u * grid - cost
    (found,) = penalty.conjugate(np.array([[u]]))
    if slopes.argmax() in (0, len(grid) - 1) and np.abs(grid[slopes.argmax()]) == 8 and l2 == 0:
        assert found == (np.inf if slopes.max() > 1e-6 else pytest.approx(slopes.max(), abs=1e-5))
    else:
        assert found == pytest.approx(slopes.max(), abs=1e-6)
    step = penalty.step(np.array([[u]]), 0.7)[0, 0]
    assert step == pytest.approx(grid[((grid - u) ** 2 / 1.4 + cost).argmin()], abs=2e-4)


def test_groups_shrink_and_leave_columns_out_as_a_whole():
    generator = np.random.default_rng(0)
    W, penalty = generator.normal(size=(3, 5)), ElasticNet(np.linspace(0, 9, 5), 0.5, is_grouped=True)
    V = penalty.step(W, 0.3)
    assert not V[:, 4].any() and V[:, :2].all()
    lengths = np.linalg.norm(W, axis=0)
    assert penalty.value(W) == pytest.approx((np.linspace(0, 9, 5) * lengths).sum() + 0.25 * (W**2).sum())
    # The gradient is 0 at the proximal step of a column that stays.
    slope = (V - W) / 0.3 + 0.5 * V + penalty.l1 * V / np.maximum(np.linalg.norm(V, axis=0), 1e-300)
    np.testing.assert_allclose(slope[:, :2], 0, atol=1e-12)
    # Fenchel and Young: equality at a weight and its slope.
    slope = 0.5 * V + penalty.l1 * V / np.maximum(np.linalg.norm(V, axis=0), 1e-300)
    np.testing.assert_allclose(
        penalty.conjugate(slope).sum(), (slope * V).sum() - penalty.value(V), rtol=1e-12
    )


def test_units_of_columns_change_nothing():
    generator = np.random.default_rng(1)
    W, scale = generator.normal(size=(2, 4)), 10.0 ** generator.integers(-8, 9, 4)
    penalty = ElasticNet(generator.uniform(size=4), 0.3, -5.0, np.array([5, np.inf, 5, 5])).columns(4)
    scaled = penalty.in_units(scale)
    assert scaled.value(W * scale) == pytest.approx(penalty.value(W), rel=1e-14)
    slope = 2 * generator.normal(size=(2, 4))
    np.testing.assert_allclose(scaled.conjugate(slope / scale), penalty.conjugate(slope), rtol=1e-13)
    assert penalty.times_power(3).value(W) == pytest.approx(8 * penalty.value(W))
    assert penalty.take(np.array([2, 0])).value(W[:, [2, 0]]) < penalty.value(W)


def test_without_l1_it_is_the_ridge():
    W = np.random.default_rng(2).normal(size=(2, 3))
    assert ElasticNet(0.0, 2.0).value(W) == Ridge(2.0).value(W)
    assert not ElasticNet(0.0, 2.0).has_bounds and ElasticNet(0.0, upper=1.0).has_bounds
    assert ElasticNet(0.0, upper=1.0).value(W + 9) == np.inf


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"l1": -1.0}, "l1 must be finite and not negative"),
        ({"l1": 0.0, "l2": np.array([1, np.inf])}, "l2 must be finite"),
        ({"l1": 0.0, "lower": 2.0, "upper": 1.0}, "lower is above upper"),
        ({"l1": 0.0, "lower": 0.0, "is_grouped": True}, "no bounds"),
    ],
)
def test_what_makes_no_penalty_is_refused(arguments, message):
    with pytest.raises(OneLayerError, match=message):
        ElasticNet(**arguments)
