"""The experiments of the lesson on linear regression from scratch, on data whose answer is known.

A parameter vector is (d + 1,): the weights, then the bias. A path is (steps + 1, d + 1): the parameters before the
first step and after each one. Everything is float64 unless a function says otherwise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.constants import c, h, k
from torch import Tensor, nn
from torch.autograd.functional import hessian as autograd_hessian
from torch.autograd.functional import hvp

from onelayer import (
    DivergenceError,
    LinearRegression,
    OneLayerError,
    fit,
    linear_regression,
    mlp,
    softmax_regression,
    synthetic,
)
from onelayer.data.rows import Rows
from onelayer.functional import squared_loss, squared_loss_gradient
from onelayer.models import parameter_count
from onelayer.solvers.batches import Batches, epoch_order, seeded_generator, stream_seed
from onelayer.solvers.epoch import Way
from onelayer.solvers.scratch import affine, sgd

Array = NDArray[np.float64]
Batch = tuple[Tensor, Tensor]

TRUE = np.array([2.0, -3.4, 4.2])  # w₁, w₂, b of the synthetic data
SIGMA, LR, BATCH_SIZE, EPOCHS = 0.01, 0.03, 10, 3  # the section's settings
RATES = (0.001, 0.01, 0.03, 0.1, 1.0, 1.4, 3.0)
FAR = 1e9  # a parameter beyond this is lost: no answer here is that large
EXAMPLE = 2  # in the first minibatch: the one that is differentiated by hand
WAYS: tuple[Way, ...] = ("scratch", "fused", "concise")

RESISTANCE, VOLTAGE_NOISE = 4.7, 0.05  # kΩ, V
TEMPERATURE = 5.772  # in 1000 K: the Sun's (IAU 2015 resolution B3)
FIRST_GUESS = 3.0  # in 1000 K


# Data, model and training


def data(sigma: float = SIGMA, seed: int = 0) -> Batches:
    """Return the section's 1,000 examples: X (1000, 2) and y = Xw + b + ε (1000, 1)."""
    return Batches.of(synthetic(sigma=sigma, seed=seed).train, dtype=torch.float64)


def data_iter(rows: Batches, batch_size: int, seed: int, epoch: int) -> Iterator[Batch]:
    """Yield the minibatches of one epoch: features (m, d) and labels (m, 1), in random order."""
    for index in epoch_order(len(rows), seed, epoch).split(batch_size):
        yield rows.batch(index)


def initial_parameters(d: int, std: float = 0.01, seed: int = 0) -> list[Tensor]:
    """Return a weight (1, d) from N(0, std²) and a bias (1,) of 0, both ready for autograd."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.normal(0, std, (1, d), generator=generator, dtype=torch.float64)
    return [weight.requires_grad_(), torch.zeros(1, dtype=torch.float64, requires_grad=True)]


def train_epoch(batches: Iterator[Batch], parameters: list[Tensor], lr: float) -> Iterator[Array]:
    """Take one step for each minibatch of an epoch, and yield the parameters (d + 1,) after it."""
    weight, bias = parameters
    for X, y in batches:
        prediction = affine(X, weight, bias)
        loss = squared_loss(prediction, y, reduction="sum")
        loss.backward()
        sgd(parameters, lr, len(y))
        yield flat(parameters)


def train(
    rows: Batches, parameters: list[Tensor], lr: float, batch_size: int, epochs: int, seed: int = 0
) -> Array:
    """Train by minibatch SGD and return the path; ``seed`` sets the order of the rows."""
    path = [flat(parameters)]
    for epoch in range(1, epochs + 1):
        path += train_epoch(data_iter(rows, batch_size, seed, epoch), parameters, lr)
    return np.array(path)


def flat(parameters: list[Tensor]) -> Array:
    """Return a weight (1, d) and a bias (1,) as one vector (d + 1,), copied."""
    return torch.cat([parameter.detach().flatten() for parameter in parameters]).double().numpy()


# What is seen of a run


def losses_on(rows: Batches, path: Array) -> Array:
    """Return the mean loss over all rows at each point of a path (steps + 1, d + 1)."""
    X, y = rows.X.double().numpy(), rows.y.double().numpy()
    losses: Array = ((X @ path[:, :-1].T + path[:, -1] - y) ** 2).mean(axis=0) / 2
    return losses


def exact(rows: Batches) -> Array:
    """Return the parameters (d + 1,) of least squares, from the library's exact solver."""
    model = LinearRegression().fit(rows.X.numpy(), rows.y[:, 0].numpy())
    return np.append(model.coef_, model.intercept_)


