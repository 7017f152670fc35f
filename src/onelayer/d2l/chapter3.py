"""The first edition's chapter 3: linear regression, and how softmax regression is trained and judged.

Sections 3.2, 3.6 and 4.4 of *Dive into Deep Learning* (d2l 0.17).
"""

import math
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from onelayer import functional
from onelayer.d2l.figures import show_images
from onelayer.d2l.live import LINE, Animator
from onelayer.d2l.loaders import get_fashion_mnist_labels
from onelayer.errors import OneLayerError
from onelayer.solvers import scratch

Net = Callable[[Tensor], Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]
Batches = Iterable[Any]  # of pairs (X, y)
Updater = torch.optim.Optimizer | Callable[[int], Any]


EPOCHS = 10  # of the book's trainings


class TrainingError(OneLayerError, AssertionError):
    """``train_ch3`` did not reach what the book expects of it. The book raises a bare ``AssertionError``.

    Example:
        >>> from onelayer import d2l
        >>> issubclass(d2l.TrainingError, AssertionError)
        True
    """


class TrainingWarning(UserWarning):
    """``train_ch3`` did not reach in fewer epochs what the book expects of ten.

    Example:
        >>> import warnings
        >>> from onelayer import d2l
        >>> warnings.simplefilter("ignore", d2l.TrainingWarning)  # fewer epochs than the book's ten are meant
    """


def synthetic_data(w: Tensor, b: float | Tensor, num_examples: int) -> tuple[Tensor, Tensor]:
    """Return X (n, d), standard normal, and y = Xw + b + ε (n, 1) with ε ~ N(0, 0.01²) (section 3.2.1).

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> X, y = d2l.synthetic_data(torch.tensor([2.0, -3.4]), 4.2, 1000)
        >>> X.shape, y.shape
        (torch.Size([1000, 2]), torch.Size([1000, 1]))
    """
    X = torch.normal(0, 1, (num_examples, len(w)))
    y = X @ w + b
    return X, (y + torch.normal(0, 0.01, y.shape)).reshape(-1, 1)


