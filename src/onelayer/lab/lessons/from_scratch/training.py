"""Linear regression from scratch: data whose answer is known, the training loop, and what can be asked of it.

A parameter vector is (d + 1,): the weights, then the bias. A path is (steps + 1, d + 1): the parameters before the
first step and after each one. Everything is float64 unless a function says otherwise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
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
    fit,
    linear_regression,
    mlp,
    softmax_regression,
    synthetic,
)
from onelayer.data.rows import Rows
from onelayer.functional import squared_loss, squared_loss_gradient
from onelayer.models import parameter_count
from onelayer.solvers.batches import Batches, epoch_order, seeded_generator
from onelayer.solvers.epoch import Way
from onelayer.solvers.scratch import affine, sgd

Array = NDArray[np.float64]
Batch = tuple[Tensor, Tensor]

TRUE = np.array([2.0, -3.4, 4.2])  # w₁, w₂, b of the synthetic data
SIGMA, LR, BATCH_SIZE, EPOCHS = 0.01, 0.03, 10, 3  # the section's settings
RATES = (0.001, 0.01, 0.03, 0.1, 1.0, 1.4, 3.0)

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


def start_at(*weights: float) -> list[Tensor]:
    """Return a weight (1, d) that is given and a bias (1,) of 0, both ready for autograd."""
    weight = torch.tensor([weights], dtype=torch.float64, requires_grad=True)
    return [weight, torch.zeros(1, dtype=torch.float64, requires_grad=True)]
