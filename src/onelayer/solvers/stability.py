"""How large a learning rate may be: 2/λ_max of the loss's Hessian (section 3.1.1.4)."""

import torch
from torch import Tensor, nn

from onelayer.data import Rows, epoch_order
from onelayer.functional import mean_loss

MAX_ITERATIONS = 100
TOLERANCE = 1e-4

# Steps that are short enough never leave the loss above its start. Steps that are too long make a quadratic loss grow
# without end, and softmax's, whose gradient is bounded, settle at a height in proportion to the learning rate: on
# Fashion-MNIST at twice the start when η is some seven times 2/λ_max. A whole epoch at twice the loss of the untrained
# model is beyond what the noise of minibatches does, and nothing is being learned.
DIVERGED = 2.0


def largest_stable_lr(
    model: nn.Module, rows: Rows, sample: int = 4096, seed: int = 0, row_weights: Tensor | None = None
) -> float:
    """Return 2/λ_max of the Hessian of the mean loss at the model's weights.

    On a quadratic with largest curvature λ_max, gradient descent with rate η multiplies the error along that
    direction by 1 − ηλ_max in each step: it converges exactly when η < 2/λ_max. For linear regression that holds
    everywhere. For other losses it holds near the given weights; at the start is where softmax regression,
    with all its probabilities even, is most sensitive to the common direction of the features. Small batches
    see larger curvatures now and then and want a smaller rate.

    λ_max comes from the power method on Hessian-vector products, over at most ``sample`` rows. Row weights (n,)
    multiply the losses of the rows.
    """
    n = len(rows)
    chosen = (epoch_order(n, seed, 0)[:sample] if n > sample else torch.arange(n)).to(rows.X.device)
    X, y = rows.batch(chosen)
    weights = None if row_weights is None else row_weights[chosen]
    parameters = [p for p in model.parameters() if p.requires_grad]
    with torch.enable_grad():
        gradient = torch.autograd.grad(
            mean_loss(model(X), y, weights), parameters, create_graph=True, materialize_grads=True
        )
        generator = torch.Generator().manual_seed(seed)
        product = tuple(torch.randn(p.shape, generator=generator).to(p) for p in parameters)
        curvature = 0.0
        for _ in range(MAX_ITERATIONS):
            norm = _norm(product)
            if norm == 0:
                return float("inf")
            vector = [p / norm for p in product]
            product = torch.autograd.grad(
                gradient, parameters, vector, retain_graph=True, materialize_grads=True
            )
            previous, curvature = curvature, _norm(product)
            if abs(curvature - previous) <= TOLERANCE * curvature:
                break
    return 2 / curvature if curvature > 0 else float("inf")


def _norm(tensors: tuple[Tensor, ...]) -> float:
    return float(torch.cat([t.flatten() for t in tensors]).norm())