def visits(rows: Batches, batch_size: int, seed: int = 0) -> tuple[Array, int]:
    """Return the sizes of the batches of one epoch, and how many different rows they hold together."""
    batches = [X for X, _ in data_iter(rows, batch_size, seed, 1)]
    return np.array([len(X) for X in batches], float), len(torch.cat(batches).unique(dim=0))


def both_gradients(
    rows: Batches, batch_size: int, parameters: list[Tensor], seed: int = 0
) -> tuple[Array, Array]:
    """Return the gradient (d + 1,) of the first batch's mean loss from autograd, and from the closed form."""
    X, y = next(data_iter(rows, batch_size, seed, epoch=1))
    loss = squared_loss(affine(X, *parameters), y, reduction="mean")
    by_autograd = flat(list(torch.autograd.grad(loss, parameters)))
    residual = squared_loss_gradient(affine(X, *parameters), y).detach()
    return by_autograd, flat([residual.T @ X / len(y), residual.mean(dim=0)])


def fitted(rows: Batches, way: Way, seed: int = 0) -> tuple[Array, float]:
    """Train with the library in one of its three ways; return the parameters and the last epoch's loss."""
    model = linear_regression(rows.X.shape[1], seed=seed).double()
    run = fit(model, Rows(rows.X, rows.y), way=way, epochs=EPOCHS, batch_size=BATCH_SIZE, lr=LR, seed=seed)
    return flat(list(model.parameters())), run.epochs[-1].train_loss


# The questions


@dataclass(frozen=True)
class Trial:
    """Training with one learning rate in float32.

    Attributes:
        lr: the learning rate.
        losses: the mean loss over all rows before the first step and after each one.
        lost_at: the first step after which a parameter is infinite or no number, None if none is.
    """

    lr: float
    losses: Array
    lost_at: int | None


def try_rates(rows: Batches, lrs: tuple[float, ...] = RATES) -> list[Trial]:
    """Train with each learning rate, from the same start and with the same batches, in float32."""
    trials, single = [], Batches.of(Rows(rows.X, rows.y), dtype=torch.float32)
    for lr in lrs:
        start = [p.detach().float().requires_grad_() for p in initial_parameters(rows.X.shape[1])]
        path = train(single, start, lr, BATCH_SIZE, EPOCHS)
        lost = np.flatnonzero(~np.isfinite(path).all(axis=1))
        with np.errstate(over="ignore", invalid="ignore"):
            losses = losses_on(single, path)
        trials.append(Trial(lr, losses, int(lost[0]) if len(lost) else None))
    return trials


def divergence(rows: Batches, lr: float) -> DivergenceError | None:
    """Return the error with which the library's training stops where ``lr`` is too large, else None."""
    try:
        fit(
            linear_regression(rows.X.shape[1]),
            Rows(rows.X, rows.y),
            way="scratch",
            epochs=EPOCHS,
            batch_size=BATCH_SIZE,
            lr=lr,
        )
    except DivergenceError as error:
        return error
    return None


@dataclass(frozen=True)
class Start:
    """A model after three epochs from one kind of initial weights.

    Attributes:
        hidden: whether the model has a hidden layer.
        zero: whether all its weights started at 0, rather than from N(0, 0.01²).
        loss: the mean loss over all rows at the end.
        moved: how many of its weights are not what they were at the start.
        weights: how many weights it has, biases not counted.
    """

    hidden: bool
    zero: bool
    loss: float
    moved: int
    weights: int


