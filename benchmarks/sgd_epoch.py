"""An epoch of softmax regression on Fashion-MNIST: the book's own path against the three ways.

    python benchmarks/sgd_epoch.py

The book reads each image through PIL into a tensor (torchvision's ``FashionMNIST`` with ``ToTensor``) in a
DataLoader with 4 workers and trains ``nn.Linear`` with autograd and ``optim.SGD``. All four see identical batches and
must end with the same weights.
"""

import copy
import warnings
from statistics import median

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from _book import WORKERS, ThroughPil, book_pass
from onelayer import Timer, fashion_mnist, softmax_regression
from onelayer.data import Rows
from onelayer.solvers.batches import Batches, epoch_order
from onelayer.training import WAYS

ROUNDS = 5
BATCH_SIZE, LR = 256, 0.1


def book_epoch(model: nn.Linear, rows: Rows, order: Tensor, batch_size: int, lr: float) -> None:
    """One epoch as sections 3.5 to 3.7 write it, with its running loss and accuracy."""
    loader = DataLoader(ThroughPil(rows), batch_size, sampler=order.tolist(), num_workers=WORKERS)
    net = nn.Sequential(nn.Flatten(), model)
    book_pass(net, loader, torch.optim.SGD(net.parameters(), lr=lr))


def sgemm_rate() -> float:
    """Return how many floating-point operations a second a large matrix product reaches."""
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    a @ b
    timer = Timer()
    for _ in range(10):
        a @ b
    return 10 * 2 * 2048**3 / timer.stop()


def main() -> None:
    warnings.filterwarnings(
        "ignore", message="This DataLoader will create"
    )  # 4 workers are the book's choice
    data = fashion_mnist().train
    batches = Batches.of(data)
    paths = {"book": book_epoch, **WAYS}
    models = {name: softmax_regression(784, 10) for name in paths}
    timers: dict[str, list[float]] = {name: [] for name in paths}
    rates = []
    for epoch in range(1, ROUNDS + 1):
        order = epoch_order(len(data), 0, epoch)
        for name, train_epoch in paths.items():
            rows = data if name == "book" else batches
            start = copy.deepcopy(models[name].state_dict())
            train_epoch(models[name], rows, order, BATCH_SIZE, LR)  # warms up after another path's threads
            models[name].load_state_dict(start)
            timer = Timer()
            train_epoch(models[name], rows, order, BATCH_SIZE, LR)
            timers[name].append(timer.stop())
        rates.append(sgemm_rate())
    for name, model in models.items():
        distance = (model.weight - models["book"].weight).abs().max().item()
        assert distance < 1e-4, f"{name} differs from the book by {distance}"

    rate = median(rates)
    operations = 2 * 2 * 60_000 * 785 * 10  # two products a batch
    print(f"{torch.get_num_threads()} threads, sgemm {rate / 1e9:.0f} GFLOP/s, medians of {ROUNDS} epochs")
    print(f"{'':10}{'seconds':>10}{'times faster':>14}{'share of sgemm':>16}")
    for name, seconds in timers.items():
        ratio = median(book / own for book, own in zip(timers["book"], seconds, strict=True))
        share = operations / median(seconds) / rate
        print(f"{name:10}{median(seconds):10.4f}{ratio:14.1f}{share:16.1%}")


if __name__ == "__main__":
    main()
