"""Functions as learners write them, right and wrong, for ``test_exercises.py``: written apart from the package's own.

``WRONG`` has (exercise, function, name of the mistake, a phrase of its hint); ``RIGHT`` has (exercise, function).
"""

import math
import random
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, TensorDataset

from onelayer import d2l, functional

WRONG: list[tuple[str, Callable, str, str]] = []
RIGHT: list[tuple[str, Callable]] = [
    ("linreg", d2l.linreg),
    ("squared_loss", d2l.squared_loss),
    ("sgd", d2l.sgd),
    ("one_hot", functional.one_hot),
    ("softmax", functional.softmax),
    ("cross_entropy_gradient", functional.cross_entropy_gradient),
    ("accuracy", d2l.accuracy),
    ("train_epoch", d2l.train_epoch_ch3),
]


def wrong(exercise: str, mistake: str, phrase: str) -> Callable[[Callable], Callable]:
    def keep(function: Callable) -> Callable:
        WRONG.append((exercise, function, mistake, phrase))
        return function

    return keep


def right(exercise: str) -> Callable[[Callable], Callable]:
    def keep(function: Callable) -> Callable:
        RIGHT.append((exercise, function))
        return function

    return keep


# data_iter


@right("data_iter")
def with_random_shuffle(batch_size, features, labels):
    indices = list(range(len(features)))
    random.shuffle(indices)
    for i in range(0, len(features), batch_size):
        rows = torch.tensor(indices[i : min(i + batch_size, len(features))])
        yield features[rows], labels[rows]


@right("data_iter")
def with_a_loader(batch_size, features, labels):
    return DataLoader(TensorDataset(features, labels), batch_size, shuffle=True)


@right("data_iter")
def with_numpy_in_a_list(batch_size, features, labels):
    order = np.random.default_rng().permutation(len(labels))
    return [
        (features[order[i : i + batch_size]], labels[order[i : i + batch_size]])
        for i in range(0, len(labels), batch_size)
    ]


@right("data_iter")
def with_the_short_one_first(batch_size, features, labels):
    order = torch.randperm(len(features))
    short = len(features) % batch_size
    parts = [order[:short]] if short else []
    for rows in [*parts, *order[short:].split(batch_size)]:
        if len(rows):
            yield features[rows], labels[rows]


