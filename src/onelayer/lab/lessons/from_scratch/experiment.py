"""The experiments of the lesson on linear regression from scratch: what its scenes show, as the page has it."""

from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.constants import c, h, k

from onelayer import LinearRegression
from onelayer.functional import squared_loss
from onelayer.lab.lessons.from_scratch.training import (
    BATCH_SIZE,
    EPOCHS,
    LR,
    RATES,
    RESISTANCE,
    SIGMA,
    TEMPERATURE,
    TRUE,
    both_gradients,
    broadcast_mistake,
    compare_starts,
    data,
    divergence,
    exact,
    fitted,
    flat,
    hessian_sizes,
    initial_parameters,
    learn_temperature,
    losses_on,
    measure_resistor,
    resistance_path,
    second_derivatives,
    size_shown,
    start_at,
    train,
    try_rates,
    visits,
)
from onelayer.solvers.batches import epoch_order
from onelayer.solvers.draws import stream_seed
from onelayer.solvers.epoch import Way
from onelayer.solvers.scratch import affine

FAR = 1e9  # a parameter beyond this is lost: no answer here is that large
EXAMPLE = 2  # in the first minibatch: the one that is differentiated by hand
WAYS: tuple[Way, ...] = ("scratch", "fused", "concise")


@cache
def examples() -> dict[str, Any]:
    """Return the features (1000, 2), standard normal noise (1000,) for the labels, and seeds of epochs' orders.

    Beside them are ellipses of equal loss around the true weights, (7, 73) each, with the bias at its best.
    """
    clean, noisy = data(sigma=0), data(sigma=1)
    curvature, directions = np.linalg.eigh(np.cov(clean.X.numpy().T, bias=True))
    angle = np.linspace(0, 2 * np.pi, 73)
    circle = np.column_stack([np.cos(angle), np.sin(angle)]) / np.sqrt(curvature) @ directions.T
    rings = TRUE[:2] + np.arange(1, 8)[:, None, None] * circle
    return {
        "X": clean.X.numpy(),
        "noise": (noisy.y - clean.y)[:, 0].numpy(),
        "truth": TRUE,
        "ring_w1": rings[:, :, 0],
        "ring_w2": rings[:, :, 1],
        "seeds": [stream_seed(0, epoch) & 0xFFFFFFFF for epoch in range(1, 21)],
    }


def turn(angle: float, sigma: float) -> dict[str, Any]:
    """Return the labels against x₁ cos θ + x₂ sin θ, θ in degrees, and the straight line that fits them best."""
    rows = data(sigma)
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    across, y = rows.X.numpy() @ [cosine, sine], rows.y[:, 0].numpy()
    line = LinearRegression().fit(across[:, None], y)
    slope, height = float(line.coef_[0]), float(line.intercept_)
    return {
        "across": across,
        "label": y,
        "cosine": cosine,
        "sine": sine,
        "slope": slope,
        "height": height,
        "ends": [-4, 4],
        "line": [height - 4 * slope, height + 4 * slope],
        "spread": np.sqrt(np.mean((y - slope * across - height) ** 2)),
    }


