"""What ``train_epoch`` is tried on, what is observed of it, and the loop, right or with a mistake."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn, tensor

from onelayer.exercises.comparing import number_of
from onelayer.exercises.exercise import Arguments, Function, Language, Observation
from onelayer.exercises.showing import lines_of_all
from onelayer.exercises.updating import sgd

LR = 0.5
WEIGHT, BIAS = tensor([[0.5, -0.5], [0.0, 1.0]]), tensor([0.1, -0.1])  # (d, q) and (q,)
BATCHES = (  # the last is smaller
    (tensor([[1.0, 2.0], [-1.0, 0.5], [2.0, -1.0]]), tensor([0, 1, 0])),
    (tensor([[0.5, 1.5]]), tensor([1])),
)


class Layer(nn.Linear):
    """A network that is a module. It remembers whether it was in training mode when it was called."""

    def __init__(self) -> None:
        super().__init__(2, 2)
        self.load_state_dict({"weight": WEIGHT.T, "bias": BIAS})
        self.modes: list[bool] = []

    def forward(self, X: Tensor) -> Tensor:
        """Return logits."""
        self.modes.append(self.training)
        return super().forward(X)


@dataclass
class Affine:
    """A network that is a function of two tensors."""

    W: Tensor = field(default_factory=lambda: WEIGHT.clone().requires_grad_(True))
    b: Tensor = field(default_factory=lambda: BIAS.clone().requires_grad_(True))

    def __call__(self, X: Tensor) -> Tensor:
        """Return logits."""
        return X @ self.W + self.b


class Optimizer(torch.optim.SGD):
    """An optimizer that counts its steps."""

    steps = 0

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take a step."""
        self.steps += 1
        super().step(closure)


@dataclass
class Updater:
    """An updater that is a function of the batch size, and counts its steps."""

    params: list[Tensor]
    steps: int = 0

    def __call__(self, batch_size: int) -> None:
        """Take a step along the gradient of the batch's summed loss, divided by ``batch_size``."""
        self.steps += 1
        sgd(self.params, LR, batch_size)


def _with(net: Layer | Affine, updater: Optimizer | Updater) -> Arguments:
    batches = [(X.clone(), y.clone()) for X, y in BATCHES]
    return {
        "net": net,
        "train_iter": batches,
        "loss": nn.CrossEntropyLoss(reduction="none"),
        "updater": updater,
    }


def with_optimizer() -> Arguments:
    """Return a module, in evaluation mode, and an optimizer."""
    net = Layer().eval()
    return _with(net, Optimizer(net.parameters(), lr=LR))


def with_updater() -> Arguments:
    """Return a function, and an updater that is a function."""
    net = Affine()
    return _with(net, Updater([net.W, net.b]))


def show_training(arguments: Arguments, language: Language) -> list[str]:
    """Return the lines that show a network, its minibatches, the loss and the updater."""
    net = arguments["net"]
    if isinstance(net, Layer):
        lines = lines_of_all({"net.weight": net.weight, "net.bias": net.bias}, language)
        updater = f"torch.optim.SGD(net.parameters(), lr={LR})"
    else:
        lines = [*lines_of_all({"W": net.W, "b": net.b}, language), "net = lambda X: X @ W + b"]
        updater = f"lambda batch_size: sgd([W, b], {LR}, batch_size)"
    for i, (X, y) in enumerate(arguments["train_iter"]):
        lines += lines_of_all({f"train_iter[{i}]  X": X, f"train_iter[{i}]  y": y}, language)
    return [*lines, 'loss = nn.CrossEntropyLoss(reduction="none")', f"updater = {updater}"]