def compare_starts(rows: Batches) -> list[Start]:
    """Train linear regression and an MLP with 16 hidden units, from zeros and from small random weights."""
    found = []
    for hidden in (False, True):
        for zero in (False, True):
            model: nn.Module = mlp(2, 16, 1) if hidden else linear_regression(2)
            weights = [parameter for parameter in model.double().parameters() if parameter.dim() == 2]
            if zero:
                for weight in weights:
                    nn.init.zeros_(weight)
            before = [weight.detach().clone() for weight in weights]
            fit(model, Rows(rows.X, rows.y), way="concise", epochs=EPOCHS, batch_size=BATCH_SIZE, lr=LR)
            with torch.no_grad():
                loss = float(squared_loss(model(rows.X), rows.y, "mean"))
                moved = sum(int((now != old).sum()) for now, old in zip(weights, before, strict=True))
            found.append(Start(hidden, zero, loss, moved, sum(weight.numel() for weight in weights)))
    return found


def mismatched_shapes(rows: Batches) -> tuple[tuple[int, ...], str]:
    """Return the shape of a batch's predictions (m, 1) minus labels (m,), and what the library's loss says to them."""
    X, y = next(data_iter(rows, BATCH_SIZE, seed=0, epoch=1))
    prediction, label = affine(X, *initial_parameters(X.shape[1])), y.flatten()
    try:
        squared_loss(prediction, label)
    except OneLayerError as error:
        return tuple((prediction - label).shape), str(error)
    raise AssertionError("squared_loss refuses shapes that differ")


def broadcast_mistake(
    rows: Batches, parameters: list[Tensor], batch_size: int = 100, lr: float = 0.1, epochs: int = 10
) -> Array:
    """Train with predictions (m, 1) and labels (m,), which broadcast to (m, m); return the path."""
    weight, bias = parameters
    path = [flat(parameters)]
    for epoch in range(1, epochs + 1):
        for X, y in data_iter(rows, batch_size, 0, epoch):
            differences = affine(X, weight, bias) - y.flatten()  # every prediction with every label
            (differences**2 / 2).sum().backward()
            sgd(parameters, lr, differences.numel())
            path.append(flat(parameters))
    return np.array(path)


def measure_resistor(n: int = 200, seed: int = 0) -> Batches:
    """Return currents (n, 1) in mA, evenly from 0 to 2, and noisy voltages (n, 1) in V across a resistor."""
    current = torch.linspace(0, 2, n, dtype=torch.float64)[:, None]
    noise = torch.randn(n, 1, generator=seeded_generator(seed), dtype=torch.float64)
    voltage = RESISTANCE * current + VOLTAGE_NOISE * noise
    return Batches(current, voltage, "regression", torch.float64)


def resistance_path(rows: Batches) -> Array:
    """Return resistance (kΩ) and offset (V) after each step of gradient descent on a resistor's measurements."""
    return train(rows, start_at(0.0), lr=0.1, batch_size=BATCH_SIZE, epochs=20)


def spectral_energy_density(wavelength: Tensor, temperature: Tensor) -> Tensor:
    """Return Planck's u(λ, T) = 8πhc/λ⁵ / (exp(hc/λkT) − 1) in kJ/m⁴.

    Args:
        wavelength: λ in µm.
        temperature: T in 1000 K.
    """
    metres = wavelength * 1e-6
    ratio = h * c / (metres * k * temperature * 1e3)
    # e^−x / (1 − e^−x) is 1 / (e^x − 1), but does not overflow where x is large.
    density: Tensor = 8e-3 * torch.pi * h * c / metres**5 * torch.exp(-ratio) / -torch.expm1(-ratio)
    return density


