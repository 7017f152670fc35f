"""How long is an epoch of softmax regression on Fashion-MNIST by minibatch SGD, in the book's way, ours, and others'?

Batches of 256, learning rate 0.1, from zeros. The book reads each image through PIL into a tensor in a
DataLoader with 4 workers (sections 3.5 to 3.7). All visit the same batches and must end with the same weights;
scikit-learn's SGDClassifier, which takes single rows and learns ten models of one class against the rest, is
beside them.
"""

import contextlib
import io
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

import numpy as np

from _measure import Case, Contender, main, once, same_numbers, size

BATCH_SIZE, LR, WORKERS = 256, 0.1, 4
IMAGES, EPOCHS = size(60_000, 2_000), 3


def data(n: int = IMAGES) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return images (n, 784) as bytes, labels, and the order to visit them in."""
    from onelayer import fashion_mnist

    rows = fashion_mnist().train.take(slice(0, n))
    return rows.X, rows.y.astype(np.int64), np.random.default_rng(0).permutation(n)


def onelayer(way: str, X: np.ndarray, y: np.ndarray, order: np.ndarray) -> np.ndarray:
    import torch

    from onelayer.data import PIXEL_UNIT, Rows
    from onelayer.solvers.batches import Batches
    from onelayer.training import WAYS

    model = zeros()
    batches = Batches.of(Rows(X, y, "classes", unit=PIXEL_UNIT))
    WAYS[way](model, batches, torch.from_numpy(order), BATCH_SIZE, LR)
    return model.weight.detach().numpy()


def zeros() -> Any:
    from torch import nn

    model = nn.Linear(784, 10)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    return model


def book_loader(X: np.ndarray, y: np.ndarray, **how: Any) -> Any:
    """Return the loader of section 3.5.3: bytes → PIL image → float tensor (1, 28, 28), one by one in 4 workers."""
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset

    class ThroughPil(Dataset):  # type: ignore[type-arg]
        """Images as torchvision's ``FashionMNIST`` with ``ToTensor`` gives them."""

        def __len__(self) -> int:
            return len(y)

        def __getitem__(self, i: int) -> tuple[Any, int]:
            image = np.array(Image.fromarray(X[i].reshape(28, 28)))
            return torch.from_numpy(image).unsqueeze(0).float().div(255), int(y[i])

    return DataLoader(ThroughPil(), BATCH_SIZE, num_workers=WORKERS, **how)


def right(outputs: Any, y: Any) -> float:
    """Return how many predictions are right."""
    return float((outputs.argmax(dim=1) == y).sum())


def book_pass(net: Any, batches: Iterable[tuple[Any, Any]], trainer: Any) -> float:
    """Train for an epoch as sections 3.5 to 3.7 write it, with running loss and accuracy; return the mean loss."""
    from torch import nn

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


