"""The book's names of the second edition (d2l 1.x): models, data and trainer, on numbers worked out here."""

import math
import sys

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from torch import nn
from torch.utils.data import DataLoader

from onelayer import OneLayerError, d2l
from test_d2l import drawn, signature

SIGNATURES = {
    "cpu": "()",
    "gpu": "(i=0)",
    "num_gpus": "()",
    "try_gpu": "(i=0)",
    "try_all_gpus": "()",
    "add_to_class": "(Class)",
    "HyperParameters.save_hyperparameters": "(self, ignore=[])",
    "ProgressBoard": "(xlabel=None, ylabel=None, xlim=None, ylim=None, xscale='linear', yscale='linear', "
    "ls=['-', '--', '-.', ':'], colors=['C0', 'C1', 'C2', 'C3'], fig=None, axes=None, figsize=(3.5, 2.5), "
    "display=True)",
    "ProgressBoard.draw": "(self, x, y, label, every_n=1)",
    "Module": "(plot_train_per_epoch=2, plot_valid_per_epoch=1)",
    "Module.loss": "(self, y_hat, y)",
    "Module.forward": "(self, X)",
    "Module.plot": "(self, key, value, train)",
    "Module.training_step": "(self, batch)",
    "Module.validation_step": "(self, batch)",
    "Module.configure_optimizers": "(self)",
    "Module.apply_init": "(self, inputs, init=None)",
    "DataModule": "(root='../data', num_workers=4)",
    "DataModule.get_dataloader": "(self, train)",
    "DataModule.train_dataloader": "(self)",
    "DataModule.val_dataloader": "(self)",
    "DataModule.get_tensorloader": "(self, tensors, train, indices=slice(0, None, None))",
    "Trainer": "(max_epochs, num_gpus=0, gradient_clip_val=0)",
    "Trainer.prepare_data": "(self, data)",
    "Trainer.prepare_model": "(self, model)",
    "Trainer.prepare_batch": "(self, batch)",
    "Trainer.fit": "(self, model, data)",
    "Trainer.fit_epoch": "(self)",
    "Trainer.clip_gradients": "(self, grad_clip_val, model)",
    "SyntheticRegressionData": "(w, b, noise=0.01, num_train=1000, num_val=1000, batch_size=32)",
    "SGD": "(params, lr)",
    "SGD.step": "(self)",
    "SGD.zero_grad": "(self)",
    "LinearRegressionScratch": "(num_inputs, lr, sigma=0.01)",
    "LinearRegression": "(lr)",
    "LinearRegression.get_w_b": "(self)",
    "FashionMNIST": "(batch_size=64, resize=(28, 28))",
    "FashionMNIST.text_labels": "(self, indices)",
    "FashionMNIST.visualize": "(self, batch, nrows=1, ncols=8, labels=[])",
    "Classifier": "(plot_train_per_epoch=2, plot_valid_per_epoch=1)",
    "Classifier.accuracy": "(self, Y_hat, Y, averaged=True)",
    "Classifier.loss": "(self, Y_hat, Y, averaged=True)",
    "Classifier.layer_summary": "(self, X_shape)",
    "SoftmaxRegression": "(num_outputs, lr)",
}


@pytest.fixture(autouse=True)
def no_windows():
    matplotlib.use("Agg")
    yield
    plt.close("all")
    matplotlib.rcdefaults()


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_are_the_books(name):
    assert signature(name) == SIGNATURES[name]


# Utilities, section 3.2.1


def test_devices(monkeypatch):
    assert d2l.cpu() == torch.device("cpu") and d2l.gpu(1) == torch.device("cuda", 1)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert d2l.num_gpus() == 0 and d2l.try_gpu() == d2l.cpu() and d2l.try_all_gpus() == [d2l.cpu()]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert d2l.num_gpus() == 2 and d2l.try_gpu(1) == d2l.gpu(1) and d2l.try_gpu(2) == d2l.cpu()
    assert d2l.try_all_gpus() == [d2l.gpu(0), d2l.gpu(1)]


def test_add_to_class_reaches_instances_that_exist():
    class Counter:
        def __init__(self) -> None:
            self.count = 1

    counter = Counter()

    @d2l.add_to_class(Counter)
    def double(self):
        return 2 * self.count

    assert counter.double() == 2


def test_save_hyperparameters():
    class Example(d2l.HyperParameters):
        def __init__(self, a, b, c, *, d=4):
            self.save_hyperparameters(ignore=["c"])

    example = Example(1, b=2, c=3)
    assert (example.a, example.b, example.d) == (1, 2, 4) and not hasattr(example, "c")
    assert example.hparams == {"a": 1, "b": 2, "d": 4}


