"""The book's names of the first edition: each does what the book says it does, on numbers worked out here."""

import inspect
import math
import os
import subprocess
import sys
from collections.abc import Callable

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from onelayer import OneLayerError, d2l, fashion_mnist
from onelayer.data.bundled import FASHION_MNIST

CURVE_OPTIONS = (
    "xlabel=None, ylabel=None, legend=None, xlim=None, ylim=None, xscale='linear', yscale='linear', "
    "fmts=('-', 'm--', 'g-.', 'r:')"
)
SIGNATURES = {
    "use_svg_display": "()",
    "set_figsize": "(figsize=(3.5, 2.5))",
    "set_axes": "(axes, xlabel, ylabel, xlim, ylim, xscale, yscale, legend)",
    "plot": f"(X, Y=None, {CURVE_OPTIONS.replace('legend=None', 'legend=[]')}, figsize=(3.5, 2.5), axes=None)",
    "Timer": "()",
    "synthetic_data": "(w, b, num_examples)",
    "linreg": "(X, w, b)",
    "squared_loss": "(y_hat, y)",
    "sgd": "(params, lr, batch_size)",
    "load_array": "(data_arrays, batch_size, is_train=True)",
    "get_fashion_mnist_labels": "(labels)",
    "show_images": "(imgs, num_rows, num_cols, titles=None, scale=1.5)",
    "get_dataloader_workers": "()",
    "load_data_fashion_mnist": "(batch_size, resize=None)",
    "accuracy": "(y_hat, y)",
    "evaluate_accuracy": "(net, data_iter)",
    "evaluate_loss": "(net, data_iter, loss)",
    "Accumulator": "(n)",
    "Accumulator.add": "(self, *args)",
    "Accumulator.reset": "(self)",
    "train_epoch_ch3": "(net, train_iter, loss, updater)",
    "Animator": f"({CURVE_OPTIONS}, nrows=1, ncols=1, figsize=(3.5, 2.5))",
    "Animator.add": "(self, x, y)",
    "train_ch3": "(net, train_iter, test_iter, loss, num_epochs, updater)",
    "predict_ch3": "(net, test_iter, n=6)",
}


@pytest.fixture(autouse=True)
def no_windows():
    matplotlib.use("Agg")
    yield
    plt.close("all")
    matplotlib.rcdefaults()


def signature(name: str) -> str:
    """Return names and defaults of what ``d2l`` has under a dotted name."""
    found = d2l
    for part in name.split("."):
        found = getattr(found, part)
    parameters = inspect.signature(found).parameters.values()
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    return str(inspect.Signature(plain))


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_are_the_books(name):
    assert signature(name) == SIGNATURES[name]


def test_every_name_is_there_and_documented():
    assert set(d2l.__all__) <= set(dir(d2l))
    for name in d2l.__all__:
        assert hasattr(d2l, name)
        value = getattr(d2l, name)
        if callable(value) and value.__module__.startswith("onelayer"):
            assert value.__doc__, name


def test_a_name_of_another_chapter_says_so():
    with pytest.raises(AttributeError, match=r"no 'train_ch6': .*multilayer perceptrons.*train_ch3, .*dir"):
        d2l.train_ch6  # noqa: B018


# The tensor functions


