"""The answers of the self-test, each computed by the library: nothing here is a number that someone has typed in."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from onelayer import Timer, d2l, functional, models, training
from onelayer.lab.lessons.softmax_regression.runs import Setting, dataset, new_model, train
from onelayer.solvers import scratch

ERRORS = (-2.0, -1.0, 1.0, 2.0)  # of the question about noise
BOWL_STEPS = 12
IMAGES, SHARE = 1000, 0.84  # what settings are judged on, and the share that all of them get right


# Linear regression


def solution() -> dict[str, Any]:
    """Return how many weights minimise the squared loss if the second feature is twice the first."""
    X = np.outer([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0])
    y = X @ [1.0, 1.0]
    away = np.linspace(-1, 1, 41)

    def loss(direction: tuple[float, float]) -> Any:
        weights = np.ones(2) + away[:, None] * np.array(direction)
        return np.mean((weights @ X.T - y) ** 2, axis=1) / 2

    return {
        "truth": "one" if np.linalg.matrix_rank(X) == X.shape[1] else "many",
        "away": away,
        "along": loss((2, -1)),
        "across": loss((1, 2)),
    }


def step() -> dict[str, Any]:
    """Return the weight after a step of SGD on the row x = 2, y = 3, from w = 0.5, b = 0 with η = 0.1."""
    weight, bias = (torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in (0.5, 0.0))
    functional.squared_loss(2 * weight + bias, torch.tensor([3.0])).backward()
    slope = float(weight.grad) if weight.grad is not None else np.nan
    scratch.sgd([weight, bias], lr=0.1, batch_size=1)
    return {"weight": weight.item(), "slope": slope, "bias": bias.item()}


def bowl(lr: float, start: float) -> dict[str, Any]:
    """Return a walk down L = 3w² and the largest learning rate for which it converges, found by bisection."""
    path = [start]
    for _ in range(BOWL_STEPS):
        path.append(path[-1] - lr * 6 * path[-1])
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if abs(1 - middle * 6) < 1 else (low, middle)
    places = np.linspace(-2, 2, 81)
    return {
        "places": places,
        "heights": 3 * places**2,
        "path": path,
        "losses": [3 * w**2 for w in path],
        "loss": 3 * start**2,
        "end": abs(path[-1]),
        "bound": (low + high) / 2,
    }


def noise(variance: float) -> dict[str, Any]:
    """Return the log-likelihood of four errors over σ², and the σ² at which it is largest."""
    errors = np.array(ERRORS)

    def likelihood(at: Any) -> Any:
        return -len(errors) / 2 * np.log(2 * np.pi * at) - np.sum(errors**2) / (2 * at)

    variances = np.linspace(0.5, 8, 76)
    return {
        "variances": variances,
        "curve": likelihood(variances),
        "here": likelihood(variance),
        "best": np.mean(errors**2),
    }


def speed() -> dict[str, Any]:
    """Return how many times as long a loop over 10,000 elements takes as one call, on this machine."""
    n = 10_000
    a, b, c = torch.ones(n), torch.ones(n), torch.zeros(n)

    def loop() -> None:
        for i in range(n):
            c[i] = a[i] + b[i]

    def call() -> None:
        for _ in range(100):
            torch.add(a, b)

    slow, fast = fastest(loop, 3), fastest(call, 5) / 100
    ratio = slow / fast
    return {
        "slow": slow,
        "fast": fast,
        "ratio": ratio,
        "truth": "few" if ratio < 10 else "tens" if ratio < 300 else "thousands",
    }


def fastest(work: Any, times: int) -> float:
    """Return the seconds of the fastest of some runs: what other programs do meanwhile makes the others slower."""
    found = []
    for _ in range(times):
        timer = Timer()
        work()
        found.append(timer.stop())
    return min(found)


def layer() -> dict[str, Any]:
    """Return the parameters of a dense layer from 5 inputs to 3 outputs, and a drawing of it."""
    d, q = 5, 3
    inputs, outputs = (np.linspace(0.1, 0.9, 5), np.linspace(0.2, 0.8, 3))
    return {
        "parameters": models.parameter_count(nn.Linear(d, q)),
        "inputs": inputs,
        "outputs": outputs,
        "from": np.repeat(inputs, q),
        "to": np.tile(outputs, d),
    }


def forgotten() -> dict[str, Any]:
    """Train linear regression from scratch, once with gradients cleared after each step and once without."""
    X, y = _synthetic()
    found = {name: _losses(X, y, clear) for name, clear in (("cleared", True), ("kept", False))}
    worse = found["kept"][-20:].mean() > 100 * found["cleared"][-20:].mean()
    return found | {"truth": "swings" if worse else "nothing"}


def _synthetic() -> tuple[Tensor, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return d2l.synthetic_data(torch.tensor([2.0, -3.4]), 4.2, 1000)


def _losses(X: Tensor, y: Tensor, clear: bool) -> Any:
    """Return the loss on all rows after each of 200 steps with batches of 10 and η = 0.03."""
    weight, bias = torch.zeros(2, 1, requires_grad=True), torch.zeros(1, requires_grad=True)
    losses = []
    for k in range(200):
        rows = slice(10 * (k % 100), 10 * (k % 100) + 10)
        (functional.squared_loss(X[rows] @ weight + bias, y[rows]).sum() / 10).backward()
        with torch.no_grad():
            for parameter in (weight, bias):
                assert parameter.grad is not None
                parameter -= 0.03 * parameter.grad
                if clear:
                    parameter.grad.zero_()
            losses.append(float(functional.squared_loss(X @ weight + bias, y).mean()))
    return np.array(losses)


def half() -> dict[str, Any]:
    """Return the η with which nn.MSELoss takes the steps that ½(ŷ − y)² takes with 0.03."""
    w = torch.tensor([1.5], dtype=torch.float64, requires_grad=True)
    slopes = []
    for loss in (lambda o, y: functional.squared_loss(o, y).mean(), nn.MSELoss()):
        (slope,) = torch.autograd.grad(loss(w * 2, torch.tensor([1.0], dtype=torch.float64)), w)
        slopes.append(slope.item())
    return {"lr": 0.03 * slopes[0] / slopes[1], "ratio": slopes[1] / slopes[0]}


# Softmax regression


def shares(first: float, second: float, third: float) -> dict[str, Any]:
    """Return the probabilities (3,) of three logits, and that of the question: the third of 100, 100, 100 + ln 2."""
    p = functional.softmax(torch.tensor([[first, second, third]], dtype=torch.float64))[0]
    asked = functional.softmax(torch.tensor([[100, 100, 100 + np.log(2)]], dtype=torch.float64))[0]
    return {"p": np.asarray(p), "asked": asked[2].item(), "places": [0, 1, 2]}


def surprise(chance: float) -> dict[str, Any]:
    """Return −log p for a probability of the true class, for many of them, and for ¼."""
    chances = np.linspace(0.01, 1, 100)

    def loss(p: Any) -> Any:
        logits = torch.log(
            torch.tensor(np.stack([np.atleast_1d(p), 1 - np.atleast_1d(p)], 1)).clamp(min=1e-300)
        )
        true = torch.zeros(len(logits), dtype=torch.int64)
        return np.asarray(functional.cross_entropy(logits, true, reduction="none"))

    return {
        "chances": chances,
        "curve": loss(chances),
        "here": loss(chance)[0],
        "quarter": loss(0.25)[0],
    }


def slope() -> dict[str, Any]:
    """Return the derivative of the cross-entropy with respect to each logit, where softmax says 0.2, 0.5, 0.3."""
    logits = torch.log(torch.tensor([[0.2, 0.5, 0.3]], dtype=torch.float64)).requires_grad_()
    (found,) = torch.autograd.grad(functional.cross_entropy(logits, torch.tensor([1])), logits)
    return {"slopes": found[0].tolist(), "places": [0, 1, 2]}


def passes() -> dict[str, Any]:
    """Return how many batches of 256 the training images make, and how many images are in the last."""
    train_iter, _ = d2l.load_data_fashion_mnist(256)
    n = len(dataset().train)
    return {"batches": len(train_iter), "left": n - 256 * (len(train_iter) - 1)}


def untrained() -> dict[str, Any]:
    """Return the mean loss and the accuracy of softmax regression before its first step, and the loss of a guess."""
    score = training.evaluate(new_model("softmax"), dataset().train)
    return {"loss": score.loss, "accuracy": score.accuracy, "expected": np.log(dataset().n_outputs)}


def larger() -> dict[str, Any]:
    """Return validation accuracies after each of three epochs with batches of 256 and of 4,096."""
    small, large = (
        [float(score.accuracy or 0) for score in train(Setting("softmax", 0.1, size, 3)).valid]
        for size in (256, 4096)
    )
    truth = (
        "lower" if large[-1] < small[-1] - 0.005 else "higher" if large[-1] > small[-1] + 0.005 else "same"
    )
    return {"small": small, "large": large, "truth": truth}


def best_of(settings: int) -> dict[str, Any]:
    """Return the validation accuracies of equally good settings, the best of them, and what is the rule with 30."""
    accuracies = np.random.default_rng(7).binomial(IMAGES, SHARE, 100) / IMAGES
    rule = np.random.default_rng(0).binomial(IMAGES, SHARE, (1000, 30)).max(axis=1) / IMAGES
    return {
        "accuracies": accuracies[:settings],
        "numbers": list(range(1, settings + 1)),
        "best": accuracies[:settings].max(),
        "number": int(accuracies[:settings].argmax()) + 1,
        "true_share": SHARE,
        "usual": rule.mean(),
        "truth": "above" if np.quantile(rule, 0.05) > SHARE else "around",
    }
