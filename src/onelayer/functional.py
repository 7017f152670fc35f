"""The losses of one-layer networks, each with its closed-form gradient beside it.

Everything works on tensors of any float type and device and can be differentiated by autograd, so each
formula can be checked against it. Sections are those of *Dive into Deep Learning*, chapter 3.
"""

import math
from typing import Literal

import torch
from torch import Tensor

from onelayer.errors import OneLayerError

Reduction = Literal["none", "mean", "sum"]


def reduce(values: Tensor, reduction: Reduction) -> Tensor:
    """Return per-example losses as they are, their mean, or their sum.

    Raises:
        OneLayerError: if ``reduction`` is not one of the three.

    Example:
        >>> import torch
        >>> from onelayer.functional import reduce
        >>> reduce(torch.tensor([1.0, 2.0, 6.0]), "mean")
        tensor(3.)
    """
    if reduction == "none":
        return values
    if reduction == "mean":
        return values.mean()
    if reduction == "sum":
        return values.sum()
    raise OneLayerError(f"reduction must be 'none', 'mean' or 'sum', not {reduction!r}")


# Classification (section 3.4)


def one_hot(labels: Tensor, n_classes: int) -> Tensor:
    """Return labels (n,) as rows (n, q) with a single 1, at the label.

    Raises:
        OneLayerError: if a label is not in 0 … n_classes − 1.

    Example:
        >>> import torch
        >>> from onelayer.functional import one_hot
        >>> one_hot(torch.tensor([0, 2]), 3)
        tensor([[1., 0., 0.],
                [0., 0., 1.]])
    """
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < n_classes:
        raise OneLayerError(f"labels must be 0 to {n_classes - 1}")
    return torch.eye(n_classes, device=labels.device)[labels]


def log_sum_exp(logits: Tensor) -> Tensor:
    """Return log Σⱼ exp(oⱼ) of each row: (n, q) to (n, 1).

    The largest logit is taken out first, so exp never overflows (section 3.7.2).

    Example:
        >>> import torch
        >>> from onelayer.functional import log_sum_exp
        >>> log_sum_exp(torch.tensor([[1000.0, 1000.0]]))
        tensor([[1000.6932]])
    """
    largest = logits.amax(dim=-1, keepdim=True)
    return largest + (logits - largest).exp().sum(dim=-1, keepdim=True).log()


def softmax(logits: Tensor) -> Tensor:
    """Return exp(oⱼ) / Σₖ exp(oₖ) of each row: (n, q) to (n, q) (section 3.4.4).

    Example:
        >>> import torch
        >>> from onelayer.functional import softmax
        >>> softmax(torch.tensor([[0.0, 1.0, 2.0]]))
        tensor([[0.0900, 0.2447, 0.6652]])
    """
    return (logits - log_sum_exp(logits)).exp()


def cross_entropy(logits: Tensor, labels: Tensor, reduction: Reduction = "mean") -> Tensor:
    """Return −log ŷ of the true class, from logits (n, q) and labels (n,) (section 3.4.6).

    With one-hot targets only the true class's term of −Σⱼ yⱼ log ŷⱼ survives. It is computed as
    log Σ exp(o) − o_true: the probability itself, which can underflow to 0, is never formed.

    Example:
        >>> import torch
        >>> from onelayer.functional import cross_entropy
        >>> cross_entropy(torch.tensor([[0.0, 0.0], [0.0, 3.0]]), torch.tensor([0, 1]), "none")
        tensor([0.6931, 0.0486])
    """
    of_true_class = logits.gather(-1, labels.unsqueeze(-1))
    return reduce((log_sum_exp(logits) - of_true_class).squeeze(-1), reduction)


def cross_entropy_gradient(logits: Tensor, labels: Tensor) -> Tensor:
    """Return ∂l/∂o = softmax(o) − one_hot(y) of each example, (n, q) (section 3.4.6.2).

    Example:
        >>> import torch
        >>> from onelayer.functional import cross_entropy_gradient
        >>> cross_entropy_gradient(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
        tensor([[ 0.5000, -0.5000]])
    """
    return softmax(logits) - one_hot(labels, logits.shape[-1]).to(logits.dtype)


def cross_entropy_hessian(logits: Tensor) -> Tensor:
    """Return ∂²l/∂o² = diag(p) − ppᵀ of each example, (n, q, q), where p = softmax(o).

    Example:
        >>> import torch
        >>> from onelayer.functional import cross_entropy_hessian
        >>> cross_entropy_hessian(torch.tensor([[0.0, 0.0]]))
        tensor([[[ 0.2500, -0.2500],
                 [-0.2500,  0.2500]]])
    """
    probabilities = softmax(logits)
    return torch.diag_embed(probabilities) - probabilities.unsqueeze(-1) * probabilities.unsqueeze(-2)


# Regression (section 3.1)


