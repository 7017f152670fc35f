"""How large a learning rate may be: 2/λ_max of the loss's Hessian (section 3.1.1.4)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from onelayer.data.rows import Rows
from onelayer.solvers.batches import Batches, epoch_order
from onelayer.solvers.curvature import SAMPLE, stable_lr


def largest_stable_lr(model: nn.Module, rows: Rows | Batches, sample: int = SAMPLE, seed: int = 0) -> float:
    """Return 2/λ_max of the Hessian of the mean loss at the model's weights.

    On a quadratic with largest curvature λ_max, gradient descent with rate η multiplies the error along that
    direction by 1 − ηλ_max in each step: it converges exactly when η < 2/λ_max. For linear regression that holds
    everywhere. For other losses it holds near the given weights; at the start is where softmax regression,
    with all its probabilities even, is most sensitive to the common direction of the features. Small batches
    see larger curvatures now and then and want a smaller rate.

    λ_max comes from the power method on Hessian-vector products, over at most ``sample`` rows.
    Their weights multiply their losses.
    """
    n = len(rows)
    batches = Batches.like(model, rows)
    chosen = (epoch_order(n, seed, 0)[:sample] if n > sample else torch.arange(n)).to(batches.X.device)
    X, y = batches.batch(chosen)
    c = None if batches.c is None else batches.c[chosen]
    parameters = [p for p in model.parameters() if p.requires_grad]
    with torch.enable_grad():
        gradient = torch.autograd.grad(
            batches.mean_loss(model(X), y, c), parameters, create_graph=True, materialize_grads=True
        )
        generator = torch.Generator().manual_seed(seed)
        start = _flat([torch.randn(p.shape, generator=generator).to(p) for p in parameters])

        def times(vector: Tensor) -> Tensor:
            parts = vector.split([p.numel() for p in parameters])
            shaped = [part.view(p.shape) for part, p in zip(parts, parameters, strict=True)]
            return _flat(
                torch.autograd.grad(gradient, parameters, shaped, retain_graph=True, materialize_grads=True)
            )

        return stable_lr(times, start, lambda vector: float(vector.norm()))


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])