@dataclass(frozen=True)
class Spectrum:
    """A measured spectrum, and the temperature that autograd found for it.

    Attributes:
        wavelength: (n,) in µm.
        measured: (n,) spectral energy densities in kJ/m⁴.
        temperatures: (steps + 1,) in 1000 K, from the first guess to the last.
    """

    wavelength: Array
    measured: Array
    temperatures: Array

    def curve(self, temperature: float) -> Array:
        """Return Planck's spectral energy density (n,) in kJ/m⁴ at a temperature in 1000 K."""
        wavelength = torch.from_numpy(self.wavelength)
        curve: Array = spectral_energy_density(
            wavelength, torch.tensor(temperature, dtype=torch.float64)
        ).numpy()
        return curve


def learn_temperature(
    n: int = 100, steps: int = 200, lr: float = 2.0, seed: int = 0, first_guess: float = FIRST_GUESS
) -> Spectrum:
    """Find the temperature of a noisy spectrum by gradient descent on the squared error, with autograd."""
    wavelength = torch.linspace(0.2, 2.5, n, dtype=torch.float64)
    clean = spectral_energy_density(wavelength, torch.tensor(TEMPERATURE, dtype=torch.float64))
    peak = clean.max()
    noise = torch.randn(n, generator=seeded_generator(seed), dtype=torch.float64)
    measured = clean + 0.02 * peak * noise
    temperature = torch.tensor([first_guess], dtype=torch.float64, requires_grad=True)
    temperatures = [temperature.item()]
    for _ in range(steps):
        density = spectral_energy_density(wavelength, temperature)
        squared_loss(density / peak, measured / peak, reduction="sum").backward()
        sgd([temperature], lr, n)
        temperatures.append(temperature.item())
    return Spectrum(wavelength.numpy(), measured.numpy(), np.array(temperatures))


def second_derivatives(rows: Batches, vector: Array) -> tuple[Array, Array]:
    """Return the Hessian (d + 1, d + 1) of the mean loss by autograd, and its product with a vector (d + 1,).

    The product comes from differentiating twice along the vector; no matrix is formed for it.
    """

    def loss(parameters: Tensor) -> Tensor:
        return squared_loss(affine(rows.X, parameters[None, :-1], parameters[-1:]), rows.y, "mean")

    at = torch.zeros(rows.X.shape[1] + 1, dtype=torch.float64)
    matrix: Array = autograd_hessian(loss, at).numpy()
    product: Array = hvp(loss, at, torch.from_numpy(vector))[1].numpy()
    return matrix, product


def hessian_sizes() -> dict[str, list[Any]]:
    """Return how large derivatives in float32 are for networks of the book.

    The columns are ``network``, ``parameters``, and ``gradient`` and ``hessian`` in bytes.
    """
    networks = {
        "this-lesson": linear_regression(2),
        "linear": linear_regression(784),
        "softmax": softmax_regression(784, 10),
        "mlp": mlp(784, 256, 10),
    }
    counts = [parameter_count(network) for network in networks.values()]
    return {
        "network": list(networks),
        "parameters": counts,
        "gradient": [4 * count for count in counts],
        "hessian": [4 * count**2 for count in counts],
    }


def size_shown(count: int) -> str:
    """Return a number of bytes with three digits in the unit that suits it, from B to GB."""
    rounded = int(float(f"{count:.3g}"))  # 999,999 B are 1 MB
    power = min(3, (len(str(rounded)) - 1) // 3)
    return f"{count / 1000**power:,.3g} {('B', 'kB', 'MB', 'GB')[power]}"


# What the lesson's scenes show


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
    return {
        "x1": rows.X[:, 0].numpy(),
        "x2": rows.X[:, 1].numpy(),
        "seen_x1": rows.X[before, 0].numpy(),
        "seen_x2": rows.X[before, 1].numpy(),
        "lit": lit,
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


def start_at(*weights: float) -> list[Tensor]:
    """Return a weight (1, d) that is given and a bias (1,) of 0, both ready for autograd."""
    weight = torch.tensor([weights], dtype=torch.float64, requires_grad=True)
    return [weight, torch.zeros(1, dtype=torch.float64, requires_grad=True)]


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
        "expected": [0.0, 0.0, float(rows.y.mean())],
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
        "best_loss": 1.02 * losses_on(rows, path[[-1]])[0],
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
