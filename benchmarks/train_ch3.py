"""Softmax regression as section 3.7 trains it, 10 epochs: the book's loop and loader against ``d2l.train_ch3``.

    python benchmarks/train_ch3.py

Both see the same batches, and must have the same loss after each epoch. The book's loop draws nothing here.
"""

import warnings
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from _book import WORKERS, book_loader, book_pass, right
from onelayer import Timer, d2l, fashion_mnist

EPOCHS, BATCH_SIZE, LR = 10, 256, 0.1
Batches = Iterable[tuple[Tensor, Tensor]]


def network() -> nn.Module:
    """Return the network of section 3.7.1, the same at each call."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    nn.init.normal_(net[1].weight, std=0.01)
    return net


def book_epoch(
    net: nn.Module, train: Batches, test: Batches, trainer: torch.optim.SGD
) -> tuple[float, float]:
    """Train for an epoch, with running loss and accuracy, and return training loss and test accuracy."""
    net.train()
    loss = book_pass(net, train, trainer)
    net.eval()
    with torch.no_grad():
        scores = [(right(net(X), y), len(y)) for X, y in test]
    return loss, sum(c for c, _ in scores) / sum(size for _, size in scores)


def main() -> None:
    warnings.filterwarnings(
        "ignore", message="This DataLoader will create"
    )  # 4 workers are the book's choice
    data = fashion_mnist()
    assert data.test is not None
    train_iter, test_iter = d2l.load_data_fashion_mnist(BATCH_SIZE)
    for _ in train_iter:  # reads the file for the first time, which is not measured
        continue

    net = network()
    trainer = torch.optim.SGD(net.parameters(), lr=LR)
    book_train, book_test = (
        book_loader(rows, BATCH_SIZE, shuffle) for rows, shuffle in ((data.train, True), (data.test, False))
    )
    timer = Timer()
    book = [book_epoch(net, book_train, book_test, trainer) for _ in range(EPOCHS)]
    book_seconds = timer.stop()

    net = network()
    trainer = torch.optim.SGD(net.parameters(), lr=LR)
    animators: list[d2l.Animator] = []
    d2l.chapter3.Animator = lambda **how: animators.append(d2l.Animator(**how)) or animators[-1]
    timer.start()
    d2l.train_ch3(net, train_iter, test_iter, nn.CrossEntropyLoss(reduction="none"), EPOCHS, trainer)
    our_seconds = timer.stop()

    losses, _, test_accuracies = animators[0].Y
    print("epoch   loss: book  onelayer   test accuracy: book  onelayer")
    for epoch, (pair, loss, accuracy) in enumerate(zip(book, losses, test_accuracies, strict=True), 1):
        print(f"{epoch:5}{pair[0]:13.5f}{loss:10.5f}{pair[1]:21.4f}{accuracy:10.4f}")
        assert abs(pair[0] - loss) < 1e-4
    print(f"the book's loop over a DataLoader with {WORKERS} workers: {book_seconds:.2f} s")
    print(f"d2l.train_ch3: {our_seconds:.2f} s, {book_seconds / our_seconds:.1f} times faster")


if __name__ == "__main__":
    main()