def test_tensor_functions():
    x = d2l.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    values = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert d2l.size(x) == 6
    expected = {
        "numpy": (d2l.numpy(x), values),
        "reshape": (d2l.reshape(x, (3, 2)), values.reshape(3, 2)),
        "transpose": (d2l.transpose(x), values.T),
        "reduce_sum": (d2l.reduce_sum(x, dim=0), [5, 7, 9]),
        "reduce_mean": (d2l.reduce_mean(x), 3.5),
        "argmax": (d2l.argmax(x, axis=1), [2, 2]),
        "expand_dims": (d2l.expand_dims(x, 0), values[None]),
        "swapaxes": (d2l.swapaxes(x, 0, 1), values.T),
        "repeat": (d2l.repeat(x, 2, 1), np.vstack([values, values])),
        "concat": (d2l.concat([x, x], dim=1), np.hstack([values, values])),
        "stack": (d2l.stack([x, x]), np.stack([values, values])),
        "abs": (d2l.abs(-x), values),
        "matmul": (d2l.matmul(x, x.T), values @ values.T),
        "batch_matmul": (d2l.batch_matmul(x[None], x.T[None]), (values @ values.T)[None]),
        "exp": (d2l.exp(x), np.exp(values)),
        "log": (d2l.log(x), np.log(values)),
        "sin": (d2l.sin(x), np.sin(values)),
        "sinh": (d2l.sinh(x), np.sinh(values)),
        "cos": (d2l.cos(x), np.cos(values)),
        "cosh": (d2l.cosh(x), np.cosh(values)),
        "tanh": (d2l.tanh(x), np.tanh(values)),
        "sigmoid": (d2l.sigmoid(x), 1 / (1 + np.exp(-values))),
        "ones_like": (d2l.ones_like(x), np.ones((2, 3))),
        "zeros_like": (d2l.zeros_like(x), np.zeros((2, 3))),
        "ones": (d2l.ones(2, 3), np.ones((2, 3))),
        "zeros": (d2l.zeros((2, 3)), np.zeros((2, 3))),
        "eye": (d2l.eye(3), np.eye(3)),
        "arange": (d2l.arange(5), np.arange(5)),
        "linspace": (d2l.linspace(0, 1, 5), [0, 0.25, 0.5, 0.75, 1]),
    }
    for name, (found, truth) in expected.items():
        found = found.detach().numpy() if isinstance(found, torch.Tensor) else found
        np.testing.assert_allclose(found, truth, rtol=1e-6, err_msg=name)


def test_types_and_devices():
    x = d2l.tensor([1.7])
    for dtype, name in ((d2l.int32, "int32"), (d2l.int64, "int64"), (d2l.float32, "float32")):
        assert str(d2l.astype(x, dtype).numpy().dtype) == name
    assert d2l.to(x, "cpu").device.type == "cpu"


def test_meshgrid_has_rows_first_and_does_not_warn():
    a, b = d2l.meshgrid(d2l.arange(2), d2l.arange(3))
    assert a.tolist() == [[0, 0, 0], [1, 1, 1]] and b.tolist() == [[0, 1, 2], [0, 1, 2]]


def test_random_tensors():
    torch.manual_seed(0)
    normal, randn, rand = d2l.normal(3, 2, (10_000,)), d2l.randn(10_000), d2l.rand(10_000)
    assert normal.mean().item() == pytest.approx(3, abs=0.1) and normal.std().item() == pytest.approx(
        2, abs=0.1
    )
    assert randn.mean().item() == pytest.approx(0, abs=0.05) and randn.std().item() == pytest.approx(
        1, abs=0.05
    )
    assert rand.min() >= 0 and rand.max() < 1 and rand.mean().item() == pytest.approx(0.5, abs=0.02)


# Linear regression, sections 3.2 and 3.3


def test_synthetic_data_is_the_books_for_one_seed():
    w, b = torch.tensor([2, -3.4]), 4.2
    torch.manual_seed(1)
    X, y = d2l.synthetic_data(w, b, 1000)
    torch.manual_seed(1)
    expected_X = torch.normal(0, 1, (1000, 2))
    noise = torch.normal(0, 0.01, (1000,))
    assert torch.equal(X, expected_X) and y.shape == (1000, 1)
    assert torch.allclose(y[:, 0], 2 * X[:, 0] - 3.4 * X[:, 1] + 4.2 + noise, atol=1e-6)


def test_linreg_and_squared_loss():
    X, w = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[10.0], [1.0]])
    assert d2l.linreg(X, w, torch.tensor([0.5])).tolist() == [[12.5], [34.5]]
    losses = d2l.squared_loss(torch.tensor([[1.0], [5.0]]), torch.tensor([2.0, 2.0]))  # shapes differ: as ŷ
    assert losses.tolist() == [[0.5], [4.5]]


