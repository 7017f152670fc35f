"""Training any network by any loss, optimizer and schedule: as PyTorch's own loop does it, and resumed to the bit."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from onelayer import DivergenceError, OneLayerError, evaluate, fashion_mnist, fit, synthetic
from onelayer.data import Rows
from onelayer.solvers.batches import epoch_order

SMALL = fashion_mnist().train.take(slice(512))
IMAGES = TensorDataset(torch.from_numpy(SMALL.X).view(-1, 1, 28, 28), torch.from_numpy(SMALL.y))


def cosine(done):
    return (1 + math.cos(math.pi * done)) / 2


class Noisy(nn.Module):
    """A small network that draws while it learns, and keeps statistics beside its parameters."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.layers = nn.Sequential(
                nn.Conv2d(1, 4, 3, 2),
                nn.BatchNorm2d(4),
                nn.ReLU(),
                nn.Dropout(0.2),
                nn.Flatten(),
                nn.Linear(676, 10),
            )

    def forward(self, X):
        return self.layers(X / 255)


def state(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


def test_it_is_the_loop_that_pytorch_users_write():
    """The same batches, optimizer and schedule, step by step."""
    found, expected = (nn.Linear(2, 1) for _ in range(2))
    expected.load_state_dict(found.state_dict())
    rows = synthetic(n=300).train
    fit(
        found,
        rows,
        loss=nn.HuberLoss(),
        optimizer=torch.optim.Adam,
        schedule=cosine,
        lr=0.05,
        batch_size=64,
        epochs=3,
    )

    X, y = (torch.from_numpy(values).float() for values in (rows.X, rows.y))
    optimizer = torch.optim.Adam(expected.parameters(), lr=0.05)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: cosine(step / 15))
    for epoch in (1, 2, 3):
        for index in epoch_order(300, 0, epoch).split(64):
            optimizer.zero_grad()
            nn.HuberLoss()(expected(X[index]), y[index]).backward()
            optimizer.step()
            scheduler.step()
    assert same(found.state_dict(), expected.state_dict())


def test_the_mean_absolute_error_is_least_at_the_median():
    numbers = torch.tensor([0.0, 1, 2, 10, 100])
    model = nn.Linear(1, 1)
    data = TensorDataset(torch.zeros(5, 1), numbers[:, None])
    fit(model, data, loss=nn.L1Loss(), schedule=lambda done: 1 - done, lr=2, batch_size=5, epochs=2000)
    assert model.bias.item() == pytest.approx(2, abs=1e-2)


