"""The networks: linear and softmax regression, PHM (a cheaper affine layer), and an MLP to compare with.

Each is a plain ``torch.nn.Module`` from features (n, d) to outputs (n, q). A one-layer network's parameters are
``weight`` (q, d) and ``bias`` (q,). Softmax regression returns logits: the loss applies softmax, stably.
Weights start as N(0, 0.01²) and biases at 0, as in the book, from a seed.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own idiom)

from onelayer.errors import OneLayerError

INITIAL_STD = 0.01


def linear_regression(d: int, q: int = 1, seed: int = 0) -> nn.Linear:
    """Return ŷ = XWᵀ + b from (n, d) to (n, q) (sections 3.1 to 3.3).

    Example:
        >>> from onelayer import linear_regression
        >>> linear_regression(d=2, q=1)
        Linear(in_features=2, out_features=1, bias=True)
    """
    return _affine(d, q, torch.Generator().manual_seed(seed))


def softmax_regression(d: int, q: int, seed: int = 0) -> nn.Linear:
    """Return the logits O = XWᵀ + b from (n, d) to (n, q) (sections 3.4 to 3.7).

    Example:
        >>> from onelayer import softmax_regression
        >>> softmax_regression(d=784, q=10)
        Linear(in_features=784, out_features=10, bias=True)
    """
    return _affine(d, q, torch.Generator().manual_seed(seed))


def mlp(d: int, hidden: int, q: int, seed: int = 0) -> "MLP":
    """Return a network with one hidden layer of ``hidden`` units with ReLU (chapter 4).

    Example:
        >>> from onelayer import mlp
        >>> from onelayer.models import parameter_count
        >>> parameter_count(mlp(d=784, q=10, hidden=256))
        203530
    """
    return MLP(d, hidden, q, torch.Generator().manual_seed(seed))


def phm(d: int, q: int, n: int, seed: int = 0) -> "PHMLinear":
    """Return a one-layer network whose weight is a sum of n Kronecker products (section 3.4.3).

    Example:
        >>> from onelayer import phm
        >>> from onelayer.models import parameter_count
        >>> parameter_count(phm(d=784, q=10, n=2))
        3938
    """
    return PHMLinear(d, q, n, torch.Generator().manual_seed(seed))


def parameter_count(model: nn.Module) -> int:
    """Return how many numbers the model learns.

    Example:
        >>> from onelayer import softmax_regression
        >>> from onelayer.models import parameter_count
        >>> parameter_count(softmax_regression(d=784, q=10))
        7850
    """
    return sum(parameter.numel() for parameter in model.parameters())


class MLP(nn.Module):
    """Two fully connected layers with max(0, ·) between them.

    Example:
        >>> import torch
        >>> from onelayer.models import MLP
        >>> network = MLP(d=3, hidden=4, q=2, generator=torch.Generator().manual_seed(0))
        >>> network(torch.ones(5, 3)).shape
        torch.Size([5, 2])
    """

    def __init__(self, d: int, hidden: int, q: int, generator: torch.Generator) -> None:
        super().__init__()
        self.fc1 = _affine(d, hidden, generator)
        self.relu = nn.ReLU()
        self.fc2 = _affine(hidden, q, generator)

    def forward(self, X: Tensor) -> Tensor:
        """Map features (n, d) to outputs (n, q)."""
        outputs: Tensor = self.fc2(self.relu(self.fc1(X)))
        return outputs


class PHMLinear(nn.Module):
    """A parameterized hypercomplex multiplication layer: d → q for O(dq/n) parameters.

    weight = Σᵢ Aᵢ ⊗ Sᵢ over i = 1 … n, with Aᵢ (n, n) and Sᵢ (⌈q/n⌉, ⌈d/n⌉), all learned: n³ + ndq/n² numbers
    in place of dq. Where n does not divide d or q, the rows and columns left over are dropped.
    At the start Aᵢ shifts cyclically by i, so that each block of the weight is one of the Sᵢ.

    Source: Zhang et al., Beyond Fully-Connected Layers with Quaternions, ICLR 2021.

    Example:
        >>> import torch
        >>> from onelayer import PHMLinear
        >>> layer = PHMLinear(d=8, q=4, n=2)
        >>> layer(torch.ones(5, 8)).shape, layer.weight.shape
        (torch.Size([5, 4]), torch.Size([4, 8]))
    """

    def __init__(self, d: int, q: int, n: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        if not 1 <= n <= max(d, q):
            raise OneLayerError(
                f"n of a PHM layer must be 1 to {max(d, q)} for {d} inputs and {q} outputs, not {n}"
            )
        self.d, self.q, self.n = d, q, n
        self.A = nn.Parameter(torch.stack([torch.eye(n).roll(i, 0) for i in range(n)]))
        blocks = torch.empty(n, -(-q // n), -(-d // n))
        self.S = nn.Parameter(blocks.normal_(0, INITIAL_STD, generator=generator))
        self.bias = nn.Parameter(torch.zeros(q))

    @property
    def weight(self) -> Tensor:
        """The whole weight matrix (q, d)."""
        n = self.n
        blocks = torch.einsum("iab,icd->acbd", self.A, self.S)
        rows, columns = self.S.shape[1] * n, self.S.shape[2] * n
        return blocks.reshape(rows, columns)[: self.q, : self.d]

    def forward(self, X: Tensor) -> Tensor:
        """Map features (n, d) to outputs (n, q)."""
        return F.linear(X, self.weight, self.bias)

    def extra_repr(self) -> str:
        """Return what ``print(model)`` shows."""
        return f"{self.d}, {self.q}, n={self.n}"


def _affine(d: int, q: int, generator: torch.Generator) -> nn.Linear:
    with torch.random.fork_rng(devices=[]):  # nn.Linear's own initial weights come from the global generator
        layer = nn.Linear(d, q)
    with torch.no_grad():
        layer.weight.normal_(0, INITIAL_STD, generator=generator)
        layer.bias.zero_()
    return layer