@wrong("data_iter", "last dropped", "left over at the end")
def whole_batches_only(batch_size, features, labels):
    order = torch.randperm(len(features))
    for k in range(len(features) // batch_size):
        rows = order[k * batch_size : (k + 1) * batch_size]
        yield features[rows], labels[rows]


@wrong("data_iter", "not shuffled", "in the order in which they are stored")
def in_order(batch_size, features, labels):
    for i in range(0, len(features), batch_size):
        yield features[i : i + batch_size], labels[i : i + batch_size]


@wrong("data_iter", "shuffled apart", "no longer belongs to the i-th row")
def two_orders(batch_size, features, labels):
    a, b = torch.randperm(len(features)), torch.randperm(len(features))
    for i in range(0, len(features), batch_size):
        yield features[a[i : i + batch_size]], labels[b[i : i + batch_size]]


@wrong("data_iter", "shuffled apart", "no longer belongs to the i-th row")
def features_only(batch_size, features, labels):
    order = torch.randperm(len(features))
    for i in range(0, len(features), batch_size):
        yield features[order[i : i + batch_size]], labels[i : i + batch_size]


@wrong("data_iter", "drawn with replacement", "some come twice")
def drawn_anew(batch_size, features, labels):
    n = len(features)
    for i in range(0, n, batch_size):
        rows = torch.tensor([random.randrange(n) for _ in range(min(batch_size, n - i))])
        yield features[rows], labels[rows]


@wrong("data_iter", "same order", "seed")
def seeded(batch_size, features, labels):
    random.seed(0)
    yield from with_random_shuffle(batch_size, features, labels)


@wrong("data_iter", "input shuffled", "not the data")
def shuffles_the_data(batch_size, features, labels):
    order = torch.randperm(len(features))
    features.copy_(features[order])
    labels.copy_(labels[order])
    yield from in_order(batch_size, features, labels)


@wrong("data_iter", "first returned", "keyword")  # noqa: RET503 - that is the mistake
def returns_at_once(batch_size, features, labels):
    order = torch.randperm(len(features))
    for i in range(0, len(features), batch_size):
        return features[order[i : i + batch_size]], labels[order[i : i + batch_size]]


@wrong("data_iter", "nothing yielded", "keyword")
def forgets_to_yield(batch_size, features, labels):
    order = torch.randperm(len(features))
    for i in range(0, len(features), batch_size):
        features[order[i : i + batch_size]], labels[order[i : i + batch_size]]


@wrong("data_iter", "endless", "does not stop")
def never_stops(batch_size, features, labels):
    while True:
        yield from with_random_shuffle(batch_size, features, labels)


@wrong("data_iter", "slice ends early", "A slice ends at a position")
def ends_at_the_size(batch_size, features, labels):
    order = torch.randperm(len(features))
    for i in range(0, len(features), batch_size):
        yield features[order[i:batch_size]], labels[order[i:batch_size]]


@wrong("data_iter", "step of one", "overlap")
def steps_by_one(batch_size, features, labels):
    order = torch.randperm(len(features))
    for i in range(len(features)):
        yield features[order[i : i + batch_size]], labels[order[i : i + batch_size]]


# linreg


@right("linreg")
def with_a_vector(X, w, b):
    return torch.mv(X, w.reshape(-1)) + b


@right("linreg")
def with_sums(X, w, b):
    return (X * w.T).sum(1, keepdim=True) + b


@right("linreg")
def with_a_loop(X, w, b):
    return torch.stack([sum(x * v for x, v in zip(row, w, strict=True)) + b for row in X]).reshape(-1, 1)


@wrong("linreg", "no bias", "has not been used")
def forgets_b(X, w, b):
    return torch.matmul(X, w)


@wrong("linreg", "bias subtracted", "sign")
def minus_b(X, w, b):
    return torch.matmul(X, w) - b


@wrong("linreg", "elementwise product", "element by element")
def star(X, w, b):
    return X * w + b


@wrong("linreg", "not summed", "added up")
def not_added_up(X, w, b):
    return X * w.reshape(1, -1) + b


@wrong("linreg", "features transposed", "rows of X already")
def transposes(X, w, b):
    return torch.mm(X.T, w) + b


@wrong("linreg", "factors exchanged", "order of its factors")
def exchanges(X, w, b):
    return torch.matmul(w, X) + b


@wrong("linreg", "a row of predictions", "in a row")
def lies_down(X, w, b):
    return (X @ w + b).reshape(1, -1)


@wrong("linreg", "detached", "how it was computed")
def by_numpy(X, w, b):
    return torch.tensor(X.numpy() @ w.detach().numpy() + b.detach().numpy())


# squared_loss


@right("squared_loss")
def by_product(y_hat, y):
    error = y_hat - y.view(y_hat.shape)
    return 0.5 * error * error


@right("squared_loss")
def in_the_shape_of_y(y_hat, y):
    return (y_hat.reshape(y.shape) - y).pow(2) / 2


@right("squared_loss")
def by_mse(y_hat, y):
    return F.mse_loss(y_hat, y.reshape(y_hat.shape), reduction="none") / 2


@wrong("squared_loss", "no half", "constant is missing")
def without_the_half(y_hat, y):
    return (y_hat - y.reshape(y_hat.shape)) ** 2


@wrong("squared_loss", "mean", "averaged")
def takes_the_mean(y_hat, y):
    return torch.mean((y_hat - y.reshape(y_hat.shape)) ** 2 / 2)


@wrong("squared_loss", "sum", "added up")
def takes_the_sum(y_hat, y):
    return torch.sum((y_hat - y.reshape(y_hat.shape)) ** 2 / 2)


@wrong("squared_loss", "mean without half", "nn.MSELoss")
def as_mse(y_hat, y):
    return nn.MSELoss()(y_hat, y.reshape(y_hat.shape))


@wrong("squared_loss", "broadcast", "Broadcasting")
def broadcasts(y_hat, y):
    return 0.5 * (y_hat - y) ** 2


@wrong("squared_loss", "absolute", "absolute error")
def absolute(y_hat, y):
    return torch.abs(y.reshape(y_hat.shape) - y_hat)


@wrong("squared_loss", "half inside the square", "squared too")
def halves_first(y_hat, y):
    return ((y_hat - y.reshape(y_hat.shape)) * 0.5) ** 2


@wrong("squared_loss", "detached", "how it was computed")
def detaches(y_hat, y):
    with torch.no_grad():
        return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


# sgd


@right("sgd")
def by_data(params, lr, batch_size):
    for param in params:
        param.data -= lr * param.grad / batch_size
        param.grad = None


@right("sgd")
def by_method(params, lr, batch_size):
    with torch.no_grad():
        for param in params:
            param.sub_(param.grad, alpha=lr / batch_size)
            param.grad *= 0


@wrong("sgd", "not divided", "has not been used")
def without_the_size(params, lr, batch_size):
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad
            param.grad.zero_()


@wrong("sgd", "uphill", "uphill")
def adds(params, lr, batch_size):
    with torch.no_grad():
        for param in params:
            param += lr * param.grad / batch_size
            param.grad.zero_()


@wrong("sgd", "not zeroed", "adds to what it finds")
def keeps_gradients(params, lr, batch_size):
    with torch.no_grad():
        for param in params:
            param.copy_(param - lr * param.grad / batch_size)


@wrong("sgd", "rebound", "the parameter itself")
def rebinds(params, lr, batch_size):
    for param in params:
        param = param - lr * param.grad / batch_size


@wrong("sgd", "rebound", "the parameter itself")
def rebinds_and_zeroes(params, lr, batch_size):
    with torch.no_grad():
        for param in params:
            param = param - lr * param.grad / batch_size
            param.grad.zero_()


@wrong("sgd", "rebound", "the parameter itself")
def fills_the_list(params, lr, batch_size):
    for i in range(len(params)):
        params[i] = params[i] - lr * params[i].grad / batch_size


@wrong("sgd", "with gradients", "must not be recorded")
def records(params, lr, batch_size):
    for param in params:
        param -= lr * param.grad / batch_size
        param.grad.zero_()


@wrong("sgd", "zeroed before", "order")
def zeroes_first(params, lr, batch_size):
    with torch.no_grad():
        for param in params:
            param.grad.zero_()
            param -= lr * param.grad / batch_size


@wrong("sgd", "first only", "end too early")  # noqa: RET503 - that is the mistake
def returns_in_the_loop(params, lr, batch_size):
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size
            param.grad.zero_()
            return params


# one_hot


@right("one_hot")
def by_torch(y, q):
    return F.one_hot(y, q)


@right("one_hot")
def by_scatter(y, q):
    return torch.zeros(len(y), q, dtype=torch.float64).scatter_(1, y.unsqueeze(1), 1)


@right("one_hot")
def by_comparison(y, q):
    return (y.reshape(-1, 1) == torch.arange(q)).float()


@wrong("one_hot", "transposed", "column belongs to each example")
def a_column_each(y, q):
    result = torch.zeros(q, len(y))
    for i, label in enumerate(y):
        result[label, i] = 1
    return result


@wrong("one_hot", "counted from one", "too early")
def from_one(y, q):
    result = torch.zeros(len(y), q)
    result[range(len(y)), y - 1] = 1
    return result


@wrong("one_hot", "as wide as the largest label", "does not occur")
def ignores_q(y, q):
    return F.one_hot(y)


@wrong("one_hot", "whole columns", "of every row")
def marks_columns(y, q):
    result = torch.zeros(len(y), q)
    result[:, y] = 1
    return result


@wrong("one_hot", "whole rows", "takes the rows")
def marks_rows(y, q):
    result = torch.zeros(max(len(y), int(y.max()) + 1), q)[: len(y)]
    result[y] = 1
    return result


@wrong("one_hot", "label as the value", "not how much")
def writes_the_label(y, q):
    result = torch.zeros(len(y), q)
    for i in range(len(y)):
        result[i, y[i]] = y[i]
    return result


@wrong("one_hot", "all up to the label", "no order")
def fills_up(y, q):
    result = torch.zeros(len(y), q)
    for i in range(len(y)):
        result[i, : y[i] + 1] = 1
    return result


@wrong("one_hot", "one row for all", "share one row")
def one_row(y, q):
    result = torch.zeros(q)
    result[y] = 1
    return result


@wrong("one_hot", "", "Turn them into numbers")
def truth_values(y, q):
    return y.reshape(-1, 1) == torch.arange(q)


# softmax


@right("softmax")
def by_its_own(X):
    return F.softmax(X, dim=-1)


@right("softmax")
def shifted(X):
    exps = torch.exp(X - X.max(dim=1, keepdim=True).values)
    return exps / exps.sum(dim=1, keepdim=True)


@right("softmax")
def row_by_row(X):
    return torch.stack([(row - row.max()).exp() / (row - row.max()).exp().sum() for row in X])


@right("softmax")
def by_logarithms(X):
    return torch.exp(X - torch.logsumexp(X, 1, keepdim=True)).double()


@wrong("softmax", "wrong axis", "columns that add up to 1")
def over_columns(X):
    exps = torch.exp(X)
    return exps / exps.sum(dim=0, keepdim=True)


@wrong("softmax", "not normalised", "add up to 1")
def only_exponentials(X):
    return torch.exp(X)


@wrong("softmax", "all together", "by itself")
def one_sum(X):
    return torch.exp(X) / torch.exp(X).sum()


@wrong("softmax", "no keepdim", "lost an axis")
def without_keepdim(X):
    exps = torch.exp(X)
    return exps / exps.sum(dim=1)


@wrong("softmax", "no keepdim", "lost an axis")
def maximum_without_keepdim(X):
    exps = torch.exp(X - X.max(dim=1).values)
    return exps / exps.sum(dim=1, keepdim=True)


@wrong("softmax", "no exponential", "negative probability")
def shares(X):
    return X / X.sum(dim=1, keepdim=True)


@right("softmax")
def as_the_formula_says(X):
    exps = torch.exp(X)
    return exps / exps.sum(1, keepdim=True)


@wrong("softmax", "one maximum for all rows", "of its own")
def one_maximum(X):
    exps = torch.exp(X - torch.max(X))
    return exps / exps.sum(1, keepdim=True)


@wrong("softmax", "log-softmax", "logarithms")
def logarithms(X):
    return F.log_softmax(X, dim=1)


@wrong("softmax", "negative exponent", "sign in the exponent")
def softmin(X):
    exps = torch.exp(-X)
    return exps / exps.sum(1, keepdim=True)


# net


@right("net")
def as_in_the_book(X, W, b):
    return by_its_own(torch.matmul(X.reshape((-1, W.shape[0])), W) + b)


@right("net")
def unguarded(X, W, b):
    exps = torch.exp(X.flatten(1) @ W + b)
    return exps / exps.sum(1, keepdim=True)


@right("net")
def by_layers(X, W, b):
    return nn.Softmax(dim=1)(F.linear(nn.Flatten()(X), W.T, b))


@wrong("net", "no softmax", "logits")
def stops_at_logits(X, W, b):
    return X.reshape(-1, W.shape[0]) @ W + b


@wrong("net", "no bias", "has not been used")
def net_without_bias(X, W, b):
    return torch.softmax(X.reshape(-1, W.shape[0]) @ W, 1)


@wrong("net", "not flattened", "images")
def does_not_flatten(X, W, b):
    return torch.softmax(torch.matmul(X, W) + b, dim=1)


@wrong("net", "wrong axis", "columns that add up to 1")
def net_over_columns(X, W, b):
    return torch.softmax(X.reshape(-1, W.shape[0]) @ W + b, dim=0)


@wrong("net", "bias after softmax", "no longer 1")
def bias_last(X, W, b):
    return torch.softmax(X.reshape(-1, W.shape[0]) @ W, dim=1) + b


@wrong("net", "flattened to one row", "one row")
def one_long_row(X, W, b):
    return torch.softmax(X.reshape(1, -1) @ W + b, 1)


@wrong("net", "pixels mixed", "fills rows one after another")
def mixes_pixels(X, W, b):
    return torch.softmax(X.reshape(W.shape[0], -1).T @ W + b, 1)


@wrong("net", "labels", "predicted labels")
def net_predicts(X, W, b):
    return torch.argmax(X.reshape(-1, W.shape[0]) @ W + b, dim=1)


# cross_entropy


@right("cross_entropy")
def picked(y_hat, y):
    return -torch.log(y_hat[range(len(y_hat)), y])


@right("cross_entropy")
def gathered_as_a_column(y_hat, y):
    return -y_hat.gather(1, y.reshape(-1, 1)).log()


@right("cross_entropy")
def one_hot_before_the_logarithm(y_hat, y):
    return -torch.log((F.one_hot(y, y_hat.shape[1]) * y_hat).sum(1))


@right("cross_entropy")
def with_a_small_number(y_hat, y):
    return -torch.log(y_hat[torch.arange(len(y)), y] + 1e-9)


@right("cross_entropy")
def by_nll(y_hat, y):
    return F.nll_loss(torch.log(y_hat.clamp(min=1e-30)), y, reduction="none")


@wrong("cross_entropy", "mean", "averaged")
def mean_entropy(y_hat, y):
    return -torch.log(y_hat[range(len(y)), y]).mean()


@wrong("cross_entropy", "sum", "added up")
def sum_entropy(y_hat, y):
    return -sum(torch.log(row[label]) for row, label in zip(y_hat, y, strict=True))


@wrong("cross_entropy", "wrong sign", "at least 0")
def without_minus(y_hat, y):
    return torch.log(y_hat[range(len(y)), y])


@wrong("cross_entropy", "base ten", "base 10")
def base_ten(y_hat, y):
    return -torch.log10(y_hat[range(len(y)), y])


@wrong("cross_entropy", "predicted class", "largest probability")
def of_the_prediction(y_hat, y):
    return -torch.log(y_hat.max(dim=1)[0])


@wrong("cross_entropy", "whole columns", "of every row")
def a_table(y_hat, y):
    return -torch.log(y_hat[:, y])


@wrong("cross_entropy", "softmax again", "probabilities already")
def twice(y_hat, y):
    return F.cross_entropy(y_hat, y, reduction="none")


@wrong("cross_entropy", "zero times infinity", "before you take the logarithm")
def nan_for_zeros(y_hat, y):
    return -(F.one_hot(y, y_hat.shape[1]) * torch.log(y_hat)).sum(dim=1)


@wrong("cross_entropy", "all classes", "one term survives")
def all_classes(y_hat, y):
    return -torch.log(y_hat).sum(dim=1)


# cross_entropy_gradient


@right("cross_entropy_gradient")
def minus_one_in_place(logits, labels):
    p = torch.softmax(logits, 1)
    p[range(len(labels)), labels] -= 1
    return p


@right("cross_entropy_gradient")
def by_autograd(logits, labels):
    o = logits.clone().requires_grad_()
    F.cross_entropy(o, labels, reduction="sum").backward()
    return o.grad


@wrong("cross_entropy_gradient", "wrong sign", "sign")
def labels_first(logits, labels):
    return F.one_hot(labels, logits.shape[1]) - torch.softmax(logits, 1)


@wrong("cross_entropy_gradient", "divided by n", "mean over the examples")
def gradient_of_the_mean(logits, labels):
    o = logits.clone().requires_grad_()
    F.cross_entropy(o, labels).backward()
    return o.grad


@wrong("cross_entropy_gradient", "labels not used", "labels' term")
def probabilities_only(logits, labels):
    return torch.softmax(logits, 1)


@wrong("cross_entropy_gradient", "label numbers", "which form")
def minus_numbers(logits, labels):
    return torch.softmax(logits, 1) - labels.reshape(-1, 1)


@wrong("cross_entropy_gradient", "label numbers", "which form")
def minus_the_labels(logits, labels):
    return torch.softmax(logits, 1) - labels


@wrong("cross_entropy_gradient", "no softmax", "squared loss")
def of_squares(logits, labels):
    return logits - F.one_hot(labels, logits.shape[1])


@wrong("cross_entropy_gradient", "wrong axis", "columns that add up to 1")
def gradient_over_columns(logits, labels):
    return torch.softmax(logits, 0) - F.one_hot(labels, logits.shape[1])


@right("cross_entropy_gradient")
def overflows(logits, labels):
    p = torch.exp(logits) / torch.exp(logits).sum(1, keepdim=True)
    return p - F.one_hot(labels, logits.shape[1])


@wrong("cross_entropy_gradient", "summed", "added up")
def summed(logits, labels):
    return (torch.softmax(logits, 1) - F.one_hot(labels, logits.shape[1])).sum(dim=0)


# accuracy


@right("accuracy")
def as_a_whole_number(y_hat, y):
    return int((y_hat.argmax(dim=1) == y).sum())


@right("accuracy")
def as_a_tensor(y_hat, y):
    return torch.sum(y_hat.max(1).indices == y)


@right("accuracy")
def by_counting(y_hat, y):
    return sum(
        1 for row, label in zip(y_hat.tolist(), y.tolist(), strict=True) if row.index(max(row)) == label
    )


@wrong("accuracy", "share", "number is wanted")
def a_share(y_hat, y):
    return (y_hat.argmax(1) == y).float().mean().item()


@wrong("accuracy", "wrong axis", "best example of each class")
def along_columns(y_hat, y):
    return float((y_hat.argmax(axis=0) == y).sum())


@wrong("accuracy", "rounded first", "type of the labels")
def casts_first(y_hat, y):
    return float((y_hat.type(y.dtype).argmax(axis=1) == y).sum())


@wrong("accuracy", "wrong ones", "wrong predictions")
def counts_errors(y_hat, y):
    return (y_hat.argmax(1) != y).sum().item()


@wrong("accuracy", "scores, not classes", "largest scores are compared")
def compares_scores(y_hat, y):
    return float((y_hat.max(dim=1).values == y).sum())


@wrong("accuracy", "not counted", "How many are they?")
def says_of_each(y_hat, y):
    return y_hat.argmax(1) == y


@wrong("accuracy", "all or nothing", "all predictions are right")
def all_right(y_hat, y):
    return bool((y_hat.argmax(1) == y).all())


@wrong("accuracy", "one for all", "Without an axis")
def no_axis(y_hat, y):
    return float((y_hat.argmax() == y).sum())


# train_epoch


def epoch(net, train_iter, loss, updater, *, train=True, zero=True, optimizer_loss=torch.mean, step=True):
    """The loop as learners write it, with an option for each way to get it wrong."""
    if train and isinstance(net, nn.Module):
        net.train()
    total = right_ones = n = 0
    for X, y in train_iter:
        outputs = net(X)
        losses = loss(outputs, y)
        if isinstance(updater, torch.optim.Optimizer):
            if zero:
                updater.zero_grad()
            optimizer_loss(losses).backward()
            if step:
                updater.step()
        else:
            losses.sum().backward()
            if step:
                updater(X.shape[0])
        total += losses.sum().item()
        right_ones += (outputs.argmax(1) == y).sum().item()
        n += len(y)
    return total / n, right_ones / n


@right("train_epoch")
def tensors_returned(net, train_iter, loss, updater):
    total, share = epoch(net, train_iter, loss, updater)
    return [torch.tensor(total), np.float64(share)]


@right("train_epoch")
def gradients_cleared_afterwards(net, train_iter, loss, updater):
    if isinstance(net, nn.Module):
        net.train()
    metric = d2l.Accumulator(3)
    for X, y in train_iter:
        outputs = net(X)
        losses = loss(outputs, y)
        if isinstance(updater, torch.optim.Optimizer):
            (losses.sum() / len(y)).backward()
            updater.step()
            updater.zero_grad()
        else:
            losses.sum().backward()
            updater(len(y))
        metric.add(losses.sum(), d2l.accuracy(outputs, y), y.numel())
    return metric[0] / metric[2], metric[1] / metric[2]


@wrong("train_epoch", "gradients not zeroed", "adds to the gradients")
def never_zeroes(net, train_iter, loss, updater):
    return epoch(net, train_iter, loss, updater, zero=False)


@wrong("train_epoch", "gradients not zeroed", "adds to the gradients")
def never_zeroes_nor_trains(net, train_iter, loss, updater):
    return epoch(net, train_iter, loss, updater, zero=False, train=False)


@wrong("train_epoch", "no step", "never move")
def never_steps(net, train_iter, loss, updater):
    return epoch(net, train_iter, loss, updater, step=False)


@wrong("train_epoch", "sum for an optimizer", "too long")
def follows_the_sum(net, train_iter, loss, updater):
    return epoch(net, train_iter, loss, updater, optimizer_loss=torch.sum)


@wrong("train_epoch", "evaluation mode", "evaluation mode")
def stays_in_evaluation_mode(net, train_iter, loss, updater):
    return epoch(net, train_iter, loss, updater, train=False)


@wrong("train_epoch", "last minibatch only", "last minibatch")
def scores_the_last(net, train_iter, loss, updater):
    batches = list(train_iter)
    epoch(net, batches[:-1], loss, updater)
    return epoch(net, batches[-1:], loss, updater)


@wrong("train_epoch", "mean of means", "fewer examples")
def averages_averages(net, train_iter, loss, updater):
    scores = [epoch(net, [batch], loss, updater) for batch in train_iter]
    return tuple(math.fsum(column) / len(scores) for column in zip(*scores, strict=True))


@wrong("train_epoch", "first minibatch only", "`return`")  # noqa: RET503 - that is the mistake
def returns_after_one(net, train_iter, loss, updater):
    for batch in train_iter:
        return epoch(net, [batch], loss, updater)


@wrong("train_epoch", "exchanged", "exchanged")
def accuracy_first(net, train_iter, loss, updater):
    total, share = epoch(net, train_iter, loss, updater)
    return share, total


@wrong("train_epoch", "optimizers only", "plain function")
def for_optimizers(net, train_iter, loss, updater):
    if isinstance(net, nn.Module):
        net.train()
    metric = d2l.Accumulator(3)
    for X, y in train_iter:
        outputs = net(X)
        losses = loss(outputs, y)
        updater.zero_grad()
        losses.mean().backward()
        updater.step()
        metric.add(losses.sum(), d2l.accuracy(outputs, y), y.numel())
    return metric[0] / metric[2], metric[1] / metric[2]


@wrong("train_epoch", "nothing returned", "reported")
def reports_nothing(net, train_iter, loss, updater):
    epoch(net, train_iter, loss, updater)