def test_progress_board_draws_the_mean_of_every_n_points(capsys):
    board = d2l.ProgressBoard("x")
    for x in np.arange(0, 10, 0.1):
        board.draw(x, np.sin(x), "sin", every_n=2)
        board.draw(x, np.cos(x), "cos", every_n=10)
    assert [len(points) for points in board.data.values()] == [50, 10]
    assert board.data["sin"][0] == pytest.approx((0.05, math.sin(0.1) / 2))
    assert (board.data["sin"][0].x, board.data["sin"][0].y) == board.data["sin"][0]
    sine, cosine = drawn(board.fig.axes[0])
    np.testing.assert_allclose(sine, board.data["sin"])
    np.testing.assert_allclose(cosine, board.data["cos"])
    assert [text.get_text() for text in board.fig.axes[0].get_legend().get_texts()] == ["sin", "cos"]
    assert [line.get_linestyle() for line in board.fig.axes[0].lines] == ["-", "--"]
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 60 and out[0] == "x 0.05: sin 0.050"


def test_progress_board_obeys_settings_made_later(capsys):
    board = d2l.ProgressBoard()
    board.yscale, board.ylim, board.xlabel = "log", [1e-3, 1], "epoch"
    board.draw(1, 0.1, "loss")
    axes = plt.gcf().axes[0]
    assert (axes.get_yscale(), axes.get_ylim(), axes.get_xlabel()) == ("log", (1e-3, 1), "epoch")
    silent = d2l.ProgressBoard(display=False)
    capsys.readouterr()
    silent.draw(1, 2, "loss")
    assert silent.data == {"loss": [(1.0, 2.0)]} and silent.fig is None and capsys.readouterr().out == ""
    _, (left, right) = plt.subplots(1, 2)
    given = d2l.ProgressBoard(axes=right)
    given.draw(1, 2, "loss")
    assert drawn(right) == [[[1, 2]]] and not left.lines


# Models, data and trainer, sections 3.2 to 3.5


class Line(d2l.Module):
    """y = w x with ½(y − wx)², by gradient descent: small enough to follow by hand."""

    def __init__(self, lr, w=0.0):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.net.weight, w)

    def loss(self, y_hat, y):
        return ((y_hat - y) ** 2 / 2).mean()


class Points(d2l.DataModule):
    def __init__(self, X, y, batch_size, validate=True):
        super().__init__()
        self.save_hyperparameters()

    def get_dataloader(self, train):
        return self.get_tensorloader((self.X, self.y), train) if train or self.validate else None


def points(n: int = 4, **how) -> Points:
    return Points(torch.ones(n, 1), 2 * torch.ones(n, 1), **{"batch_size": 2, **how})


def test_trainer_takes_the_steps_of_gradient_descent(capsys):
    model, data, trainer = Line(lr=0.25), points(), d2l.Trainer(max_epochs=2)
    trainer.fit(model, data)
    # From w = 0 a step of 0.25 (2 − w) is taken 4 times: the distance to 2 falls by 3/4 each time.
    assert model.net.weight.item() == pytest.approx(2 - 2 * 0.75**4)
    assert (trainer.epoch, trainer.train_batch_idx, trainer.val_batch_idx) == (1, 4, 4)
    assert (trainer.num_train_batches, trainer.num_val_batches) == (2, 2)
    losses = [(2 * 0.75**k) ** 2 / 2 for k in range(5)]
    train, val = model.board.data["train_loss"], model.board.data["val_loss"]
    np.testing.assert_allclose(train, [(k / 2, losses[k]) for k in range(4)], rtol=1e-6)
    np.testing.assert_allclose(val, [(1, losses[2]), (2, losses[4])], rtol=1e-6)
    assert capsys.readouterr().out.splitlines() == [
        f"epoch 0: train_loss {losses[0]:.3f}",
        f"epoch 0.5: train_loss {losses[1]:.3f}",
        f"epoch 1: val_loss {losses[2]:.3f}",
        f"epoch 1: train_loss {losses[2]:.3f}, val_loss {losses[2]:.3f}",
        f"epoch 1.5: train_loss {losses[3]:.3f}",
        f"epoch 2: val_loss {losses[4]:.3f}",
    ]
    assert model.board.fig.axes[0].get_xlim() == (0, 2)


def test_trainer_without_validation_and_with_one_batch():
    model, trainer = Line(lr=1.0), d2l.Trainer(max_epochs=1)
    trainer.fit(model, points(1, validate=False))
    assert model.net.weight.item() == 2 and trainer.num_val_batches == 0
    assert len(model.board.data["train_loss"]) == 1


def test_trainer_sets_the_modes_and_validates_without_gradients():
    seen = []

    class Watching(Line):
        def training_step(self, batch):
            seen.append(("train", self.training, torch.is_grad_enabled()))
            return super().training_step(batch)

        def validation_step(self, batch):
            seen.append(("val", self.training, torch.is_grad_enabled()))
            super().validation_step(batch)

    d2l.Trainer(max_epochs=2).fit(Watching(lr=0.1), points(2))
    assert seen == [("train", True, True), ("val", False, False)] * 2


