"""The book's way to read Fashion-MNIST and to train on it, for the benchmarks to compare with."""

from collections.abc import Iterable

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from onelayer.data import Rows

WORKERS = 4  # section 3.5.2


class ThroughPil(Dataset[tuple[Tensor, int]]):
    """Images one by one, as torchvision gives them: bytes → PIL image → float tensor (1, 28, 28) in [0, 1]."""

    def __init__(self, rows: Rows) -> None:
        self.pixels, self.labels = rows.X.reshape(-1, 28, 28), rows.y

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        image = Image.fromarray(self.pixels[i], mode="L")
        return torch.from_numpy(np.array(image)).unsqueeze(0).float().div(255), int(self.labels[i])


def book_loader(rows: Rows, batch_size: int, shuffle: bool) -> DataLoader[tuple[Tensor, int]]:
    """Return the loader of section 3.5.3."""
    return DataLoader(ThroughPil(rows), batch_size, shuffle=shuffle, num_workers=WORKERS)


def right(outputs: Tensor, y: Tensor) -> float:
    """Return how many predictions are right."""
    return float((outputs.argmax(dim=1) == y).sum())


def book_pass(net: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], trainer: torch.optim.SGD) -> float:
    """Train for an epoch as sections 3.5 to 3.7 write it, with running loss and accuracy; return the mean loss."""
    loss = nn.CrossEntropyLoss(reduction="none")
    loss_sum, correct, n = 0.0, 0.0, 0
    for X, y in batches:
        outputs = net(X)
        losses = loss(outputs, y)
        trainer.zero_grad()
        losses.mean().backward()
        trainer.step()
        loss_sum += float(losses.detach().sum())
        correct += right(outputs, y)
        n += y.numel()
    return loss_sum / n