def test_a_loss_of_each_row_counts_by_its_mean():
    models = [nn.Linear(2, 1) for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    for model, reduction in zip(models, ("mean", "none"), strict=True):
        fit(model, synthetic(n=100).train, loss=nn.MSELoss(reduction=reduction), epochs=2, lr=0.02)
    assert same(models[0].state_dict(), models[1].state_dict())


def test_a_class_for_each_pixel():
    """A 1×1 convolution is softmax regression on the pixels, each of which is a row."""
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(6, 3, 4, 5, generator=generator, dtype=torch.float64)
    y = torch.randint(0, 4, (6, 4, 5), generator=generator, dtype=torch.uint8)
    convolution, linear = nn.Conv2d(3, 4, 1).double(), nn.Linear(3, 4).double()
    linear.load_state_dict(
        {name: tensor.view(4, -1).squeeze() for name, tensor in convolution.state_dict().items()}
    )
    found = fit(convolution, TensorDataset(X, y), TensorDataset(X, y), batch_size=6, lr=0.5)
    pixels = Rows(X.movedim(1, -1).reshape(-1, 3).numpy(), y.flatten().numpy())
    expected = fit(linear, pixels, pixels, batch_size=len(pixels), lr=0.5)
    assert torch.allclose(convolution.weight.view(4, 3), linear.weight, rtol=0, atol=1e-12)
    for a, b in zip(found.epochs, expected.epochs, strict=True):
        assert a.train_loss == pytest.approx(b.train_loss, rel=1e-12)
        assert a.train_accuracy == pytest.approx(b.train_accuracy, rel=1e-12)
        assert a.held_out_accuracy == pytest.approx(b.held_out_accuracy, rel=1e-12)


def test_images_as_numbers_to_predict():
    """What a model that copies its input costs is 0, and ½ Σ(ŷ − y)² of a row otherwise."""
    X = torch.rand(8, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    model = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.ones_(model.weight)
    assert evaluate(model, TensorDataset(X, X)) == (0, None)
    assert evaluate(model, TensorDataset(X, X + 1)).loss == pytest.approx(9 / 2, rel=1e-6)


def test_bytes_reach_the_model_as_they_are_and_words_as_numbers_of_rows():
    class Seen(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1, 2))

        def forward(self, X):
            self.last = X
            return X.float() * self.scale

    for dtype, expected in (
        (torch.uint8, torch.float32),
        (torch.int64, torch.int64),
        (torch.float64, torch.float32),
    ):
        model = Seen()
        evaluate(model, TensorDataset(torch.tensor([[0, 255]]).to(dtype), torch.tensor([1])))
        assert model.last.dtype == expected and model.last.tolist() == [[0, 255]]


@pytest.mark.parametrize(
    "optimizer", [torch.optim.Adam, partial(torch.optim.SGD, momentum=0.9), torch.optim.RMSprop, None]
)
def test_a_resumed_run_ends_with_the_same_bits(optimizer, tmp_path):
    how = {"optimizer": optimizer, "schedule": cosine, "lr": 0.01, "batch_size": 100, "epochs": 4}
    whole, parts = Noisy(), Noisy()
    expected = fit(whole, IMAGES, IMAGES, **how)

    def stop(history):
        if len(history.epochs) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(parts, IMAGES, IMAGES, **how, checkpoint=tmp_path / "state", on_epoch=stop)
    resumed = Noisy()
    found = fit(resumed, IMAGES, IMAGES, **how, checkpoint=tmp_path / "state", resume=True)
    assert same(state(whole), state(resumed))
    assert [r.held_out_loss for r in found.epochs] == [r.held_out_loss for r in expected.epochs]
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    again = Noisy()
    assert fit(again, IMAGES, IMAGES, **how, checkpoint=tmp_path / "state", resume=True) == found
    assert same(state(whole), state(again))


def test_draws_are_of_the_seed_and_leave_the_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    runs = [Noisy() for _ in range(3)]
    for model, seed in zip(runs, (0, 0, 1), strict=True):
        fit(model, IMAGES, epochs=1, seed=seed)
    assert torch.equal(torch.rand(3), expected)
    assert same(state(runs[0]), state(runs[1])) and not same(state(runs[0]), state(runs[2]))


def test_another_run_is_not_gone_on_with(tmp_path):
    how = {"checkpoint": tmp_path / "state", "epochs": 2}
    fit(Noisy(), IMAGES, optimizer=torch.optim.Adam, **how)
    for changed, message in (
        ({"optimizer": torch.optim.RMSprop}, "a run with optimizer Adam, not RMSprop"),
        (
            {"optimizer": torch.optim.Adam, "loss": nn.CrossEntropyLoss()},
            r"a run with loss , not CrossEntropyLoss",
        ),
        ({"optimizer": torch.optim.Adam, "lr": 0.2}, "a run with lr 0.1, not 0.2"),
    ):
        with pytest.raises(OneLayerError, match=message):
            fit(Noisy(), IMAGES, **changed, **how, resume=True)
    other = TensorDataset(IMAGES.tensors[0].flip(0), IMAGES.tensors[1])
    with pytest.raises(OneLayerError, match="on other data"):
        fit(Noisy(), other, optimizer=torch.optim.Adam, **how, resume=True)


def test_divergence_takes_its_checkpoint_away(tmp_path):
    model = nn.Linear(2, 1)
    before = state(model)
    with pytest.raises(
        DivergenceError, match=r"diverged in epoch \d .* try a smaller one, such as 1e\+28"
    ) as error:
        fit(model, synthetic(n=100).train, optimizer=torch.optim.Adam, lr=1e29, checkpoint=tmp_path / "state")
    assert (
        error.value.largest_stable_lr is None and same(before, state(model)) and not list(tmp_path.iterdir())
    )


X, LABELS = torch.rand(4, 3), torch.tensor([0, 1, 2, 1])


@pytest.mark.parametrize(
    ("data", "given", "message"),
    [
        (
            TensorDataset(X, torch.tensor([0, 1, 2, 7])),
            {},
            "3 outputs, but there is a label 7, first in row 4",
        ),
        (TensorDataset(X, -LABELS), {}, "3 outputs, but there is a label -1, first in row 2"),
        (TensorDataset(X, torch.rand(4, 2)), {}, "the model has 3 outputs, but the rows have 2 targets"),
        (TensorDataset(X), {}, "two tensors, features and targets, not 1"),
        (TensorDataset(X * math.inf, LABELS), {}, r"feature \[0, 0\] is not finite"),
        (TensorDataset(X[:0], LABELS[:0]), {}, "no rows to train on"),
        (
            TensorDataset(X, LABELS),
            {"way": "fused"},
            "only the concise way trains on a TensorDataset, not fused",
        ),
        (TensorDataset(X, LABELS), {"resume": True}, "resume needs the checkpoint"),
        (TensorDataset(X, LABELS), {"optimizer": lambda p, lr: None}, "must make a torch.optim.Optimizer"),
        (
            Rows(X, LABELS),
            {"way": "scratch", "loss": nn.CrossEntropyLoss()},
            "only the concise way trains by another",
        ),
        (
            Rows(X, LABELS, c=np.ones(4)),
            {"optimizer": torch.optim.Adam},
            "only the fused way heeds the weights",
        ),
    ],
)
def test_what_cannot_be_trained_is_said(data, given, message):
    with pytest.raises(OneLayerError, match=message):
        fit(nn.Linear(3, 3), data, **given)


def test_nothing_to_learn():
    with pytest.raises(OneLayerError, match="Flatten has no parameters to learn"):
        fit(nn.Flatten(), TensorDataset(X, LABELS))


def test_numbers_that_numpy_lacks_need_a_checkpoint_alone():
    net = nn.Linear(2, 2).to(torch.bfloat16)
    rows = TensorDataset(torch.randn(64, 2, generator=torch.Generator().manual_seed(0)), torch.arange(64) % 2)
    before = net.weight.clone()
    assert math.isfinite(fit(net, rows, epochs=2).epochs[-1].train_loss)
    assert not torch.equal(net.weight, before)