def squared_loss(prediction: Tensor, target: Tensor, reduction: Reduction = "none") -> Tensor:
    """Return ½(ŷ − y)² elementwise; both have one shape (section 3.1.1.2).

    Raises:
        OneLayerError: if the shapes differ; broadcasting (n, 1) against (n,) would give (n, n).

    Example:
        >>> import torch
        >>> from onelayer.functional import squared_loss
        >>> squared_loss(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 2.0]))
        tensor([0.5000, 4.5000])
    """
    return reduce(_residual(prediction, target) ** 2 / 2, reduction)


def squared_loss_gradient(prediction: Tensor, target: Tensor) -> Tensor:
    """Return ∂l/∂ŷ = ŷ − y elementwise.

    Example:
        >>> import torch
        >>> from onelayer.functional import squared_loss_gradient
        >>> squared_loss_gradient(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 2.0]))
        tensor([-1.,  3.])
    """
    return _residual(prediction, target)


def absolute_loss(prediction: Tensor, target: Tensor, reduction: Reduction = "none") -> Tensor:
    """Return abs(ŷ − y) elementwise: less moved by outliers than squares.

    Raises:
        OneLayerError: if the shapes differ.

    Example:
        >>> import torch
        >>> from onelayer.functional import absolute_loss
        >>> absolute_loss(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 2.0]), "sum")
        tensor(4.)
    """
    return reduce(_residual(prediction, target).abs(), reduction)


def absolute_loss_gradient(prediction: Tensor, target: Tensor) -> Tensor:
    """Return ∂l/∂ŷ = sign(ŷ − y) elementwise, and 0 where they are equal.

    Example:
        >>> import torch
        >>> from onelayer.functional import absolute_loss_gradient
        >>> absolute_loss_gradient(torch.tensor([1.0, 2.0, 5.0]), torch.tensor([2.0, 2.0, 2.0]))
        tensor([-1.,  0.,  1.])
    """
    return _residual(prediction, target).sign()


def huber_loss(
    prediction: Tensor, target: Tensor, delta: float = 1.0, reduction: Reduction = "none"
) -> Tensor:
    """Return ½r² where abs(r) ≤ δ and δ(abs(r) − ½δ) beyond, r = ŷ − y, elementwise (Huber 1964).

    Raises:
        OneLayerError: if the shapes differ.

    Example:
        >>> import torch
        >>> from onelayer.functional import huber_loss
        >>> huber_loss(torch.tensor([2.5, 5.0]), torch.tensor([2.0, 2.0]), delta=1.0)
        tensor([0.1250, 2.5000])
    """
    distance = _residual(prediction, target).abs()
    near = distance.clamp(max=delta)
    return reduce(near * (distance - near / 2), reduction)


def huber_loss_gradient(prediction: Tensor, target: Tensor, delta: float = 1.0) -> Tensor:
    """Return ∂l/∂ŷ: the residual ŷ − y, cut to [−δ, δ].

    Example:
        >>> import torch
        >>> from onelayer.functional import huber_loss_gradient
        >>> huber_loss_gradient(torch.tensor([2.5, 5.0]), torch.tensor([2.0, 2.0]), delta=1.0)
        tensor([0.5000, 1.0000])
    """
    return _residual(prediction, target).clamp(-delta, delta)


def _residual(prediction: Tensor, target: Tensor) -> Tensor:
    if prediction.shape != target.shape:
        raise OneLayerError(
            f"prediction {tuple(prediction.shape)} and target {tuple(target.shape)} must have "
            "one shape; reshape one of them"
        )
    return prediction - target


# The normal distribution (section 3.1.3)


def normal_density(x: Tensor, mean: float = 0.0, std: float = 1.0) -> Tensor:
    """Return the density of N(μ, σ²) at each x.

    Raises:
        OneLayerError: if ``std`` is not positive.

    Example:
        >>> import torch
        >>> from onelayer.functional import normal_density
        >>> normal_density(torch.tensor([0.0, 1.0]))
        tensor([0.3989, 0.2420])
    """
    return _normal_log_density(x, mean, std).exp()


def normal_log_likelihood(prediction: Tensor, target: Tensor, std: float) -> Tensor:
    """Return Σᵢ log p(yᵢ | xᵢ) under y = ŷ + ε with ε ~ N(0, σ²), a scalar.

    Its only term that depends on the model is −Σ½(ŷ − y)²/σ², so least squares is maximum likelihood.

    Raises:
        OneLayerError: if the shapes differ or ``std`` is not positive.

    Example:
        >>> import torch
        >>> from onelayer.functional import normal_log_likelihood
        >>> normal_log_likelihood(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 3.0]), std=1.0)
        tensor(-2.3379)
    """
    return _normal_log_density(_residual(prediction, target), 0.0, std).sum()


def _normal_log_density(x: Tensor, mean: float, std: float) -> Tensor:
    if not std > 0:
        raise OneLayerError(f"std must be positive, not {std}")
    return -(((x - mean) / std) ** 2) / 2 - math.log(std * math.sqrt(2 * math.pi))