def test_trainer_moves_model_and_batches_to_the_first_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    trainer = d2l.Trainer(max_epochs=1, num_gpus=1)
    assert trainer.gpus == [d2l.gpu(0)]
    trainer.gpus = [torch.device("meta")]  # a device that every machine has
    model = Line(lr=0.1)
    trainer.prepare_model(model)
    assert model.net.weight.is_meta
    assert all(a.is_meta for a in trainer.prepare_batch([torch.ones(1), torch.ones(2)]))


def test_trainer_wants_batches_with_a_length():
    class Generator(Points):
        def get_dataloader(self, train):
            yield self.X, self.y

    with pytest.raises(OneLayerError, match=r"Generator gives a generator.*get_tensorloader"):
        d2l.Trainer(max_epochs=1).fit(Line(lr=0.1), Generator(torch.ones(1, 1), torch.ones(1, 1), 1))


def test_a_training_ends_its_line_in_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    d2l.Trainer(max_epochs=1).fit(Line(lr=0.1), points(2))
    assert capsys.readouterr().out.endswith("\repoch 1: val_loss 1.620  \n")


def test_gradients_are_clipped_to_a_joint_norm():
    model = nn.Linear(1, 2)
    model.weight.grad, model.bias.grad = torch.tensor([[3.0], [0.0]]), torch.tensor([0.0, 4.0])
    trainer = d2l.Trainer(max_epochs=1, gradient_clip_val=1)
    trainer.clip_gradients(10, model)
    assert model.weight.grad.tolist() == [[3], [0]]
    trainer.clip_gradients(1, model)
    assert model.weight.grad[0].item() == pytest.approx(0.6) and model.bias.grad[1].item() == pytest.approx(
        0.8
    )
    steep = Line(lr=1.0)
    trainer.fit(steep, points(1, validate=False))
    assert steep.net.weight.item() == pytest.approx(1, abs=1e-5)  # a gradient of −2, cut to −1


def test_what_a_subclass_has_to_define():
    model = d2l.Module()
    with pytest.raises(NotImplementedError, match="loss"):
        model.loss(None, None)
    with pytest.raises(NotImplementedError, match=r"self\.lr"):
        model.configure_optimizers()
    with pytest.raises(OneLayerError, match=r"self\.net"):
        model(torch.ones(1))
    with pytest.raises(OneLayerError, match="trainer"):
        model.plot("loss", torch.tensor(1.0), train=True)
    with pytest.raises(NotImplementedError, match="get_dataloader"):
        d2l.DataModule().train_dataloader()


def test_apply_init_gives_a_lazy_network_its_shape():
    model = d2l.SoftmaxRegression(num_outputs=3, lr=0.1)
    model.apply_init(
        [torch.ones(2, 1, 2, 2)], lambda m: type(m) is nn.Linear and nn.init.constant_(m.weight, 7)
    )
    assert model.net[1].weight.tolist() == [[7.0] * 4] * 3


def test_synthetic_regression_data():
    data = d2l.SyntheticRegressionData(w=torch.tensor([2, -3.4]), b=4.2, num_train=100, num_val=40)
    assert data.X.shape == (140, 2) and data.y.shape == (140, 1)
    noise = data.y - (2 * data.X[:, :1] - 3.4 * data.X[:, 1:] + 4.2)
    assert 0.005 < noise.std() < 0.015
    train, val = data.train_dataloader(), data.val_dataloader()
    assert isinstance(train, DataLoader) and (len(train), len(val)) == (4, 2)
    X, y = next(iter(train))
    assert X.shape == (32, 2) and y.shape == (32, 1)
    assert torch.equal(torch.cat([X for X, _ in val]), data.X[100:])  # in order
    seen = torch.cat([y for _, y in train])
    assert torch.equal(seen.sort(dim=0).values, data.y[:100].sort(dim=0).values) and not torch.equal(
        seen, data.y[:100]
    )


def test_sgd():
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    optimizer = d2l.SGD((p for p in [w]), lr=0.5)  # as from model.parameters()
    (w**2).sum().backward()
    with torch.no_grad():
        optimizer.step()
    assert w.tolist() == [0, 0]
    optimizer.zero_grad()
    assert w.grad.tolist() == [0, 0]
    with pytest.raises(OneLayerError, match="requires_grad"):
        d2l.SGD([torch.ones(1)], lr=0.5).step()


