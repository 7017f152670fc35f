"""The second edition's object-oriented design: models, data, trainer (d2l 1.x, chapters 3 and 4)."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, cast

import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the book's name
from torch.utils.data import TensorDataset

from onelayer.d2l.chapter3 import gradient_of
from onelayer.d2l.figures import Limits, show_images
from onelayer.d2l.live import LINE, LiveFigure, in_words
from onelayer.d2l.loaders import BatchLoader, FashionMNISTImages, Size, get_fashion_mnist_labels
from onelayer.errors import OneLayerError


def cpu() -> torch.device:
    """Return the CPU (section 6.7).

    Example:
        >>> from onelayer import d2l
        >>> d2l.cpu()
        device(type='cpu')
    """
    return torch.device("cpu")


def gpu(i: int = 0) -> torch.device:
    """Return the i-th GPU, whether it exists or not (section 6.7).

    Example:
        >>> from onelayer import d2l
        >>> d2l.gpu(1)
        device(type='cuda', index=1)
    """
    return torch.device(f"cuda:{i}")


def num_gpus() -> int:
    """Return the number of GPUs (section 6.7).

    Example:
        >>> from onelayer import d2l
        >>> d2l.num_gpus() >= 0
        True
    """
    return torch.cuda.device_count()


def try_gpu(i: int = 0) -> torch.device:
    """Return the i-th GPU if it exists, else the CPU (section 6.7).

    Example:
        >>> from onelayer import d2l
        >>> d2l.try_gpu(1000)
        device(type='cpu')
    """
    return gpu(i) if num_gpus() > i else cpu()


def try_all_gpus() -> list[torch.device]:
    """Return all GPUs, or the CPU if there is none (section 6.7).

    Example:
        >>> from onelayer import d2l
        >>> len(d2l.try_all_gpus()) == max(d2l.num_gpus(), 1)
        True
    """
    return [gpu(i) for i in range(num_gpus())] or [cpu()]


def add_to_class(Class: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that makes a function a method of ``Class``, also of its instances (section 3.2.1).

    Example:
        >>> from onelayer import d2l
        >>> class House:
        ...     area = 50
        >>> @d2l.add_to_class(House)
        ... def price(self):
        ...     return 100 * self.area
        >>> House().price()
        5000
    """

    def wrapper(method: Callable[..., Any]) -> Callable[..., Any]:
        setattr(Class, method.__name__, method)
        return method

    return wrapper


class HyperParameters:
    """A class that keeps the arguments of its ``__init__`` as attributes (section 3.2.1).

    Attributes:
        hparams: the saved arguments by name.

    Example:
        >>> from onelayer import d2l
        >>> class Settings(d2l.HyperParameters):
        ...     def __init__(self, lr, epochs=10):
        ...         self.save_hyperparameters()
        >>> Settings(0.1).hparams
        {'lr': 0.1, 'epochs': 10}
    """

    hparams: dict[str, Any]

    def save_hyperparameters(self, ignore: Sequence[str] = []) -> None:
        """Save the variables of the calling function, its arguments, but for those in ``ignore``."""
        frame = inspect.currentframe()
        if frame is None or frame.f_back is None:
            raise OneLayerError("this Python does not show the variables of the calling function")
        unsaved = {*ignore, "self"}
        self.hparams = {
            name: value
            for name, value in frame.f_back.f_locals.items()
            if name not in unsaved and not name.startswith("_")
        }
        for name, value in self.hparams.items():
            setattr(self, name, value)


def _number(value: Any) -> float:
    return float(value.detach() if isinstance(value, Tensor) else value)


class Point(NamedTuple):
    """A point of a curve."""

    x: float
    y: float


