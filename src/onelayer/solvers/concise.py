"""The concise way: any module, PyTorch's own losses and optimizer, as sections 3.3 and 3.7 of the book do it."""

import torch
from torch import Tensor, nn

from onelayer.solvers.batches import Batches
from onelayer.solvers.epoch import EpochScore


class HalfSquaredLoss(nn.Module):
    """½ Σ(ŷ − y)² over the outputs, averaged over the rows: nn.MSELoss lacks the ½ and averages outputs too."""

    def __init__(self) -> None:
        super().__init__()
        self.squares = nn.MSELoss(reduction="sum")

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of outputs and targets (n, q), a scalar."""
        total: Tensor = self.squares(outputs, targets)
        return total / (2 * len(targets))


def train_epoch(
    model: nn.Module,
    rows: Batches,
    order: Tensor,
    batch_size: int,
    lr: float,
    optimizer: torch.optim.Optimizer | None = None,
) -> EpochScore:
    """Train any module from features to outputs for one pass over ``rows``, by their loss, else as their task says.

    ``optimizer`` has the model's parameters; None for SGD. See ``onelayer.solvers.sgd.train_epoch`` for the others.
    """
    loss = rows.loss or (nn.CrossEntropyLoss() if rows.are_classes else HalfSquaredLoss())
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=lr)
    loss_sum, n_right = 0.0, 0.0
    for index in order.to(rows.X.device).split(batch_size):
        X, y = rows.batch(index)
        outputs = model(X)
        batch_loss = loss(outputs, y).mean()
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()
        loss_sum += batch_loss.item() * len(y)
        right = rows.right(outputs, y)
        n_right += right or 0
    n = len(order)
    return EpochScore(loss_sum / n, None if right is None else n_right / n)