def observe_epoch(function: Function, arguments: Arguments) -> Observation:
    """Observe how often the gradient was found and a step taken, the parameters, and the two numbers returned."""
    net, updater = arguments["net"], arguments["updater"]
    params = [net.weight, net.bias] if isinstance(net, Layer) else [net.W, net.b]
    gradients: list[Tensor] = []
    hook = params[0].register_hook(gradients.append)
    returned = function(*arguments.values())
    hook.remove()
    if returned is ...:
        raise NotImplementedError
    pair = returned if isinstance(returned, tuple | list) and len(returned) == 2 else (None, None)
    loss, accuracy = map(number_of, pair)
    return Observation(
        {
            "backward": str(len(gradients)),
            "steps": str(updater.steps),
            "params": [p.detach() for p in params],
            "pair": loss is not None and accuracy is not None,
            "loss": loss,
            "accuracy": accuracy,
            "training": not isinstance(net, Layer) or (net.training and all(net.modes)),
        }
    )


@dataclass(frozen=True)
class BatchScore:
    """What is measured of a minibatch: summed loss, number of right predictions, number of examples."""

    loss: float
    right: float
    n: int


def per_example(scores: list[BatchScore]) -> tuple[float, float]:
    """Return mean loss and share of right predictions over all examples."""
    n = sum(score.n for score in scores)
    return sum(score.loss for score in scores) / n, sum(score.right for score in scores) / n


def per_batch(scores: list[BatchScore]) -> tuple[float, float]:
    """Return the mean over minibatches of their means."""
    each = [per_example([score]) for score in scores]
    return sum(loss for loss, _ in each) / len(each), sum(share for _, share in each) / len(each)


def sums(scores: list[BatchScore]) -> tuple[float, float]:
    """Return summed loss and number of right predictions."""
    return sum(score.loss for score in scores), sum(score.right for score in scores)


def sums_of_means(scores: list[BatchScore]) -> tuple[float, float]:
    """Return what comes of adding mean losses up and dividing by the number of examples."""
    n = sum(score.n for score in scores)
    return sum(score.loss / score.n for score in scores) / n, per_example(scores)[1]


def sums_by_batches(scores: list[BatchScore]) -> tuple[float, float]:
    """Return the sums, divided by the number of minibatches."""
    loss, right = sums(scores)
    return loss / len(scores), right / len(scores)


@dataclass(frozen=True)
class Loop:
    """The training loop, right if nothing else is said; each option makes a mistake.

    Attributes:
        report: what is returned, from the scores of the minibatches.
        mode: what is done to a module first.
        clears: when an optimizer's gradients are set to 0: before backward, after it, or never.
        backward: whether gradients are found.
        steps: whether steps are taken.
        of_optimizer: the loss that an optimizer follows.
        of_function: the loss that an updater follows that is a function.
        passes_size: whether such an updater is told the batch size.
        knows: the updaters that the loop can deal with.
        stops: whether it returns from within the loop.
        measures_after: whether the scores are those after the step.
    """

    report: Callable[[list[BatchScore]], Any] = per_example
    mode: str = "module"
    clears: str = "before"
    backward: bool = True
    steps: bool = True
    of_optimizer: Callable[[Tensor], Tensor] = torch.mean
    of_function: Callable[[Tensor], Tensor] = torch.sum
    passes_size: bool = True
    stops: bool = False
    measures_after: bool = False

    def __call__(self, net: Any, train_iter: list[tuple[Tensor, Tensor]], loss: Any, updater: Any) -> Any:
        """Train for one pass."""
        if self.mode == "any" or (self.mode == "module" and isinstance(net, nn.Module)):
            net.train()
        scores = []
        for X, y in train_iter:
            outputs = net(X)
            losses = loss(outputs, y)
            self._step(losses, updater)
            if self.measures_after:
                outputs = net(X)
                losses = loss(outputs, y)
            scores.append(BatchScore(float(losses.sum()), float((outputs.argmax(1) == y).sum()), len(y)))
            if self.stops:
                break
        return self.report(scores)

    def _step(self, losses: Tensor, updater: Any) -> None:
        if isinstance(updater, torch.optim.Optimizer):
            if self.clears == "before":
                updater.zero_grad()
            if self.backward:
                self.of_optimizer(losses).backward()
            if self.clears == "after":
                updater.zero_grad()
            if self.steps:
                updater.step()
        else:
            if self.backward:
                self.of_function(losses).backward()
            if self.steps:
                updater(len(losses)) if self.passes_size else updater()