class ProgressBoard(HyperParameters):
    """A picture of curves that grow (section 3.2.1).

    Args:
        xlabel: label of the x axis; likewise ``ylabel``.
        xlim: limits of the x axis; likewise ``ylim``. The points choose them if None.
        xscale: "linear" or "log"; likewise ``yscale``.
        ls: line styles, one a curve; likewise ``colors``.
        fig: figure to draw in; a new one if None.
        axes: axes to draw in; those of the figure if None.
        figsize: width and height in inches.
        display: whether to show the figure. The points are kept in any case.

    Attributes:
        data: the points of each curve, by label, with ``x`` and ``y``.

    Example:
        >>> from onelayer import d2l
        >>> board = d2l.ProgressBoard(xlabel="epoch")
        >>> for epoch in range(4):
        ...     board.draw(epoch, 1 / (1 + epoch), "loss", every_n=2)
        epoch 0.5: loss 0.750
        epoch 2.5: loss 0.292
    """

    xlabel: str | None
    ylabel: str | None
    xlim: Limits
    ylim: Limits
    xscale: str
    yscale: str
    ls: Sequence[str]
    colors: Sequence[str]
    fig: Figure | None
    axes: Axes | None
    figsize: tuple[float, float]
    display: bool

    def __init__(
        self,
        xlabel: str | None = None,
        ylabel: str | None = None,
        xlim: Limits = None,
        ylim: Limits = None,
        xscale: str = "linear",
        yscale: str = "linear",
        ls: Sequence[str] = ["-", "--", "-.", ":"],
        colors: Sequence[str] = ["C0", "C1", "C2", "C3"],
        fig: Figure | None = None,
        axes: Axes | None = None,
        figsize: tuple[float, float] = (3.5, 2.5),
        display: bool = True,
    ) -> None:
        self.save_hyperparameters()
        self.data: dict[str, list[Point]] = {}
        self._waiting: dict[str, list[tuple[float, float]]] = {}
        self._lines: dict[str, Line2D] = {}
        self._live: LiveFigure | None = None

    def draw(self, x: float, y: float, label: str, every_n: int = 1) -> None:
        """Add a point to the curve ``label``; of every ``every_n`` points their mean is drawn as one."""
        waiting = self._waiting.setdefault(label, [])
        self.data.setdefault(label, [])
        waiting.append((_number(x), _number(y)))
        if len(waiting) < every_n:
            return
        mean_x, mean_y = (sum(values) / len(waiting) for values in zip(*waiting, strict=True))
        waiting.clear()
        self.data[label].append(Point(mean_x, mean_y))
        if self.display:
            self._redraw(mean_x)

    def _redraw(self, x: float) -> None:
        """Bring the figure up to date; settings may have changed since the last time."""
        if self.fig is None:
            figure = self.axes.figure if self.axes else plt.figure(figsize=self.figsize, layout="constrained")
            self.fig = cast(Figure, figure)
        self.axes = self.axes or self.fig.gca()
        self._live = self._live or LiveFigure(self.fig)
        for i, (label, points) in enumerate(self.data.items()):
            if label not in self._lines:
                ls, color = self.ls[i % len(self.ls)], self.colors[i % len(self.colors)]
                self._lines[label] = self.axes.plot([], [], ls=ls, color=color, label=label)[0]
            self._lines[label].set_data(*zip(*points, strict=True) if points else ([], []))
        self.axes.set(
            xlabel=self.xlabel or "x", ylabel=self.ylabel or "", xscale=self.xscale, yscale=self.yscale
        )
        self.axes.relim()
        self.axes.autoscale_view()
        if self.xlim:
            self.axes.set_xlim(*self.xlim)
        if self.ylim:
            self.axes.set_ylim(*self.ylim)
        self.axes.legend()
        newest = {
            label: points[-1][1] for label, points in self.data.items() if points and points[-1][0] == x
        }
        self._live.show(in_words(self.xlabel or "x", x, newest))