def linreg(X: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """Return Xw + b: X (n, d), w (d, q) to (n, q) (section 3.2.4).

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> d2l.linreg(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]]), torch.tensor([0.5]))
        tensor([[11.5000]])
    """
    return X @ w + b


def squared_loss(y_hat: Tensor, y: Tensor) -> Tensor:
    """Return ½(ŷ − y)² of each value, in the shape of ``y_hat`` (section 3.2.5).

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> d2l.squared_loss(torch.tensor([[1.0], [5.0]]), torch.tensor([2.0, 2.0]))
        tensor([[0.5000],
                [4.5000]])
    """
    return functional.squared_loss(y_hat, y.reshape(y_hat.shape))


def sgd(params: Iterable[Tensor], lr: float, batch_size: int) -> None:
    """Take a step of minibatch SGD down the gradient of the batch's summed loss, and clear it (section 3.2.6).

    Raises:
        OneLayerError: if a parameter has no gradient.

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> w = torch.tensor([2.0], requires_grad=True)
        >>> (w**2).sum().backward()
        >>> d2l.sgd([w], lr=0.1, batch_size=1)
        >>> w
        tensor([1.6000], requires_grad=True)
    """
    params = list(params)
    for param in params:
        gradient_of(param)  # says what is wrong if there is none
    scratch.sgd(params, lr, batch_size)


def gradient_of(param: Tensor) -> Tensor:
    """Return a parameter's gradient.

    Raises:
        OneLayerError: if it has none.
    """
    if param.grad is None:
        raise OneLayerError(
            "a parameter has no gradient: make it with requires_grad=True, and call backward() on the loss before "
            "the step"
        )
    return param.grad


class Accumulator:
    """Running sums of n numbers (section 3.6.5).

    Attributes:
        data: the sums so far.

    Example:
        >>> from onelayer import d2l
        >>> metric = d2l.Accumulator(2)
        >>> metric.add(3, 10)
        >>> metric.add(4, 10)
        >>> metric[0] / metric[1]
        0.35
    """

    def __init__(self, n: int) -> None:
        self.data = [0.0] * n

    def add(self, *args: Any) -> None:
        """Add a number to each sum."""
        numbers = (value.detach() if isinstance(value, Tensor) else value for value in args)
        self.data = [total + float(number) for total, number in zip(self.data, numbers, strict=True)]

    def reset(self) -> None:
        """Set all sums to 0."""
        self.data = [0.0] * len(self.data)

    def __getitem__(self, idx: int) -> float:
        return self.data[idx]


def accuracy(y_hat: Tensor, y: Tensor) -> float:
    """Return how many predictions are right (section 3.6.5).

    ``y_hat`` holds a score for each class (n, q), or predicted labels in the shape of ``y`` (n,).

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> d2l.accuracy(torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1]))
        1.0
    """
    if y_hat.dim() > 1 and y_hat.shape[1] > 1:
        y_hat = y_hat.argmax(dim=1)
    return float((y_hat.type(y.dtype) == y).sum())


def evaluate_accuracy(net: Net, data_iter: Batches) -> float:
    """Return the share of examples that ``net`` gets right; a module is set to evaluation mode (section 3.6.5).

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> batches = d2l.load_array((torch.eye(2), torch.tensor([0, 1])), batch_size=1)
        >>> d2l.evaluate_accuracy(lambda X: X, batches)
        1.0
    """
    if isinstance(net, nn.Module):
        net.eval()
    metric = Accumulator(2)
    with torch.no_grad():
        for X, y in data_iter:
            metric.add(accuracy(net(X), y), y.numel())
    return _mean(metric[0], metric[1])


def evaluate_loss(net: Net, data_iter: Batches, loss: Loss) -> float:
    """Return the mean loss over all examples, whatever the reduction of ``loss`` (section 4.4.4).

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> batches = d2l.load_array((torch.zeros(4, 1), torch.ones(4, 1)), batch_size=2)
        >>> d2l.evaluate_loss(lambda X: X, batches, torch.nn.MSELoss())
        1.0
    """
    metric = Accumulator(2)
    with torch.no_grad():
        for X, y in data_iter:
            outputs = net(X)
            targets = y.reshape(outputs.shape) if y.numel() == outputs.numel() else y
            losses = loss(outputs, targets)
            metric.add(_summed(losses, loss, outputs, targets), targets.numel())
    return _mean(metric[0], metric[1])


def _mean(total: float, count: float) -> float:
    if not count:
        raise OneLayerError(
            "there are no batches to read: a generator can be read only once, so pass a DataLoader or a list"
        )
    return total / count


def train_epoch_ch3(net: Net, train_iter: Batches, loss: Loss, updater: Updater) -> tuple[float, float]:
    """Train for one pass over the data and return training loss and training accuracy (section 3.6.6).

    Args:
        net: a module or a function, from X to outputs.
        train_iter: batches (X, y).
        loss: from outputs and labels to one loss an example, to their mean, or to their sum.
        updater: an optimizer, which steps along the gradient of what ``loss`` returns, or of its mean; or a
            function of the batch size, which finds the gradient of the summed loss in the parameters.

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> X, y = torch.tensor([[-1.0], [1.0]]).repeat(50, 1), torch.tensor([0, 1]).repeat(50)
        >>> net = torch.nn.Linear(1, 2)
        >>> trainer = torch.optim.SGD(net.parameters(), lr=1.0)
        >>> for epoch in range(3):
        ...     batches = d2l.load_array((X, y), batch_size=10)
        ...     loss, accuracy = d2l.train_epoch_ch3(net, batches, torch.nn.CrossEntropyLoss(), trainer)
        >>> accuracy
        1.0
    """
    if isinstance(net, nn.Module):
        net.train()
    metric = Accumulator(3)  # loss, right predictions, labels
    for X, y in train_iter:
        outputs = net(X)
        losses = loss(outputs, y)
        summed = _summed(losses, loss, outputs, y)
        if isinstance(updater, torch.optim.Optimizer):
            updater.zero_grad()
            losses.mean().backward()
            updater.step()
        else:
            summed.backward()
            updater(X.shape[0])
        metric.add(summed.detach(), accuracy(outputs, y), y.numel())
    return _mean(metric[0], metric[2]), _mean(metric[1], metric[2])


def _summed(losses: Tensor, loss: Loss, outputs: Tensor, y: Tensor) -> Tensor:
    """Return the batch's summed loss, from losses that may have been averaged."""
    if losses.dim() == 0 and _is_averaged(losses, loss, outputs, y):
        return losses * y.numel()
    return losses.sum()


def _is_averaged(value: Tensor, loss: Loss, outputs: Tensor, y: Tensor) -> bool:
    """Return whether a loss is a mean: then it stays as it is if each example is counted twice."""
    if hasattr(loss, "reduction"):
        return bool(loss.reduction == "mean")
    with torch.no_grad():
        doubled = loss(torch.cat([outputs, outputs]), torch.cat([y, y]))
    return bool((doubled - value).abs() < (doubled - 2 * value).abs())


def train_ch3(
    net: Net, train_iter: Batches, test_iter: Batches, loss: Loss, num_epochs: int, updater: Updater
) -> None:
    """Train and draw training loss, training accuracy and test accuracy after each epoch (section 3.6.6).

    The arguments are those of ``train_epoch_ch3``; ``test_iter`` has the batches to test on. If in the end the training
    loss is not below 0.5 or an accuracy is not above 0.7, that is an error after ten epochs, as many as the book has,
    and a ``TrainingWarning`` after fewer.

    Raises:
        OneLayerError: if there are no epochs or no batches.
        TrainingError: as soon as the loss is infinite or not a number; and in the end, if loss or accuracy falls short
            after ten epochs or more, or an accuracy is above 1.

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> X, y = torch.tensor([[-1.0], [1.0]]).repeat(50, 1), torch.tensor([0, 1]).repeat(50)
        >>> batches, net = d2l.load_array((X, y), batch_size=10), torch.nn.Linear(1, 2)
        >>> trainer = torch.optim.SGD(net.parameters(), lr=1.0)
        >>> d2l.train_ch3(net, batches, batches, torch.nn.CrossEntropyLoss(), 3, trainer)  # doctest: +ELLIPSIS
        epoch 1: train loss 0..., train acc ..., test acc 1.000
        epoch 2: train loss 0..., train acc 1.000, test acc 1.000
        epoch 3: train loss 0..., train acc 1.000, test acc 1.000
    """
    if num_epochs < 1:
        raise OneLayerError(f"num_epochs must be at least 1, not {num_epochs}")
    animator = Animator(
        xlabel="epoch",
        xlim=[1, num_epochs],
        ylim=[0.3, 0.9],
        legend=["train loss", "train acc", "test acc"],
    )
    for epoch in range(1, num_epochs + 1):
        train_loss, train_acc = train_epoch_ch3(net, train_iter, loss, updater)
        if not math.isfinite(train_loss):
            LINE.end()
            raise TrainingError(_diverged(train_loss, epoch, updater))
        test_acc = evaluate_accuracy(net, test_iter)
        animator.add(epoch, (train_loss, train_acc, test_acc))
    _check(num_epochs, train_loss, train_acc, test_acc)


def _diverged(train_loss: float, epoch: int, updater: Updater) -> str:
    lr = f" of {updater.param_groups[0]['lr']:g}" if isinstance(updater, torch.optim.Optimizer) else ""
    return (
        f"the training loss is {train_loss} in epoch {epoch}. Usual causes: the learning rate{lr} is too large "
        "(make it 10 times smaller), or a loss of your own takes the logarithm of a probability that is 0 "
        "(nn.CrossEntropyLoss on the logits does not)"
    )


def _check(num_epochs: int, train_loss: float, train_acc: float, test_acc: float) -> None:
    """Warn if training ended short of what the book expects; raise if it had as many epochs as the book's."""
    for which, share in (("training", train_acc), ("test", test_acc)):
        if share > 1:
            raise TrainingError(
                f"the {which} accuracy is {share:.3f}, above 1. Usual cause: the network's outputs and the labels "
                "differ in shape, so that each is compared with all others"
            )
    after = f"after {num_epochs} epoch{'s' if num_epochs > 1 else ''}"
    short = []
    if train_loss >= 0.5:
        short.append(f"training loss {train_loss:.3f}, and not less than 0.5")
    for which, share in (("training", train_acc), ("test", test_acc)):
        if share <= 0.7:
            short.append(f"{which} accuracy {share:.3f}, and not more than 0.7")
    if not short:
        return
    if num_epochs < EPOCHS:
        warnings.warn(
            f"{after}: {'; '.join(short)}, as the book expects of its {EPOCHS} epochs",
            TrainingWarning,
            stacklevel=3,
        )
        return
    raise TrainingError(f"{after}: {'; '.join(short)}, as the book expects. {_usual_causes(train_loss)}")


def _usual_causes(train_loss: float) -> str:
    if train_loss >= 0.5:
        return "Usual cause: a learning rate that is too small or too large (the book's is 0.1)"
    return (
        "Usual causes: labels that do not belong to their images, or a loss that does not fit the network's outputs "
        "(nn.CrossEntropyLoss wants logits, not probabilities)"
    )


def predict_ch3(net: Net, test_iter: Batches, n: int = 6) -> None:
    """Draw the first n test images below their true labels and, underneath, the predicted ones (section 3.6.7).

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> _, test_iter = d2l.load_data_fashion_mnist(256)
        >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
        >>> d2l.predict_ch3(net, test_iter, n=4)
        >>> len(d2l.plt.gcf().axes)
        4
    """
    X, y = next(iter(test_iter))
    X, y = X[:n], y[:n]
    with torch.no_grad():
        predicted = net(X).argmax(dim=1)
    pairs = zip(get_fashion_mnist_labels(y), get_fashion_mnist_labels(predicted), strict=True)
    show_images(X, 1, len(X), titles=[f"{true}\n{guess}" for true, guess in pairs])