def epoch(size: int, batch: int) -> dict[str, Any]:
    """Return the minibatches of the first epoch, of which ``batch`` have been handed out."""
    rows = data()
    numbers = [index.numpy() for index in epoch_order(len(rows), 0, 1).split(size)]
    sizes, different = visits(rows, size)
    now = min(batch, len(numbers))
    lit = numbers[now - 1] if now else np.arange(0)
    before = np.concatenate([np.arange(0), *numbers[: max(0, now - 1)]]).astype(int)
    (x1, x2) = rows.X.numpy().T
    return {
        "x1": x1,
        "x2": x2,
        "seen_x1": x1[before],
        "seen_x2": x2[before],
        "now_x1": x1[lit],
        "now_x2": x2[lit],
        "handed": len(lit),
        "read": len(before) + len(lit),
        "sizes": sizes,
        "places": np.arange(1, len(sizes) + 1),
        "current": [now - 1],
        "count": len(sizes),
        "last": sizes[-1],
        "names": ["rows-all", "rows-different", "batches"],
        "found": [sizes.sum(), different, len(sizes)],
        "expected": [len(rows), len(rows), -(-len(rows) // size)],
        "n": len(rows),
        "rest": len(rows) % 64,
        "end": len(sizes) + 0.5,
    }


def backward(guess: float) -> dict[str, Any]:
    """Return what one example's loss is made of and, by autograd, its derivative by each part; ``guess`` is w₁."""
    rows = data()
    row = int(epoch_order(len(rows), 0, 1)[EXAMPLE])
    x, y = rows.X[row], rows.y[row]
    parts = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (guess, TRUE[1], TRUE[2])]
    w1, w2, b = parts
    prediction = w1 * x[0] + w2 * x[1] + b
    loss = squared_loss(prediction[None], y, reduction="sum")
    slopes = [float(slope) for slope in torch.autograd.grad(loss, [*parts, prediction])]
    grid = np.linspace(-2, 6, 81)
    step = 1e-3

    def loss_at(w: NDArray[np.float64] | float) -> Any:
        return (w * float(x[0]) + TRUE[1] * float(x[1]) + TRUE[2] - float(y)) ** 2 / 2

    return {
        "x": x.numpy(),
        "y": float(y),
        "names": ["part-w1", "part-w2", "part-b", "part-prediction", "part-loss"],
        "forward": [*(part.item() for part in (*parts, prediction, loss))],
        "back": [*slopes, 1.0],
        "loss": loss.item(),
        "residual": slopes[3],
        "slope": slopes[0],
        "quotient": (loss_at(guess + step) - loss_at(guess - step)) / (2 * step),
        "grid": grid,
        "curve": loss_at(grid),
        "before": [guess - 0.7, loss.item() - 0.7 * slopes[0]],
        "after": [guess + 0.7, loss.item() + 0.7 * slopes[0]],
    }


def loop(
    lr: float, batch_size: int, sigma: float, start_w1: float, start_w2: float, step: int
) -> dict[str, Any]:
    """Return three epochs of training from a start, and all that the loop's lines make in one step of them."""
    rows = data(sigma)
    path = train(rows, start_at(start_w1, start_w2), lr, batch_size, EPOCHS)
    lost = np.flatnonzero(np.abs(path).max(axis=1) > FAR)
    path = path[: lost[0] + 1] if len(lost) else path
    taken = len(path) - 1
    now = min(step, taken)
    number, at = divmod(max(0, now - 1), -(-len(rows) // batch_size))
    index = epoch_order(len(rows), 0, number + 1).split(batch_size)[at]
    before, here = path[max(0, now - 1)], path[now]
    parameters = [torch.from_numpy(before[None, :2]), torch.from_numpy(before[2:])]
    parameters = [parameter.clone().requires_grad_() for parameter in parameters]
    X, y = rows.batch(index)
    outputs = affine(X, *parameters)
    batch_loss = squared_loss(outputs, y, reduction="sum")
    slope = flat(list(torch.autograd.grad(batch_loss, parameters)))
    losses, best = losses_on(rows, path), exact(rows)
    return {
        "w1": path[:, 0],
        "w2": path[:, 1],
        "errors": np.abs(path - TRUE).T,
        "error": np.abs(here - TRUE).max(),
        "losses": losses,
        "loss": losses[now],
        "floor": sigma**2 / 2,
        "least": 1e-6 if sigma else 1e-12,
        "taken": taken,
        "most": max(taken, 1),
        "epoch": number + 1,
        "rows": len(index),
        "read": number * len(rows) + (at + 1) * len(index) if now else 0,
        "lit": index.numpy() if now else np.arange(0),
        "label": rows.y[:, 0].numpy(),
        "prediction": (rows.X @ torch.from_numpy(before[:2]) + before[2]).numpy(),
        "lit_label": y[:, 0].numpy() if now else np.arange(0),
        "lit_prediction": outputs[:, 0].detach().numpy() if now else np.arange(0),
        "first": [*X[0].tolist(), float(y[0]), outputs[0].item()],
        "batch_loss": batch_loss.item(),
        "slope": slope,
        "before": before,
        "here": here,
        "aim": before[:2] - slope[:2] / len(index),
        "best": best,
    }


def recovered(seeds: int = 21) -> dict[str, Any]:
    """Train with the section's settings on different data, and return how far the parameters are from the true ones."""
    found = [
        train(data(seed=seed), initial_parameters(2, seed=seed), LR, BATCH_SIZE, EPOCHS, seed)[-1]
        for seed in range(seeds)
    ]
    errors = np.abs(np.array(found) - TRUE)
    return {
        "names": ["part-w1", "part-w2", "part-b"],
        "truth": TRUE,
        "learned": found[0],
        "places": [j + (seed / (seeds - 1) - 0.5) / 2 for seed in range(seeds) for j in range(3)],
        "errors": errors.ravel(),
        "worst": errors.max(),
        "median": (median := np.median(errors)),
        "typical": "a-thousandth" if 2e-4 < median < 5e-3 else "a-tenth",
    }


def rates() -> dict[str, Any]:
    """Return the loss after three epochs for many learning rates, and how it falls for seven of them, in float32."""
    stopped = divergence(data(), RATES[-1])
    assert stopped is not None
    rows, grid = data(), 10 ** np.arange(-3, 0.601, 0.1)
    trials = {trial.lr: trial for trial in try_rates(rows)}
    many = try_rates(rows, tuple(float(lr) for lr in grid))
    curves = [np.fmin(trial.losses, 1e9).astype(np.float32) for trial in trials.values()]  # NaN is far up too
    return {
        "lrs": grid,
        "ends": [trial.losses[-1] if np.isfinite(trial.losses[-1]) else np.inf for trial in many],
        "floor": SIGMA**2 / 2,
        **{f"curve_{i}": curve for i, curve in enumerate(curves)},
        "lost_at": trials[RATES[-1]].lost_at,
        "stable": stopped.largest_stable_lr,
    }


def zero() -> dict[str, Any]:
    """Return what becomes of one layer and of two that start at zero, or at small random weights."""
    starts = compare_starts(data())
    return {
        "networks": ["with-hidden" if start.hidden else "one-layer" for start in starts],
        "starts": ["from-zero" if start.zero else "from-random" for start in starts],
        "losses": [start.loss for start in starts],
        "moved": [f"{start.moved} / {start.weights}" for start in starts],
        "variance": float(data().y.var(correction=0)) / 2,
        "which": "only-one" if starts[1].loss < 0.01 < starts[3].loss else "neither",
    }


def reshape(from_w1: float, from_w2: float, wrong_step: int) -> dict[str, Any]:
    """Return training with labels (m, 1) and with labels (m,), and all differences of five predictions and labels."""
    rows = data()
    right = train(rows, start_at(from_w1, from_w2), 0.1, 100, 10)
    wrong = broadcast_mistake(rows, start_at(from_w1, from_w2))
    X, y = rows.batch(epoch_order(len(rows), 0, 1)[:5])
    weight, bias = torch.from_numpy(wrong[wrong_step][None, :2]), torch.from_numpy(wrong[wrong_step][2:])
    differences = affine(X, weight, bias) - y.flatten()
    return {
        "right_w1": right[:, 0],
        "right_w2": right[:, 1],
        "wrong_w1": wrong[:, 0],
        "wrong_w2": wrong[:, 1],
        "differences": differences.numpy(),
        "wrong": wrong[wrong_step],
        "right": right[wrong_step],
        "mean": float(rows.y.mean()),
        "end": wrong[-1],
        "expected": [*TRUE[:2] / 100, float(rows.y.mean())],
        "names": ["part-w1", "part-w2", "part-b"],
        "shape": "shape-all",
        "last": len(wrong) - 1,
    }


@cache
def resistor() -> dict[str, Any]:
    """Return a resistor's currents (200, 1) in mA and voltages (200,) in V."""
    rows = measure_resistor()
    return {"current": rows.X.numpy(), "voltage": rows.y[:, 0].numpy()}


def ohm(volts: float, trained: int) -> dict[str, Any]:
    """Return the line U = R I through ``volts`` at 2 mA, and the line that training has found after some steps."""
    rows = measure_resistor()
    path = resistance_path(rows)
    R, offset = path[trained]
    guessed, learned = np.array([[volts / 2, 0.0]]), path[[trained]]
    return {
        "ends": [0, 2],
        "guess": [0, volts],
        "learned": [offset, offset + 2 * R],
        "guessed_resistance": volts / 2,
        "resistance": R,
        "offset": offset,
        "end": path[-1],
        "names": ["resistance", "offset"],
        "truth": [RESISTANCE, 0.0],
        "guess_loss": losses_on(rows, guessed)[0],
        "learned_loss": losses_on(rows, learned)[0],
        "enough": 2 * losses_on(rows, path[[-1]])[0],
        "last": len(path) - 1,
    }


@cache
def sunlight() -> dict[str, Any]:
    """Return a noisy spectrum of a body as hot as the Sun, its noiseless peak, and the constants of Planck's law."""
    found = learn_temperature(steps=0)
    return {
        "wavelength": found.wavelength,
        "measured": found.measured,
        "peak": (peak := found.curve(TEMPERATURE).max()),
        "top": 1.1 * peak,
        "ratio": h * c / (1e-6 * k * 1e3),
        "scale": 8e-3 * np.pi * h * c / 1e-30,
    }


def planck(first_guess: float, search: int) -> dict[str, Any]:
    """Return the search for a spectrum's temperature from a first guess, and the curve after some steps of it."""
    found = learn_temperature(first_guess=first_guess)
    here = found.temperatures[search]
    return {
        "temperatures": found.temperatures,
        "here": here,
        "kelvin": 1e3 * here,
        "end": found.temperatures[-1],
        "moved": abs(found.temperatures[-1] - first_guess),
        "curve": found.curve(float(here)),
        "last": len(found.temperatures) - 1,
        "found": 1e3 * learn_temperature().temperatures[-1],
        "truth": 1e3 * TEMPERATURE,
    }


def second() -> dict[str, Any]:
    """Return second derivatives by autograd and by the formula, and how much space they take for larger networks."""
    rows, vector = data(), np.array([1.0, -1.0, 2.0])
    A = np.column_stack([rows.X.numpy(), np.ones(len(rows))])
    matrix, product = second_derivatives(rows, vector)
    sizes = hessian_sizes()
    names = ("w₁", "w₂", "b")
    return {
        "pairs": [f"∂²L/∂{one}∂{other}" for one in names for other in names],
        "matrix": matrix.ravel(),
        "matrix_formula": (A.T @ A / len(A)).ravel(),
        "product": product,
        "product_formula": A.T @ (A @ vector) / len(A),
        "networks": sizes["network"],
        "parameters": sizes["parameters"],
        "gradients": [size_shown(count) for count in sizes["gradient"]],
        "hessians": [size_shown(count) for count in sizes["hessian"]],
    }


def ways() -> dict[str, Any]:
    """Return what the library's three ways of training end with, and the first minibatch's gradient in two ways."""
    rows = data()
    found: dict[str, Any] = {way: np.append(*fitted(rows, way)) for way in WAYS}
    by_autograd, formula = both_gradients(rows, BATCH_SIZE, initial_parameters(2))
    return {
        "names": ["part-w1", "part-w2", "part-b", "last-loss"],
        **found,
        "slopes": ["slope-w1", "slope-w2", "slope-b"],
        "autograd": by_autograd,
        "formula": formula,
    }