class Module(nn.Module, HyperParameters):
    """The base class of models (section 3.2.2).

    A model defines ``loss`` and ``configure_optimizers``, and either ``net`` or ``forward``.

    Args:
        plot_train_per_epoch: how many points of training to draw an epoch; likewise ``plot_valid_per_epoch``.

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> class Mean(d2l.Module):
        ...     def __init__(self, lr):
        ...         super().__init__()
        ...         self.save_hyperparameters()
        ...         self.net = torch.nn.Linear(2, 1)
        ...     def loss(self, y_hat, y):
        ...         return ((y_hat - y) ** 2).mean()
        >>> Mean(lr=0.1).configure_optimizers().defaults["lr"]
        0.1
    """

    trainer: "Trainer"
    net: nn.Module
    lr: float
    plot_train_per_epoch: int
    plot_valid_per_epoch: int

    def __init__(self, plot_train_per_epoch: int = 2, plot_valid_per_epoch: int = 1) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.board = ProgressBoard()

    def loss(self, y_hat: Tensor, y: Tensor) -> Tensor:
        """Return the loss of predictions: for a subclass to define."""
        raise NotImplementedError(f"{type(self).__name__} has to define loss(self, y_hat, y)")

    def forward(self, X: Tensor) -> Tensor:
        """Return the predictions of ``self.net``."""
        if not hasattr(self, "net"):
            raise OneLayerError(
                f"{type(self).__name__} has no network: set self.net in __init__, or define forward"
            )
        outputs: Tensor = self.net(X)
        return outputs

    def plot(self, key: str, value: Tensor, train: bool) -> None:
        """Add a point to the curve of ``key`` in training or validation.

        Raises:
            OneLayerError: if the model is not being fitted by a ``Trainer``.
        """
        if not hasattr(self, "trainer"):
            raise OneLayerError(
                "the model has no trainer yet: plot is for use while Trainer.fit(model, data) runs"
            )
        trainer = self.trainer
        self.board.xlabel = "epoch"
        if train:
            x = trainer.train_batch_idx / trainer.num_train_batches
            n = trainer.num_train_batches / self.plot_train_per_epoch
        else:
            x = trainer.epoch + 1
            n = trainer.num_val_batches / self.plot_valid_per_epoch
        self.board.draw(x, float(value.detach()), f"{'train' if train else 'val'}_{key}", max(1, int(n)))

    def training_step(self, batch: Sequence[Tensor]) -> Tensor:
        """Return the loss of a batch [X, …, y], and draw it."""
        loss = self.loss(self(*batch[:-1]), batch[-1])
        self.plot("loss", loss, train=True)
        return loss

    def validation_step(self, batch: Sequence[Tensor]) -> None:
        """Draw the loss of a batch [X, …, y]."""
        self.plot("loss", self.loss(self(*batch[:-1]), batch[-1]), train=False)

    def configure_optimizers(self) -> Any:
        """Return the optimizer: SGD with learning rate ``self.lr`` (section 4.3.1)."""
        if not hasattr(self, "lr"):
            raise NotImplementedError(
                f"{type(self).__name__} has to save a learning rate as self.lr, or define configure_optimizers(self)"
            )
        return torch.optim.SGD(self.parameters(), lr=self.lr)

    def apply_init(self, inputs: Sequence[Tensor], init: Callable[[nn.Module], None] | None = None) -> None:
        """Let a lazy network find its shapes from ``inputs``, then initialise it (section 6.4)."""
        self.forward(*inputs)
        if init is not None:
            self.net.apply(init)


class DataModule(HyperParameters):
    """The base class of data (section 3.2.3).

    Args:
        root: kept as an attribute; the bundled data need no folder.
        num_workers: kept as an attribute; batches are read in this process.

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> class Points(d2l.DataModule):
        ...     def __init__(self, batch_size=2):
        ...         super().__init__()
        ...         self.save_hyperparameters()
        ...     def get_dataloader(self, train):
        ...         return self.get_tensorloader((torch.ones(6, 1), torch.ones(6, 1)), train)
        >>> len(Points().train_dataloader())
        3
    """

    root: str
    num_workers: int
    batch_size: int

    def __init__(self, root: str = "../data", num_workers: int = 4) -> None:
        self.save_hyperparameters()

    def get_dataloader(self, train: bool) -> Any:
        """Return the batches to train on, or to validate on: for a subclass to define."""
        raise NotImplementedError(f"{type(self).__name__} has to define get_dataloader(self, train)")

    def train_dataloader(self) -> Any:
        """Return the batches to train on."""
        return self.get_dataloader(train=True)

    def val_dataloader(self) -> Any:
        """Return the batches to validate on."""
        return self.get_dataloader(train=False)

    def get_tensorloader(
        self, tensors: Sequence[Tensor], train: bool, indices: slice = slice(0, None)
    ) -> BatchLoader:
        """Return the rows ``indices`` of tensors (n, …) in batches, shuffled for training (section 3.3.3)."""
        return BatchLoader(TensorDataset(*(a[indices] for a in tensors)), self.batch_size, shuffle=train)