def test_sgd_steps_and_clears_the_gradient():
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    (w**2).sum().backward()
    d2l.sgd([w], lr=0.5, batch_size=4)
    assert w.tolist() == [0.75, 1.5] and w.grad.tolist() == [0, 0]
    with pytest.raises(OneLayerError, match="requires_grad"):
        d2l.sgd([torch.ones(1)], 0.1, 1)


def test_linear_regression_from_scratch():
    true_w, true_b = torch.tensor([2, -3.4]), 4.2
    torch.manual_seed(0)
    X, y = d2l.synthetic_data(true_w, true_b, 1000)
    w = torch.normal(0, 0.01, size=(2, 1), requires_grad=True)
    b = torch.zeros(1, requires_grad=True)
    for _ in range(3):
        for batch, targets in d2l.load_array((X, y), 10):
            d2l.squared_loss(d2l.linreg(batch, w, b), targets).sum().backward()
            d2l.sgd([w, b], 0.03, 10)
    assert torch.allclose(w[:, 0], true_w, atol=2e-3) and b.item() == pytest.approx(true_b, abs=2e-3)


@pytest.mark.parametrize("shuffle", [True, False])
def test_load_array_gives_the_batches_of_a_dataloader(shuffle):
    arrays = torch.arange(46.0).view(23, 2), torch.arange(23)
    ours = d2l.load_array(arrays, 5, is_train=shuffle)
    theirs = DataLoader(TensorDataset(*arrays), 5, shuffle=shuffle)
    assert len(ours) == len(theirs) == 5
    batches = []
    for loader in (ours, theirs):
        torch.manual_seed(3)
        batches.append([(X.tolist(), y.tolist()) for _ in range(2) for X, y in loader])
    assert batches[0] == batches[1]
    assert len(batches[0][4][1]) == 3  # the last one is short
    assert (batches[0][0] != batches[0][5]) == shuffle  # another order in the second pass


# Fashion-MNIST, section 3.5


def test_fashion_mnist_batches():
    train_iter, test_iter = d2l.load_data_fashion_mnist(256)
    assert isinstance(train_iter, DataLoader) and train_iter.num_workers == d2l.get_dataloader_workers() == 0
    assert (len(train_iter), len(test_iter), train_iter.batch_size) == (235, 40, 256)
    assert (len(train_iter.dataset), len(test_iter.dataset)) == (60_000, 10_000)
    X, y = next(iter(train_iter))
    assert X.shape == (256, 1, 28, 28) and X.dtype == torch.float32
    assert y.shape == (256,) and y.dtype == torch.int64
    counts, last = torch.zeros(10), None
    for X, y in train_iter:
        assert X.min() >= 0 and X.max() <= 1
        counts += torch.bincount(y, minlength=10)
        last = X
    assert counts.tolist() == [6000] * 10 and len(last) == 60_000 - 234 * 256
    X, y = next(iter(test_iter))
    rows = fashion_mnist().test  # in order, and each pixel its byte / 255
    assert torch.equal(X.view(256, -1) * 255, torch.from_numpy(rows.X[:256]).float()) and torch.equal(
        y, torch.from_numpy(rows.y[:256])
    )


def test_fashion_mnist_items_are_those_of_a_dataset():
    dataset = d2l.load_data_fashion_mnist(256)[0].dataset
    image, label = dataset[0]
    assert image.shape == (1, 28, 28) and label == 9 and dataset.classes[label] == "ankle boot"
    assert torch.equal(dataset[torch.tensor(0)][0], image)
    several, labels = dataset[0:3]
    assert torch.equal(several[0], image) and labels.tolist() == [9, 0, 0]
    assert torch.equal(dataset[-1][0], dataset[59_999][0])
    assert (dataset.data.shape, dataset.data.dtype) == ((60_000, 28, 28), torch.uint8)
    assert len(dataset.targets) == 60_000
    with pytest.raises(IndexError):
        dataset[60_000]


