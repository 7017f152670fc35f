"""The self-test: its answers are what the library says."""

import numpy as np
import pytest

from onelayer.lab.lessons.review import experiment
from onelayer.lab.lessons.review.lesson import SCENES
from onelayer.lab.vocabulary import Recorded


def test_the_loss_is_flat_along_the_direction_that_changes_no_prediction():
    found = experiment.solution()
    assert found["truth"] == "many"
    np.testing.assert_allclose(found["along"], 0, atol=1e-28)
    assert found["across"].min() == pytest.approx(0) and found["across"].max() > 100


def test_a_step_by_hand():
    found = experiment.step()
    assert (
        found["slope"] == -4 and found["weight"] == pytest.approx(0.9) and found["bias"] == pytest.approx(0.2)
    )


@pytest.mark.parametrize(("lr", "leaves"), [(0.33, False), (0.34, True)])
def test_a_walk_leaves_beyond_the_bound(lr, leaves):
    found = experiment.bowl(lr, 1.0)
    assert found["bound"] == pytest.approx(1 / 3)
    assert (found["end"] > 1) is leaves


def test_missions_of_the_bowl_can_be_done():
    assert experiment.bowl(0.17, 1.5)["end"] < 1e-9
    assert experiment.bowl(0.4, 1.5)["end"] > 2


def test_the_likelihood_is_largest_at_the_mean_square():
    best = experiment.noise(1.0)["best"]
    assert best == 2.5
    here, *beside = (experiment.noise(variance)["here"] for variance in (best, best - 0.01, best + 0.01))
    assert here > max(beside)


def test_a_loop_takes_longer_than_a_call():
    found = experiment.speed()
    assert found["ratio"] > 10 and found["truth"] in {"tens", "thousands"}


def test_counted_answers():
    assert experiment.layer()["parameters"] == 18
    assert experiment.passes() == {"batches": 235, "left": 96}
    assert experiment.half() == {"lr": pytest.approx(0.015), "ratio": pytest.approx(2)}


def test_kept_gradients_swing():
    found = experiment.forgotten()
    assert found["truth"] == "swings"
    assert found["cleared"][-1] < 1e-3 < found["kept"][-20:].min()


def test_softmax_and_cross_entropy():
    assert experiment.shares(0, 0, 0)["asked"] == pytest.approx(0.5)
    np.testing.assert_allclose(experiment.shares(1, 1, 1)["p"], 1 / 3)
    assert experiment.surprise(1.0)["here"] == pytest.approx(0)
    assert experiment.surprise(0.5)["quarter"] == pytest.approx(np.log(4))
    np.testing.assert_allclose(experiment.slope()["slopes"], [0.2, -0.5, 0.3])


def test_an_untrained_network_knows_nothing():
    found = experiment.untrained()
    assert (
        found["expected"] == np.log(10) == pytest.approx(found["loss"], rel=0.01)
        and 0.05 < found["accuracy"] < 0.2
    )


def test_large_batches_are_behind_after_as_many_epochs():
    found = experiment.larger()
    assert found["truth"] == "lower" and len(found["small"]) == len(found["large"]) == 4


def test_the_best_of_many_flatters_itself():
    found = experiment.best_of(30)
    assert found["truth"] == "above" and found["best"] > found["true_share"]
    assert 0.855 < found["usual"] < 0.87
    assert [experiment.best_of(k)["best"] for k in (1, 10, 30, 100)] == sorted(
        experiment.best_of(k)["best"] for k in (1, 10, 30, 100)
    )


def test_each_truth_is_one_of_the_options():
    for scene in SCENES:
        if scene.ask and scene.ask.kind == "choice" and isinstance(scene.run, Recorded):
            state = {
                control.name: control.value for control in scene.controls if control.name in scene.run.reads
            }
            assert getattr(experiment, scene.run.run)(**state)[scene.ask.truth] in scene.ask.options