def book(loader_of: Callable[..., Any], X: np.ndarray, y: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return the book's epoch over a loader made of images, labels and an order."""
    import torch
    from torch import nn

    model = zeros()
    net = nn.Sequential(nn.Flatten(), model)
    book_pass(net, loader_of(X, y, order), torch.optim.SGD(net.parameters(), lr=LR))
    return model.weight.detach().numpy()


def by_pil(X: np.ndarray, y: np.ndarray, order: np.ndarray) -> Any:
    return book_loader(X, y, sampler=order.tolist())


def by_tensors(X: np.ndarray, y: np.ndarray, order: np.ndarray) -> Any:
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    rows = TensorDataset(torch.from_numpy(X).float().div(255), torch.from_numpy(y))
    return DataLoader(rows, BATCH_SIZE, sampler=order.tolist())


def by_index(X: np.ndarray, y: np.ndarray, order: np.ndarray) -> Any:
    import torch

    pixels, labels = torch.from_numpy(X).float().div(255), torch.from_numpy(y)
    return ((pixels[batch], labels[batch]) for batch in torch.from_numpy(order).split(BATCH_SIZE))


def skorch(X: np.ndarray, y: np.ndarray, order: np.ndarray) -> np.ndarray:
    import torch
    from skorch import NeuralNetClassifier

    net = NeuralNetClassifier(
        zeros(), criterion=torch.nn.CrossEntropyLoss, optimizer=torch.optim.SGD, lr=LR, max_epochs=1,
        batch_size=BATCH_SIZE, train_split=None, iterator_train__sampler=order.tolist(), verbose=0,
    )  # fmt: skip
    net.fit(np.float32(X) / np.float32(255), y)
    return net.module_.weight.detach().numpy()


@cache
def jax_epoch() -> Callable[..., Any]:
    """Return a compiled epoch over batches (m, b) of rows."""
    import jax
    import jax.numpy as jnp

    def loss(parameters: Any, X: Any, y: Any) -> Any:
        outputs = X @ parameters[0].T + parameters[1]
        return (jax.nn.logsumexp(outputs, axis=1) - jnp.take_along_axis(outputs, y[:, None], 1)[:, 0]).mean()

    @jax.jit
    def epoch(parameters: Any, pixels: Any, labels: Any, batches: Any) -> Any:
        def step(parameters: Any, batch: Any) -> tuple[Any, None]:
            slope = jax.grad(loss)(parameters, pixels[batch].astype(jnp.float32) / 255, labels[batch])
            return jax.tree.map(lambda w, g: w - LR * g, parameters, slope), None

        return jax.lax.scan(step, parameters, batches)[0]

    return epoch


def jax(X: np.ndarray, y: np.ndarray, order: np.ndarray) -> np.ndarray:
    import jax.numpy as jnp

    parameters: Any = jnp.zeros((10, 784)), jnp.zeros(10)
    full = len(order) - len(order) % BATCH_SIZE
    for part in (order[:full].reshape(-1, BATCH_SIZE), order[None, full:]):
        if part.size:
            parameters = jax_epoch()(parameters, jnp.asarray(X), jnp.asarray(y), jnp.asarray(part))
    return np.asarray(parameters[0])


def sgd_classifier(X: Any, y: Any, order: Any) -> Any:
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(loss="log_loss", max_iter=1, tol=None, random_state=0)
    return model.fit(X[order] / 255.0, y[order]).coef_


def same_arithmetic(X: Any, y: Any, order: Any) -> Any:
    import torch

    m = round((2 * IMAGES * 785 * 10) ** (1 / 3))  # two products of 2 n (d + 1) q operations are 2 m³
    return torch.ones(m, m) @ torch.ones(m, m)


# Training as the book's train_ch3 does it, with the loss after each epoch


def network() -> Any:
    from torch import nn

    return nn.Sequential(nn.Flatten(), zeros())


def book_ch3(X: np.ndarray, y: np.ndarray, test_X: np.ndarray, test_y: np.ndarray) -> list[float]:
    import torch

    torch.manual_seed(0)
    net, losses = network(), []
    trainer = torch.optim.SGD(net.parameters(), lr=LR)
    train, test = book_loader(X, y, shuffle=True), book_loader(test_X, test_y)
    for _ in range(EPOCHS):
        losses.append(book_pass(net, train, trainer))
        with torch.no_grad():
            sum(right(net(a), b) for a, b in test)
    return losses


@cache
def loaders() -> Any:
    from onelayer import d2l

    return d2l.load_data_fashion_mnist(BATCH_SIZE)


def onelayer_ch3(*_: np.ndarray) -> list[float]:
    import torch
    from torch import nn

    from onelayer import d2l

    animators: list[Any] = []
    d2l.chapter3.Animator = lambda **how: animators.append(d2l.Animator(**how)) or animators[-1]
    torch.manual_seed(0)
    net = network()
    trainer = torch.optim.SGD(net.parameters(), lr=LR)
    with contextlib.redirect_stdout(io.StringIO()):
        d2l.train_ch3(net, *loaders(), nn.CrossEntropyLoss(reduction="none"), EPOCHS, trainer)
    return list(animators[-1].Y[0])


def both_parts() -> tuple[np.ndarray, ...]:
    from onelayer import fashion_mnist

    images = fashion_mnist()
    assert images.test is not None
    return images.train.X, images.train.y, images.test.X, images.test.y


TORCH = ("torch",)
FUSED = Contender("onelayer, fused", partial(onelayer, "fused"), TORCH, "ours")
BOOK = Contender("the book: PIL, 4 workers", partial(book, by_pil), (*TORCH, "PIL"))
EQUAL = same_numbers("weights after the epoch", 1e-3)
EPOCH = {"equal": EQUAL, "measure": once, "headlines": ("seconds",), "warm_up": partial(data, 600)}
CASES = [
    Case("an epoch of SGD, against the book's", lambda folder: data(), [FUSED, BOOK], **EPOCH),  # type: ignore[arg-type]
    Case(
        "an epoch of SGD, against other packages",
        lambda folder: data(),
        [
            FUSED,
            Contender("onelayer, scratch", partial(onelayer, "scratch"), TORCH, "own"),
            Contender("onelayer, concise", partial(onelayer, "concise"), TORCH, "own"),
            Contender("torch, DataLoader of tensors", partial(book, by_tensors), TORCH),
            Contender("torch, batches by index", partial(book, by_index), TORCH),
            Contender("skorch", skorch, (*TORCH, "skorch")),
            Contender("JAX", jax, ("jax",)),
            Contender("scikit-learn SGDClassifier", sgd_classifier, role="other"),
            Contender("sgemm, as many operations", same_arithmetic, TORCH, "floor"),
        ],
        **EPOCH,  # type: ignore[arg-type]
    ),
    Case(
        f"train_ch3, {EPOCHS} epochs",
        lambda folder: both_parts(),
        [
            Contender("onelayer.d2l", onelayer_ch3, TORCH, "ours", loaders),
            Contender("the book: PIL, 4 workers", book_ch3, (*TORCH, "PIL")),
        ],
        equal=same_numbers("losses after each epoch", 1e-4),
        measure=once,
        headlines=("seconds",),
    ),
][: size(3, 2)]  # train_ch3 takes all images

if __name__ == "__main__":
    main(__doc__, CASES)