def test_fashion_mnist_in_the_order_of_the_books_loader():
    train_iter, _ = d2l.load_data_fashion_mnist(1000)
    torch.manual_seed(0)
    ours = [y for _, y in train_iter]
    torch.manual_seed(0)
    theirs = [
        y for _, y in DataLoader(TensorDataset(torch.arange(60_000), train_iter.dataset.targets), 1000, True)
    ]
    assert torch.equal(torch.cat(ours), torch.cat(theirs))


@pytest.mark.parametrize(("resize", "size"), [(64, (64, 64)), ((32, 20), (32, 20)), ([14, 14], (14, 14))])
def test_resize_is_pils_bilinear(resize, size):
    _, test_iter = d2l.load_data_fashion_mnist(32, resize=resize)
    X, _ = next(iter(test_iter))
    assert X.shape == (32, 1, *size) and X.dtype == torch.float32
    for i in range(32):
        image = Image.fromarray(test_iter.dataset.data[i].numpy())
        truth = np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR)) / 255
        np.testing.assert_allclose(X[i, 0].numpy(), truth, atol=1 / 255 + 1e-6)
    assert torch.equal(test_iter.dataset[3][0], X[3])


@pytest.mark.parametrize("resize", [None, 64, 20])
def test_images_are_torchvisions(tmp_path, resize):
    torchvision = pytest.importorskip("torchvision", reason="torchvision is not installed")
    steps = [torchvision.transforms.Resize(resize)] if resize else []
    transform = torchvision.transforms.Compose([*steps, torchvision.transforms.ToTensor()])
    raw = tmp_path / "FashionMNIST/raw"
    raw.parent.mkdir()
    raw.symlink_to(FASHION_MNIST)
    train_iter, _ = d2l.load_data_fashion_mnist(64, resize)
    theirs = DataLoader(torchvision.datasets.FashionMNIST(tmp_path, transform=transform), 64, shuffle=True)
    batches = []
    for loader in (train_iter, theirs):
        torch.manual_seed(0)
        batches.append(next(iter(loader)))
    assert torch.allclose(batches[0][0], batches[1][0], atol=1 / 255 + 1e-6 if resize else 0)
    assert torch.equal(batches[0][1], batches[1][1])


@pytest.mark.parametrize("resize", [-1, (3,), (4, 0), 2.5, "large"])
def test_resize_that_is_no_size(resize):
    with pytest.raises(OneLayerError, match="resize must be"):
        d2l.load_data_fashion_mnist(32, resize=resize)


def test_text_labels():
    labels = d2l.get_fashion_mnist_labels(torch.arange(10))
    assert labels == [
        "t-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ]
    assert d2l.get_fashion_mnist_labels([9, 1]) == ["ankle boot", "trouser"]


# Softmax regression, section 3.6


def test_accuracy_counts_right_predictions():
    scores = torch.tensor([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]])
    assert d2l.accuracy(scores, torch.tensor([0, 2])) == 1.0
    assert d2l.accuracy(torch.tensor([1, 2, 3]), torch.tensor([1, 2, 4])) == 2.0
    assert (
        d2l.accuracy(torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0], [3.0]])) == 1.0
    )  # regression: q = 1


def test_accumulator():
    metric = d2l.Accumulator(2)
    metric.add(1, torch.tensor(2.5, requires_grad=True))
    metric.add(True, 0.5)
    assert metric.data == [2.0, 3.0] and metric[1] == 3.0
    metric.reset()
    assert metric.data == [0.0, 0.0]


def test_evaluate_accuracy_weighs_batches_by_their_size():
    batches = [(torch.eye(3), torch.tensor([0, 1, 2])), (torch.eye(3)[:1], torch.tensor([2]))]
    net = nn.Sequential(nn.Identity())
    assert d2l.evaluate_accuracy(net, batches) == 0.75
    assert not net.training
    gradients = []
    d2l.evaluate_accuracy(lambda X: gradients.append(torch.is_grad_enabled()) or X, batches)
    assert gradients == [False, False]
    assert d2l.evaluate_accuracy(lambda X: X.flip(1), batches) == 0.5


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_evaluate_loss_is_the_mean_over_examples(reduction):
    batches = [
        (torch.tensor([[1.0], [2.0]]), torch.tensor([0.0, 0.0])),
        (torch.tensor([[3.0]]), torch.tensor([0.0])),
    ]
    loss = nn.MSELoss(reduction=reduction)
    assert d2l.evaluate_loss(nn.Identity(), batches, loss) == pytest.approx((1 + 4 + 9) / 3)


