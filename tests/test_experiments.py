"""Training on a data set: what is held out stays out, and everything ends in the user's units."""

import math
from dataclasses import replace

import numpy as np
import pytest

from onelayer import Dataset, OneLayerError, Rows, Settings, fashion_mnist, houses, synthetic, train
from onelayer.data import PIXEL_UNIT
from onelayer.preparing import prepare
from onelayer.settings import Plan
from onelayer.sgd_runs import descend


def test_tuning_never_sees_the_test_set():
    """A test set that no model could be evaluated on does not disturb it."""
    data = fashion_mnist()
    few, other = data.train.take(slice(500)), Rows(np.zeros((3, 1)), [0, 0, 0], "classes")
    poisoned = replace(data, train=few, test=other)
    plan = Settings(valid=0.2, epochs=1).for_data(poisoned)
    _, history = descend(prepare(poisoned, plan), plan)
    assert history.epochs[0].held_out_accuracy is not None


def test_validation_rows_do_not_move_the_standardisation():
    data = houses()
    prepared = prepare(data, Settings(valid=0.25).for_data(data))
    kept, held = data.hold_out(0.25, seed=0)
    np.testing.assert_allclose(prepared.scaling.features.mean, kept.train.X.mean(axis=0), rtol=1e-12)
    assert np.array_equal(prepared.held_out_raw.X, held.X)


def test_scores_are_those_of_the_rows_held_out():
    data = houses()
    run = train(data, Settings(solver="direct", valid=0.25))
    _, held = data.hold_out(0.25, seed=0)
    prediction = held.X @ run.model.weight.T + run.model.bias
    errors = np.square(held.y - prediction)
    assert run.scores["rmse"] == pytest.approx(np.sqrt(errors.mean()))
    expected = 1 - errors.sum() / np.square(held.y - held.y.mean()).sum()
    assert run.scores["r2"] == pytest.approx(expected)


def test_defaults_follow_from_the_data():
    common = {"alpha": 0.0, "epochs": 10, "batch_size": 256, "lr": 0.1, "seed": 0}
    common |= {"l1_ratio": 0.0, "cv": 0, "rule": "min", "cov": "classical", "lags": None}
    common |= {"hidden": 256, "phm_n": 2, "device": "auto", "way": "fused"}
    images = Plan(model="softmax", solver="sgd", C=1.0, valid=0.0, **common)
    exact = Plan(model="linear", solver="direct", C=math.inf, valid=0.0, **common)
    assert Settings().for_data(fashion_mnist()) == images
    assert Settings().for_data(houses()) == exact
    assert Settings(solver="sgd").for_data(houses()) == replace(exact, solver="sgd", valid=0.2)
    assert Settings(lr=0.1).for_data(houses()) == Settings(solver="sgd").for_data(houses())
    assert Settings("mlp").for_data(houses()).way == "concise"
    assert Settings(solver="auto").for_data(houses()).solver == "direct"
    assert Settings("mlp", solver="auto").for_data(houses()).solver == "sgd"


def test_the_old_name_of_the_exact_solvers_is_the_new_one_with_a_warning():
    with pytest.warns(FutureWarning, match="the solver is called 'auto' now"):
        assert Settings(solver="exact").for_data(houses()) == Settings(solver="auto").for_data(houses())
    with pytest.raises(OneLayerError, match="exact solvers are for one layer"):
        Settings("mlp", solver="exact").for_data(houses())


def test_rows_of_any_layout_train_with_a_checkpoint(tmp_path):
    X = np.random.default_rng(0).integers(0, 255, (6, 50), dtype=np.uint8).T  # not contiguous
    rows = Rows(X, np.arange(50) % 2, unit=PIXEL_UNIT)
    data = Dataset("mine", rows, None, (), "y", ("a", "b"), image_shape=(2, 3))
    train(data, Settings(epochs=1), checkpoint=tmp_path / "checkpoint")
    assert (tmp_path / "checkpoint").exists()


def test_a_constant_target_has_no_r2():
    data = synthetic(n=50)
    constant = replace(data, train=Rows(data.train.X, np.full(50, 0.1)))
    assert train(constant, Settings(solver="direct", valid=0)).scores["r2"] is None


def test_settings_that_do_not_fit():
    with pytest.raises(OneLayerError, match="use --model linear"):
        train(houses(), Settings("softmax"))
    with pytest.raises(OneLayerError, match="epochs is for SGD, and the solver auto has none"):
        train(houses(), Settings(solver="auto", epochs=3))
    with pytest.raises(OneLayerError, match="whose solvers are auto, sgd"):
        train(houses(), Settings("mlp", solver="newton"))
    with pytest.raises(OneLayerError, match="whose solvers are auto, direct, sgd"):
        train(houses(), Settings(solver="lbfgs"))