class Trainer(HyperParameters):
    """Trains a model on data (section 3.2.4).

    Args:
        max_epochs: passes over the training data.
        num_gpus: how many GPUs to use, of those that there are; the book's trainer uses the first.
        gradient_clip_val: the largest norm of the gradient; 0 for no limit.

    Attributes:
        model: the model; ``optim`` its optimizer.
        epoch: the number of the current epoch, from 0.
        train_batch_idx: how many batches were trained on so far; likewise ``val_batch_idx``.
        num_train_batches: how many batches an epoch has; likewise ``num_val_batches``.

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> data = d2l.SyntheticRegressionData(torch.tensor([2.0, -3.4]), 4.2)
        >>> model = d2l.LinearRegression(lr=0.03)
        >>> model.board.display = False
        >>> d2l.Trainer(max_epochs=10).fit(model, data)
        >>> model.get_w_b()[0].round(decimals=1)
        tensor([[ 2.0000, -3.4000]])
    """

    max_epochs: int
    gradient_clip_val: float

    def __init__(self, max_epochs: int, num_gpus: int = 0, gradient_clip_val: float = 0) -> None:
        self.save_hyperparameters()
        self.gpus = [gpu(i) for i in range(min(num_gpus, torch.cuda.device_count()))]

    def prepare_data(self, data: DataModule) -> None:
        """Take the batches of ``data``.

        Raises:
            OneLayerError: if they have no length.
        """
        self.train_dataloader = data.train_dataloader()
        self.val_dataloader = data.val_dataloader()
        for loader in (self.train_dataloader, self.val_dataloader):
            if loader is not None and not hasattr(loader, "__len__"):
                raise OneLayerError(
                    f"{type(data).__name__} gives a {type(loader).__name__}, which has no length: return a DataLoader "
                    "from get_dataloader, for instance self.get_tensorloader(tensors, train)"
                )
        self.num_train_batches = len(self.train_dataloader)
        self.num_val_batches = len(self.val_dataloader) if self.val_dataloader is not None else 0

    def prepare_model(self, model: Module) -> None:
        """Take the model, on the GPU if there is one to use."""
        model.trainer = self
        model.board.xlim = (0, self.max_epochs)
        if self.gpus:
            model.to(self.gpus[0])
        self.model = model

    def prepare_batch(self, batch: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return a batch on the model's device."""
        return [a.to(self.gpus[0]) for a in batch] if self.gpus else batch

    def fit(self, model: Module, data: DataModule) -> None:
        """Train ``model`` for ``max_epochs`` and validate it after each (section 3.2.4)."""
        self.prepare_data(data)
        self.prepare_model(model)
        self.optim = model.configure_optimizers()
        self.train_batch_idx = self.val_batch_idx = 0
        try:
            for epoch in range(self.max_epochs):
                self.epoch = epoch
                self.fit_epoch()
        finally:
            LINE.end()

    def fit_epoch(self) -> None:
        """Train for one epoch, then validate (section 3.4.4)."""
        self.model.train()
        for batch in self.train_dataloader:
            loss = self.model.training_step(self.prepare_batch(batch))
            self.optim.zero_grad()
            loss.backward()
            with torch.no_grad():
                if self.gradient_clip_val > 0:
                    self.clip_gradients(self.gradient_clip_val, self.model)
                self.optim.step()
            self.train_batch_idx += 1
        if self.val_dataloader is None:
            return
        self.model.eval()
        with torch.no_grad():
            for batch in self.val_dataloader:
                self.model.validation_step(self.prepare_batch(batch))
                self.val_batch_idx += 1

    def clip_gradients(self, grad_clip_val: float, model: Module) -> None:
        """Scale the gradients down so that their joint norm is at most ``grad_clip_val`` (section 9.5.3)."""
        nn.utils.clip_grad_norm_(model.parameters(), grad_clip_val)


class SyntheticRegressionData(DataModule):
    """y = Xw + b + ε with standard normal X and ε ~ N(0, noise²) (section 3.3.1).

    Args:
        w: true weights, d values.
        b: true bias.
        noise: standard deviation of ε.
        num_train: rows to train on; ``num_val`` more to validate on.
        batch_size: rows a batch.

    Attributes:
        X: features (num_train + num_val, d), and ``y`` the targets (num_train + num_val, 1).

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> data = d2l.SyntheticRegressionData(torch.tensor([2.0, -3.4]), 4.2)
        >>> X, y = next(iter(data.train_dataloader()))
        >>> X.shape, y.shape
        (torch.Size([32, 2]), torch.Size([32, 1]))
    """

    num_train: int

    def __init__(
        self,
        w: Tensor,
        b: float,
        noise: float = 0.01,
        num_train: int = 1000,
        num_val: int = 1000,
        batch_size: int = 32,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        n = num_train + num_val
        self.X = torch.randn(n, len(w))
        self.y = self.X @ w.reshape(-1, 1) + b + torch.randn(n, 1) * noise

    def get_dataloader(self, train: bool) -> BatchLoader:
        """Return the first ``num_train`` rows in batches, shuffled, or the others (section 3.3.3)."""
        rows = slice(0, self.num_train) if train else slice(self.num_train, None)
        return self.get_tensorloader((self.X, self.y), train, rows)


class SGD(HyperParameters):
    """Minibatch stochastic gradient descent (section 3.4.3).

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> w = torch.tensor([2.0], requires_grad=True)
        >>> (w**2).sum().backward()
        >>> with torch.no_grad():
        ...     d2l.SGD([w], lr=0.1).step()
        >>> w
        tensor([1.6000], requires_grad=True)
    """

    params: list[Tensor]
    lr: float

    def __init__(self, params: Iterable[Tensor], lr: float) -> None:
        params = list(params)  # model.parameters() can be read only once
        self.save_hyperparameters()

    def step(self) -> None:
        """Take a step against the gradient; to be called without autograd.

        Raises:
            OneLayerError: if a parameter has no gradient.
        """
        for param in self.params:
            param -= self.lr * gradient_of(param)

    def zero_grad(self) -> None:
        """Set the gradients to 0."""
        for param in self.params:
            if param.grad is not None:
                param.grad.zero_()


class LinearRegressionScratch(Module):
    """Linear regression from tensors: w (d, 1) ~ N(0, sigma²), b (1,) = 0 (section 3.4).

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> model = d2l.LinearRegressionScratch(num_inputs=2, lr=0.03)
        >>> model(torch.zeros(5, 2)).shape
        torch.Size([5, 1])
    """

    def __init__(self, num_inputs: int, lr: float, sigma: float = 0.01) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.w = torch.normal(0, sigma, (num_inputs, 1), requires_grad=True)
        self.b = torch.zeros(1, requires_grad=True)

    def forward(self, X: Tensor) -> Tensor:
        """Return Xw + b: (n, d) to (n, 1)."""
        return X @ self.w + self.b

    def loss(self, y_hat: Tensor, y: Tensor) -> Tensor:
        """Return the mean of ½(ŷ − y)²."""
        return ((y_hat - y) ** 2 / 2).mean()

    def configure_optimizers(self) -> SGD:
        """Return ``SGD`` on w and b."""
        return SGD([self.w, self.b], self.lr)


class LazyNormalLinear(nn.LazyLinear):
    """A linear layer that learns its number of inputs from the first batch; weight ~ N(0, 0.01²), bias 0.

    (A plain ``LazyLinear`` that is initialised before it has a shape initialises itself anew when it gets one.)
    """

    def reset_parameters(self) -> None:
        """Initialise the parameters, once they have a shape."""
        if self.in_features and not self.has_uninitialized_params():
            nn.init.normal_(self.weight, std=0.01)
            nn.init.constant_(self.bias, 0)


class LinearRegression(Module):
    """Linear regression from PyTorch's layers (section 3.5).

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> model = d2l.LinearRegression(lr=0.03)
        >>> model(torch.zeros(5, 2)).shape
        torch.Size([5, 1])
    """

    net: LazyNormalLinear

    def __init__(self, lr: float) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = LazyNormalLinear(1)

    def loss(self, y_hat: Tensor, y: Tensor) -> Tensor:
        """Return the mean of (ŷ − y)², without the ½ (section 3.5.2)."""
        return F.mse_loss(y_hat, y)

    def get_w_b(self) -> tuple[Tensor, Tensor]:
        """Return weight (1, d) and bias (1,) (section 3.5.4)."""
        return self.net.weight.data, self.net.bias.data


class FashionMNIST(DataModule):
    """Fashion-MNIST, to train and validate on (section 4.2.1).

    Args:
        batch_size: images a batch.
        resize: (height, width) of the images.

    Attributes:
        train: the 60,000 training images; ``val`` the 10,000 test images.

    Example:
        >>> from onelayer import d2l
        >>> data = d2l.FashionMNIST(batch_size=64, resize=(32, 32))
        >>> X, y = next(iter(data.val_dataloader()))
        >>> X.shape, data.text_labels(y[:3])
        (torch.Size([64, 1, 32, 32]), ['ankle boot', 'pullover', 'trouser'])
    """

    def __init__(self, batch_size: int = 64, resize: Size = (28, 28)) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.train = FashionMNISTImages(True, resize)
        self.val = FashionMNISTImages(False, resize)

    def text_labels(self, indices: Sequence[int] | Tensor) -> list[str]:
        """Return the text label of each label number (section 4.2.1)."""
        return get_fashion_mnist_labels(indices)

    def get_dataloader(self, train: bool) -> BatchLoader:
        """Return the training images in batches, shuffled, or the test images (section 4.2.2)."""
        return BatchLoader(self.train if train else self.val, self.batch_size, shuffle=train)

    def visualize(
        self, batch: Sequence[Tensor], nrows: int = 1, ncols: int = 8, labels: Sequence[str] = []
    ) -> None:
        """Draw the first images of a batch [X, y], below their text labels or ``labels`` (section 4.2.3)."""
        X, y = batch
        show_images(X, nrows, ncols, titles=labels or self.text_labels(y))


class Classifier(Module):
    """The base class of classifiers (section 4.3).

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> logits, labels = torch.tensor([[2.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 0])
        >>> d2l.Classifier().accuracy(logits, labels), d2l.Classifier().loss(logits, labels)
        (tensor(1.), tensor(0.4100))
    """

    def validation_step(self, batch: Sequence[Tensor]) -> None:
        """Draw loss and accuracy of a batch [X, …, y]."""
        outputs = self(*batch[:-1])
        self.plot("loss", self.loss(outputs, batch[-1]), train=False)
        self.plot("acc", self.accuracy(outputs, batch[-1]), train=False)

    def accuracy(self, Y_hat: Tensor, Y: Tensor, averaged: bool = True) -> Tensor:
        """Return the share of right predictions, or 1 or 0 for each (section 4.3.2)."""
        predicted = Y_hat.reshape(-1, Y_hat.shape[-1]).argmax(dim=1).type(Y.dtype)
        right = (predicted == Y.reshape(-1)).float()
        return right.mean() if averaged else right

    def loss(self, Y_hat: Tensor, Y: Tensor, averaged: bool = True) -> Tensor:
        """Return the cross-entropy of logits, its mean or one for each example (section 4.5.2)."""
        logits = Y_hat.reshape(-1, Y_hat.shape[-1])
        return F.cross_entropy(logits, Y.reshape(-1), reduction="mean" if averaged else "none")

    def layer_summary(self, X_shape: Sequence[int]) -> None:
        """Print the shape of the output of each layer for an input of shape ``X_shape`` (section 7.6)."""
        X = torch.randn(*X_shape)
        for layer in self.net.children():
            X = layer(X)
            print(f"{type(layer).__name__} output shape:\t{X.shape}")


class SoftmaxRegression(Classifier):
    """Softmax regression from PyTorch's layers (section 4.5).

    Args:
        num_outputs: the number of classes q.
        lr: learning rate.

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> model = d2l.SoftmaxRegression(num_outputs=10, lr=0.1)
        >>> model(torch.zeros(5, 1, 28, 28)).shape
        torch.Size([5, 10])
    """

    def __init__(self, num_outputs: int, lr: float) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Flatten(), nn.LazyLinear(num_outputs))