def scratch_cross_entropy(y_hat: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return -torch.log(y_hat[range(len(y_hat)), y])


def epoch_by_hand(X: torch.Tensor, y: torch.Tensor, lr: float) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Return W, b and loss of one step on one batch from W = b = 0, from the formula (softmax(o) − y)ᵀX / n."""
    error = (torch.full((len(y), 3), 1 / 3) - torch.eye(3)[y]) / len(y)
    return -lr * error.T @ X, -lr * error.sum(dim=0), math.log(3)


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(8, 4, generator=generator), torch.tensor([0, 1, 2, 2, 1, 0, 0, 1])


def linear() -> nn.Linear:
    net = nn.Linear(4, 3)
    nn.init.zeros_(net.weight)
    nn.init.zeros_(net.bias)
    return net


@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("kind", ["optimizer", "updater"])
def test_an_epoch_with_either_updater_and_either_reduction(batch, reduction, kind):
    net = linear()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.3)
    updater: Callable = optimizer if kind == "optimizer" else lambda n: d2l.sgd(net.parameters(), 0.3, n)
    scores = d2l.train_epoch_ch3(net, [batch], nn.CrossEntropyLoss(reduction=reduction), updater)
    weight, bias, loss = epoch_by_hand(*batch, lr=0.3)
    assert torch.allclose(net.weight, weight, atol=1e-6) and torch.allclose(net.bias, bias, atol=1e-6)
    assert scores == pytest.approx((loss, 3 / 8))  # all predict class 0, which 3 of 8 are
    assert net.training


@pytest.mark.parametrize("kind", ["mean", "sum"])
def test_an_epoch_with_a_loss_of_ones_own_that_is_a_mean_or_a_sum(batch, kind):
    net = linear()

    def loss(outputs, y):
        return getattr(scratch_cross_entropy(torch.softmax(outputs, dim=1), y), kind)()

    scores = d2l.train_epoch_ch3(net, [batch], loss, lambda n: d2l.sgd(net.parameters(), 0.3, n))
    weight, _, expected = epoch_by_hand(*batch, lr=0.3)
    assert torch.allclose(net.weight, weight, atol=1e-6) and scores[0] == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["optimizer", "updater"])
def test_each_batch_has_a_gradient_of_its_own(batch, kind):
    net, X, y = linear(), *batch
    optimizer = torch.optim.SGD(net.parameters(), lr=0.3)
    updater: Callable = optimizer if kind == "optimizer" else lambda n: d2l.sgd(net.parameters(), 0.3, n)
    d2l.train_epoch_ch3(net, [(X[:5], y[:5]), (X[5:], y[5:])], nn.CrossEntropyLoss(reduction="none"), updater)
    weight, bias, _ = epoch_by_hand(X[:5], y[:5], lr=0.3)
    error = torch.softmax(X[5:] @ weight.T + bias, dim=1) - torch.eye(3)[y[5:]]
    assert torch.allclose(net.weight, weight - 0.3 * error.T @ X[5:] / 3, atol=1e-6)


def test_nothing_to_train_on_says_so(batch):
    net = linear()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.3)
    with pytest.raises(OneLayerError, match="num_epochs must be at least 1"):
        d2l.train_ch3(net, [batch], [batch], nn.CrossEntropyLoss(), 0, optimizer)
    with pytest.raises(OneLayerError, match=r"no batches.*generator"):
        d2l.train_ch3(net, (b for b in [batch]), [batch], nn.CrossEntropyLoss(), 2, optimizer)
    with pytest.raises(OneLayerError, match=r"no batches"):
        d2l.evaluate_accuracy(net, [])


def test_a_summed_loss_steps_as_many_times_farther_as_the_batch_is_large(batch):
    summed, averaged = linear(), linear()
    for net, reduction, lr in ((summed, "sum", 0.3), (averaged, "none", 0.3 * 8)):
        loss = nn.CrossEntropyLoss(reduction=reduction)
        scores = d2l.train_epoch_ch3(net, [batch], loss, torch.optim.SGD(net.parameters(), lr=lr))
        assert scores[0] == pytest.approx(math.log(3))
    assert torch.allclose(summed.weight, averaged.weight, atol=1e-6)


def test_an_epoch_from_scratch(batch):
    W, b = torch.zeros(4, 3, requires_grad=True), torch.zeros(3, requires_grad=True)
    loss, accuracy = d2l.train_epoch_ch3(
        lambda X: torch.softmax(X @ W + b, dim=1),
        [batch],
        scratch_cross_entropy,
        lambda batch_size: d2l.sgd([W, b], 0.3, batch_size),
    )
    weight, bias, expected = epoch_by_hand(*batch, lr=0.3)
    assert torch.allclose(W.T, weight, atol=1e-6) and torch.allclose(b, bias, atol=1e-6)
    assert (loss, accuracy) == pytest.approx((expected, 3 / 8))


def test_softmax_regression_from_scratch_to_the_letter(capsys):
    train_iter, test_iter = d2l.load_data_fashion_mnist(256)
    torch.manual_seed(0)
    W = torch.normal(0, 0.01, size=(784, 10), requires_grad=True)
    b = torch.zeros(10, requires_grad=True)

    def net(X):
        exponentials = torch.exp(X.reshape((-1, W.shape[0])) @ W + b)
        return exponentials / exponentials.sum(1, keepdim=True)

    def updater(batch_size):
        return d2l.sgd([W, b], 0.1, batch_size)

    assert d2l.train_ch3(net, train_iter, test_iter, scratch_cross_entropy, 10, updater) is None
    lines = capsys.readouterr().out.splitlines()
    axes = plt.gcf().axes[0]
    assert axes.get_ylim() == (0.3, 0.9) and axes.xaxis.get_gridlines()[0].get_visible()
    assert len(lines) == 10 and lines[9].startswith("epoch 10: train loss 0.44")
    assert d2l.evaluate_accuracy(net, test_iter) > 0.80
    d2l.predict_ch3(net, test_iter)
    titles = [axes.get_title() for axes in plt.gcf().axes]
    assert len(titles) == 6 and titles[0] == "ankle boot\nankle boot"


def data_for_training(n: int = 2000) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Two batches of two classes that a line parts."""
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(2, (n,), generator=generator)
    X = torch.randn(n, 2, generator=generator) + 4 * y[:, None]
    return list(zip(X.split(n // 2), y.split(n // 2), strict=True))


@pytest.mark.parametrize(
    ("lr", "epochs", "message"),
    [
        (1e-5, 10, r"after 10 epochs: training loss \d\.\d+.*learning rate that is too small"),
        (math.inf, 2, r"training loss is nan in epoch 1.*learning rate of inf is too large"),
    ],
)
def test_training_that_falls_short_says_why(lr, epochs, message):
    torch.manual_seed(0)
    net = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    data = data_for_training()
    with pytest.raises(d2l.TrainingError, match=message) as raised:
        d2l.train_ch3(net, data, data, nn.CrossEntropyLoss(), epochs, optimizer)
    assert isinstance(raised.value, AssertionError)  # what the book raises


def test_few_epochs_that_fall_short_are_a_warning_with_the_numbers():
    data = data_for_training()
    net = nn.Linear(2, 2)
    nn.init.zeros_(net.weight)
    nn.init.zeros_(net.bias)
    message = (
        rf"after 1 epoch: training loss {math.log(2):.3f}, and not less than 0\.5; training accuracy 0\.\d+.*; "
        r"test accuracy .*10 epochs"
    )
    with pytest.warns(d2l.TrainingWarning, match=message) as caught:
        d2l.train_ch3(net, data, data, nn.CrossEntropyLoss(), 1, torch.optim.SGD(net.parameters(), lr=0.0))
    assert caught[0].filename == __file__


def test_accuracies_that_are_too_low_or_impossible_say_why():
    data = data_for_training()
    other_labels = [(X, 1 - y) for X, y in data]
    net = nn.Linear(2, 2)
    with pytest.raises(d2l.TrainingError, match=r"after 20 epochs: test accuracy 0\.0\d+, .*belong"):
        d2l.train_ch3(
            net, data, other_labels, nn.CrossEntropyLoss(), 20, torch.optim.SGD(net.parameters(), lr=0.3)
        )

    def loss(outputs, y):
        return 0 * outputs.sum()

    column = nn.Linear(2, 1)
    nn.init.zeros_(column.weight)
    nn.init.zeros_(column.bias)
    with pytest.raises(d2l.TrainingError, match=r"training accuracy is \d+\.\d+, above 1.*shape"):
        d2l.train_ch3(column, data, data, loss, 1, torch.optim.SGD(column.parameters(), lr=0.1))


# Pictures


def test_set_figsize_and_axes():
    d2l.use_svg_display()  # outside Jupyter there is nothing to set
    d2l.set_figsize((5, 3))
    assert plt.rcParams["figure.figsize"] == [5, 3]
    axes = plt.figure().add_subplot()
    axes.plot([1, 10], [0, 1])
    d2l.set_axes(axes, "time", "loss", [1, 10], (0, 2), "log", "linear", ["a curve"])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time", "loss")
    assert (axes.get_xlim(), axes.get_ylim()) == ((1, 10), (0, 2))
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")
    assert axes.get_legend().get_texts()[0].get_text() == "a curve"


def drawn(axes) -> list[list[list[float]]]:
    return [np.transpose(line.get_data()).tolist() for line in axes.lines]


@pytest.mark.parametrize(
    ("X", "Y", "curves"),
    [
        ([1, 2], None, [[[0, 1], [1, 2]]]),
        (
            torch.tensor([1.0, 2.0]),
            [torch.tensor([3.0, 4.0]), np.array([5, 6])],
            [[[1, 3], [2, 4]], [[1, 5], [2, 6]]],
        ),
        (np.array([1, 2]), np.array([[3, 4], [5, 6]]), [[[1, 3], [2, 4]], [[1, 5], [2, 6]]]),
        ([[1, 2], [3, 4]], [[5, 6], [7, 8]], [[[1, 5], [2, 6]], [[3, 7], [4, 8]]]),
        ([[1, 2], [3, 5]], None, [[[0, 1], [1, 2]], [[0, 3], [1, 5]]]),
        (torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([3.0, 4.0]), [[[1, 3], [2, 4]]]),
        ([1, 2], [[k, k] for k in range(5)], [[[1, k], [2, k]] for k in range(5)]),  # more than formats
    ],
)
def test_plot_draws_each_curve(X, Y, curves):
    d2l.plot(X, Y, "x", "f(x)", legend=[f"{k}" for k in range(len(curves))], figsize=(4.5, 2.5))
    axes = plt.gca()
    assert drawn(axes) == curves
    assert axes.lines[0].get_linestyle() == "-" and axes.get_ylabel() == "f(x)"
    assert plt.gcf().get_size_inches().tolist() == [4.5, 2.5]


def test_plot_clears_what_was_there():
    d2l.plot([1, 2])
    d2l.plot([3, 4])
    assert drawn(plt.gca()) == [[[0, 3], [1, 4]]]


@pytest.mark.parametrize("legend", [[], None])
def test_plot_without_a_legend(legend):
    d2l.plot([1, 2], legend=legend)
    assert plt.gca().get_legend() is None


def test_plot_into_given_axes():
    _, (left, right) = plt.subplots(1, 2)
    d2l.plot([1, 2], axes=left)
    assert drawn(left) == [[[0, 1], [1, 2]]] and not right.lines


def test_show_images():
    X, y = next(iter(d2l.load_data_fashion_mnist(18)[1]))
    axes = d2l.show_images(X.reshape(18, 28, 28), 2, 9, titles=d2l.get_fashion_mnist_labels(y))
    assert len(axes) == 18 and axes[0].figure.get_size_inches().tolist() == [13.5, 3]
    assert axes[1].get_title() == "pullover" and not axes[0].xaxis.get_visible()
    np.testing.assert_array_equal(axes[17].images[0].get_array(), X[17, 0].numpy())
    image = Image.fromarray(np.full((4, 6, 3), 7, np.uint8))
    axes = d2l.show_images([image, X[0]], 1, 3)  # one place stays empty
    assert [len(a.images) for a in axes] == [1, 1, 0]
    np.testing.assert_array_equal(axes[0].images[0].get_array(), np.asarray(image))
    assert len(d2l.show_images([X[0]], 1, 1)) == 1


def test_predict_ch3_shows_the_true_label_above_the_predicted_one():
    _, test_iter = d2l.load_data_fashion_mnist(4, resize=32)
    d2l.predict_ch3(lambda X: torch.eye(10)[torch.tensor([8] * len(X))], test_iter, n=3)
    titles = [axes.get_title() for axes in plt.gcf().axes]
    assert titles == [
        "ankle boot\nbag",
        "pullover\nbag",
        "trouser\nbag",
    ]  # the first of the test set: 9, 2, 1


def test_animator_keeps_the_points_and_draws_them(capsys):
    animator = d2l.Animator(xlabel="epoch", xlim=[1, 3], legend=["loss", "accuracy"])
    animator.add(1, (0.75, 0.5))
    animator.add(1.5, (None, torch.tensor(0.625)))
    animator.add(2, [0.25, 0.75])
    assert animator.X == [[1, 2], [1, 1.5, 2]] and animator.Y == [[0.75, 0.25], [0.5, 0.625, 0.75]]
    axes = animator.axes[0]
    assert drawn(axes) == [[[1, 0.75], [2, 0.25]], [[1, 0.5], [1.5, 0.625], [2, 0.75]]]
    assert axes.get_xlim() == (1, 3) and axes.get_ylim()[0] < 0.25 and axes.get_ylim()[1] > 0.75
    assert plt.gcf() is animator.fig  # plt.savefig and plt.show find it
    assert capsys.readouterr().out.splitlines() == [
        "epoch 1: loss 0.750, accuracy 0.500",
        "epoch 1.5: accuracy 0.625",
        "epoch 2: loss 0.250, accuracy 0.750",
    ]


def test_animator_of_one_curve_and_several_axes(capsys):
    animator = d2l.Animator(yscale="log", nrows=2, ncols=2)
    animator.add(10, 1e-7)
    animator.add([20], [2e-7])
    assert len(animator.axes) == 4 and drawn(animator.axes[0]) == [[[10, 1e-7], [20, 2e-7]]]
    assert capsys.readouterr().out == "x 10: y1 1e-07\nx 20: y1 2e-07\n"


def test_animator_wants_a_point_or_none_for_each_curve():
    animator = d2l.Animator()
    animator.add(1, (2, 3))
    with pytest.raises(OneLayerError, match="3 x and 3 y for 2 curves"):
        animator.add(2, (2, 3, 4))


def test_an_unfinished_line_is_ended_when_the_program_ends():
    code = """
import sys; sys.stdout.isatty = lambda: True
from onelayer import d2l
d2l.Animator().add(1, 2)
d2l.Animator().add(1, 30)
d2l.Animator().add(1, 4)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (
        done.stdout.decode().replace(os.linesep, "\n") == "\rx 1: y1 2.000\rx 1: y1 30.000\rx 1: y1 4.000 \n"
    )


def test_in_a_terminal_the_line_is_rewritten_and_ended(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    animator = d2l.Animator(xlabel="epoch", xlim=[1, 2], legend=["loss"])
    animator.add(1, 0.12345)
    animator.add(2, 0.0)
    assert capsys.readouterr().out == "\repoch 1: loss 0.123\repoch 2: loss 0    \n"
