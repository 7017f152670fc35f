"""Readers of minibatches: the right one, and those that make a typical mistake."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from onelayer.exercises.exercise import Function

Batch = tuple[Tensor, Tensor]


def read_in(order: Tensor, batch_size: int, features: Tensor, labels: Tensor) -> Iterator[Batch]:
    """Yield minibatches of the rows in this order."""
    for rows in order.split(batch_size):
        yield features[rows], labels[rows]


def data_iter(batch_size: int, features: Tensor, labels: Tensor) -> Iterator[Batch]:
    """Read as it should be."""
    return read_in(torch.randperm(len(features)), batch_size, features, labels)


def last_dropped(batch_size: int, features: Tensor, labels: Tensor) -> Iterator[Batch]:
    """Leave out the rows that do not fill a minibatch."""
    n = len(features) // batch_size * batch_size
    return read_in(torch.randperm(len(features))[:n], batch_size, features, labels) if n else iter(())


def not_shuffled(batch_size: int, features: Tensor, labels: Tensor) -> Iterator[Batch]:
    """Keep the order of the rows."""
    return read_in(torch.arange(len(features)), batch_size, features, labels)


def apart(batch_size: int, features: Tensor, labels: Tensor) -> Iterator[Batch]:
    """Put features and labels in orders of their own."""
    return data_iter(batch_size, features, labels[torch.randperm(len(labels))])


def drawn(batch_size: int, features: Tensor, labels: Tensor) -> Iterator[Batch]:
    """Draw each row anew."""
    n = len(features)
    return read_in(torch.randint(n, (n,)), batch_size, features, labels)


def same_order(batch_size: int, features: Tensor, labels: Tensor) -> Iterator[Batch]:
    """Take the same random order in every pass."""
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(1))
    return read_in(order, batch_size, features, labels)


def batches_shuffled(batch_size: int, features: Tensor, labels: Tensor) -> Iterator[Batch]:
    """Shuffle minibatches of neighbouring rows."""
    parts = torch.arange(len(features)).split(batch_size)
    for i in torch.randperm(len(parts)).tolist() if len(parts) > 1 else [0]:
        yield features[parts[i]], labels[parts[i]]


def input_shuffled(batch_size: int, features: Tensor, labels: Tensor) -> Iterator[Batch]:
    """Shuffle the data themselves."""
    order = torch.randperm(len(features))
    features[:], labels[:] = features[order], labels[order]
    return not_shuffled(batch_size, features, labels)


def first_returned(batch_size: int, features: Tensor, labels: Tensor) -> Batch:
    """Return the first minibatch."""
    return next(data_iter(batch_size, features, labels))


def nothing_yielded(batch_size: int, features: Tensor, labels: Tensor) -> None:
    """Make minibatches and keep them."""
    for _batch in data_iter(batch_size, features, labels):
        pass


def endless(batch_size: int, features: Tensor, labels: Tensor) -> Iterator[Batch]:
    """Begin again after each pass."""
    while True:
        yield from data_iter(batch_size, features, labels)


def sliced(
    start: Callable[[int], int], stop: Callable[[int, int], int], step: Callable[[int], int]
) -> Function:
    """Return a reader that takes rows ``start(i)`` to ``stop(i, batch_size)`` for each i in steps."""

    def read(batch_size: int, features: Tensor, labels: Tensor) -> Iterator[Batch]:
        order = torch.randperm(len(features))
        for i in range(0, len(features), step(batch_size)):
            rows = order[start(i) : stop(i, batch_size)]
            yield features[rows], labels[rows]

    return read


def filled_up(batch_size: int, features: Tensor, labels: Tensor) -> Iterator[Batch]:
    """Fill the last minibatch up with the first rows."""
    order = torch.randperm(len(features))
    for i in range(0, len(features), batch_size):
        rows = order[torch.arange(i, i + batch_size) % len(features)]
        yield features[rows], labels[rows]


def all_labels(batch_size: int, features: Tensor, labels: Tensor) -> Iterator[Batch]:
    """Give each minibatch all labels."""
    return ((X, labels) for X, _ in data_iter(batch_size, features, labels))