def test_linear_regression_from_scratch_and_concisely():
    torch.manual_seed(0)
    data = d2l.SyntheticRegressionData(w=torch.tensor([2, -3.4]), b=4.2)
    scratch, concise = d2l.LinearRegressionScratch(2, lr=0.03), d2l.LinearRegression(lr=0.03)
    for model in (scratch, concise):
        d2l.Trainer(max_epochs=3).fit(model, data)
    w, b = concise.get_w_b()
    assert w.shape == (1, 2) and torch.allclose(w[0], data.w, atol=0.02) and abs(b.item() - 4.2) < 0.02
    # Without the ½ the gradient is twice as large: half the learning rate gives the same steps.
    halved = d2l.LinearRegression(lr=0.015)
    halved(data.X)
    halved.net.load_state_dict({"weight": torch.zeros(1, 2), "bias": torch.zeros(1)})
    scratch = d2l.LinearRegressionScratch(2, lr=0.03, sigma=0)
    for model in (scratch, halved):
        torch.manual_seed(1)
        d2l.Trainer(max_epochs=1).fit(model, data)
    assert torch.allclose(scratch.w.T, halved.net.weight, atol=1e-5)
    assert torch.allclose(scratch.b, halved.net.bias, atol=1e-5)
    y_hat, y = torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [0.0]])
    assert scratch.loss(y_hat, y).item() == 2.5 and concise.loss(y_hat, y).item() == 5.0


def test_linear_regression_starts_small():
    torch.manual_seed(0)
    model = d2l.LinearRegression(lr=0.1)
    assert model(torch.ones(1, 10_000)).shape == (1, 1)
    w, b = model.get_w_b()
    assert b.item() == 0 and w.std().item() == pytest.approx(0.01, rel=0.05)
    assert d2l.LinearRegressionScratch(10_000, lr=0.1).w.std().item() == pytest.approx(0.01, rel=0.05)


# Classification, chapter 4


def test_fashion_mnist():
    data = d2l.FashionMNIST(batch_size=50, resize=(32, 32))
    assert len(data.train) == 60_000 and len(data.val) == 10_000
    assert data.train[0][0].shape == (1, 32, 32)
    assert data.text_labels([0, 9]) == ["t-shirt", "ankle boot"]
    batch = next(iter(data.val_dataloader()))
    assert batch[0].shape == (50, 1, 32, 32) and len(data.train_dataloader()) == 1200
    data.visualize(batch)
    assert [axes.get_title() for axes in plt.gcf().axes][:3] == ["ankle boot", "pullover", "trouser"]
    data.visualize(batch, 2, 2, labels=["a", "b", "c", "d"])
    assert [axes.get_title() for axes in plt.gcf().axes] == ["a", "b", "c", "d"]


def test_classifier_accuracy_and_loss():
    model = d2l.Classifier()
    logits, y = torch.tensor([[0.0, math.log(3)], [math.log(3), 0.0]]), torch.tensor([1, 1])
    assert model.accuracy(logits, y).item() == 0.5
    assert model.accuracy(logits, y, averaged=False).tolist() == [1, 0]
    each = [-math.log(3 / 4), -math.log(1 / 4)]
    assert model.loss(logits, y).item() == pytest.approx(sum(each) / 2)
    assert model.loss(logits, y, averaged=False).tolist() == pytest.approx(each)


def test_layer_summary(capsys):
    model = d2l.SoftmaxRegression(num_outputs=10, lr=0.1)
    model.layer_summary((1, 1, 28, 28))
    assert capsys.readouterr().out == (
        "Flatten output shape:\ttorch.Size([1, 784])\nLinear output shape:\ttorch.Size([1, 10])\n"
    )


class SoftmaxRegressionScratch(d2l.Classifier):
    """As section 4.4 has it written: parameters that are no module's."""

    def __init__(self, num_inputs, num_outputs, lr, sigma=0.01):
        super().__init__()
        self.save_hyperparameters()
        self.W = torch.normal(0, sigma, size=(num_inputs, num_outputs), requires_grad=True)
        self.b = torch.zeros(num_outputs, requires_grad=True)

    def parameters(self):
        return [self.W, self.b]

    def forward(self, X):
        return torch.softmax(X.reshape(-1, self.num_inputs) @ self.W + self.b, dim=1)

    def loss(self, y_hat, y):
        return -torch.log(y_hat[range(len(y_hat)), y]).mean()


@pytest.mark.parametrize("build", [d2l.SoftmaxRegression, lambda q, lr: SoftmaxRegressionScratch(784, q, lr)])
def test_softmax_regression_learns_fashion_mnist(build):
    torch.manual_seed(0)
    model = build(10, lr=0.1)
    d2l.Trainer(max_epochs=3).fit(model, d2l.FashionMNIST(batch_size=256))
    assert model.board.data["val_acc"][-1][1] > 0.78
    assert [len(points) for points in model.board.data.values()] == [6, 3, 3]
