"""The exercises of softmax regression's predictions: ``net`` and ``accuracy``."""

import torch
from torch import Tensor, tensor

from onelayer import functional
from onelayer.exercises.classes import LABELS, WRONG_AXIS
from onelayer.exercises.exercise import Exercise, Mistake, Words, given
from onelayer.exercises.regression import DETACHED


def _logits(X: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return X.reshape(len(X), -1) @ W + b


def _net(X: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return functional.softmax(_logits(X, W, b))


_FLATTEN = Words(
    "X is not a matrix here: it has images. A layer takes a row of d numbers for each example.",
    "这里的 X 不是矩阵，而是图像。这一层要的是每个样本一行、d 个数。",
)
_X = tensor([[1.0, 2.0, 0.5], [-1.0, 0.5, 2.0]])
_W = tensor([[0.5, -1.0], [1.0, 0.0], [-0.5, 2.0]])
_B = tensor([0.5, -0.25])
_IMAGES = tensor([[[[1.0, 0.0], [2.0, 1.0]]], [[[0.0, 3.0], [1.0, -1.0]]]])
_W_OF_IMAGES = tensor([[0.5, -1.0, 0.0], [1.0, 0.0, 0.5], [-0.5, 1.0, 0.25], [0.0, 0.5, -1.0]])
_B_OF_IMAGES = tensor([0.1, -0.2, 0.3])

NET = Exercise(
    name="net",
    section="3.6.3",
    task=Words(
        "Return the class probabilities of softmax regression: the softmax of XW + b.\n"
        "X may hold images; d is the number of pixels in each of them.",
        "返回 softmax 回归给出的各类别的概率：对 XW + b 取 softmax。\nX 可以是图像，d 是每张图像的像素数。",
    ),
    arguments={
        "X": Words(
            "examples, shape (n, d), or images, such as (n, 1, 28, 28)",
            "样本，形状 (n, d)；也可以是图像，如 (n, 1, 28, 28)",
        ),
        "W": Words("weights, shape (d, q)", "权重，形状 (d, q)"),
        "b": Words("biases, shape (q,)", "偏置，形状 (q,)"),
    },
    returns=Words("probabilities, shape (n, q)", "概率，形状 (n, q)"),
    inputs=(
        given(X=_X, W=_W, b=_B),
        given(X=_IMAGES, W=_W_OF_IMAGES, b=_B_OF_IMAGES),
        given(X=_IMAGES[1:], W=_W_OF_IMAGES, b=_B_OF_IMAGES),
        given(X=tensor([[1.0, 0.5], [0.0, 2.0]]), W=tensor([[1.0, 0.0], [0.5, -1.0]]), b=tensor([0.0, 1.0])),
        given(X=_X.double(), W=_W.double(), b=_B.double()),
        given(X=_X, W=_W.clone().requires_grad_(True), b=_B.clone().requires_grad_(True)),
    ),
    truth=_net,
    mistakes=(
        Mistake(
            "no softmax",
            _logits,
            Words("These are the logits. A step is missing.", "这是未规范化的预测，还少一步。"),
        ),
        Mistake(
            "no bias",
            lambda X, W, b: functional.softmax(_logits(X, W, 0 * b)),
            Words("One of the parameters has not been used.", "有一个参数还没有用上。"),
        ),
        Mistake(
            "bias after softmax",
            lambda X, W, b: functional.softmax(_logits(X, W, 0 * b)) + b,
            Words(
                "The bias has been added to the probabilities, whose sum is then no longer 1. It belongs to the "
                "logits.",
                "偏置加到了概率上，概率之和就不再是 1。它应加在未规范化的预测上。",
            ),
        ),
        Mistake("not flattened", lambda X, W, b: functional.softmax(X @ W + b), _FLATTEN),
        Mistake(
            "flattened to one row",
            lambda X, W, b: functional.softmax(X.reshape(1, -1) @ W + b),
            Words(
                "All examples have been put into one row. Each keeps a row of its own.",
                "所有样本都接成了一行。每个样本应各占一行。",
            ),
        ),
        Mistake(
            "pixels mixed",
            lambda X, W, b: functional.softmax(X.reshape(W.shape[0], -1).T @ W + b),
            Words(
                "`reshape` fills rows one after another. Here the pixels of different examples end up in one row.",
                "`reshape` 是一行接一行填的。这里不同样本的像素混到了同一行。",
            ),
        ),
        Mistake(
            "weights transposed",
            lambda X, W, b: functional.softmax(X.reshape(len(X), -1) @ W.T + b),
            Words(
                "W has a row for each feature and a column for each class already.",
                "W 的每一行对应一个特征，每一列对应一个类别，已经摆好了。",
            ),
        ),
        Mistake("wrong axis", lambda X, W, b: _logits(X, W, b).softmax(0), WRONG_AXIS),
        Mistake(
            "all together",
            lambda X, W, b: _logits(X, W, b).exp() / _logits(X, W, b).exp().sum(),
            Words(
                "All values together add up to 1. Each row has to do so by itself.",
                "这里是所有的值加起来等于 1。每一行自己就应等于 1。",
            ),
        ),
        Mistake(
            "not normalised",
            lambda X, W, b: _logits(X, W, b).exp(),
            Words(
                "The values are positive, but the probabilities of a row have to add up to 1.",
                "值都是正的，但一行概率加起来应等于 1。",
            ),
        ),
        Mistake(
            "sigmoid",
            lambda X, W, b: _logits(X, W, b).sigmoid(),
            Words(
                "This is the logistic function of each logit by itself. In softmax the classes share a sum of 1.",
                "这是对每个值单独用了 sigmoid 函数。softmax 中各个类别要共同分配总和 1。",
            ),
        ),
        Mistake(
            "log-softmax",
            lambda X, W, b: _logits(X, W, b).log_softmax(1),
            Words("These are the logarithms of the probabilities.", "这是概率的对数。"),
        ),
        Mistake(
            "softmax first",
            lambda X, W, b: functional.softmax(X.reshape(len(X), -1)) @ W + b,
            Words(
                "Softmax has been applied to the features. In which order do the layer and softmax come?",
                "softmax 用在了特征上。线性层和 softmax 谁先谁后？",
            ),
        ),
        Mistake(
            "labels",
            lambda X, W, b: _logits(X, W, b).argmax(1),
            Words(
                "These are the predicted labels. The loss needs the probability of every class.",
                "这是预测的标签。损失需要每个类别的概率。",
            ),
        ),
        Mistake("detached", lambda X, W, b: _net(X, W, b).detach(), DETACHED),
    ),
    otherwise=Words(
        "Compute the logits of the first row on paper. Are they right? And their softmax?",
        "在纸上算出第一行的未规范化的预测。它们对吗？它们的 softmax 呢？",
    ),
)


def _accuracy(y_hat: Tensor, y: Tensor) -> float:
    return float((y_hat.argmax(1) == y).sum())


ACCURACY = Exercise(
    name="accuracy",
    section="3.6.5",
    task=Words(
        "Return how many predictions are right.\n"
        "A prediction is right if the largest score of its row is the one of the label.",
        "返回预测正确的个数。\n如果一行中得分最大的类别正是标签，这个预测就是正确的。",
    ),
    arguments={
        "y_hat": Words("a score for each class, shape (n, q)", "每个类别的得分，形状 (n, q)"),
        "y": LABELS,
    },
    returns=Words("one number", "一个数"),
    inputs=(
        given(y_hat=tensor([[0.1, 0.7, 0.2], [0.6, 0.3, 0.1], [0.2, 0.3, 0.5]]), y=tensor([1, 2, 2])),
        given(
            y_hat=tensor([[2.0, -1.0], [0.5, 3.0], [-2.0, -4.0], [1.0, 0.0], [0.0, 1.5]]),
            y=tensor([0, 1, 0, 1, 1]),
        ),
        given(y_hat=tensor([[0.3, 0.2, 0.4, 0.1], [0.1, 0.2, 0.3, 0.4]]), y=tensor([0, 0])),
        given(y_hat=tensor([[0.2, 0.8], [0.9, 0.1], [0.4, 0.6]]), y=tensor([1, 0, 1], dtype=torch.int32)),
    ),
    truth=_accuracy,
    mistakes=(
        Mistake(
            "share",
            lambda y_hat, y: _accuracy(y_hat, y) / len(y),
            Words(
                "This is the share of right predictions. The number is wanted: minibatches of different size can be "
                "added up by number, not by share.",
                "这是正确预测的比例。这里要的是个数：大小不同的小批量，个数可以相加，比例不行。",
            ),
        ),
        Mistake(
            "percent",
            lambda y_hat, y: 100 * _accuracy(y_hat, y) / len(y),
            Words(
                "This is the share in percent. The number of right predictions is wanted.",
                "这是百分比。这里要的是预测正确的个数。",
            ),
        ),
        Mistake(
            "wrong ones",
            lambda y_hat, y: len(y) - _accuracy(y_hat, y),
            Words("These are the wrong predictions.", "这是预测错误的个数。"),
        ),
        Mistake(
            "all of them",
            lambda y_hat, y: len(y),
            Words(
                "All predictions have been counted. The comparisons have to be added up, not their number.",
                "所有的预测都被数进去了。要把比较的结果相加，而不是数有几个比较。",
            ),
        ),
        Mistake(
            "wrong axis",
            lambda y_hat, y: (y_hat.argmax(0) == y).sum(),
            Words(
                "This finds the best example of each class. Each row is one example: which axis has its classes?",
                "这里找的是每个类别得分最高的样本。每一行是一个样本，它的类别排在哪个轴上？",
            ),
        ),
        Mistake(
            "one for all",
            lambda y_hat, y: (y_hat.argmax() == y).sum(),
            Words(
                "Without an axis `argmax` looks for the largest score of all rows, and gives its place in all of "
                "y_hat.",
                "不指定轴时，`argmax` 会在所有行里找最大的得分，给出它在整个 y_hat 中的位置。",
            ),
        ),
        Mistake(
            "scores, not classes",
            lambda y_hat, y: (y_hat.amax(1) == y).sum(),
            Words(
                "Here the largest scores are compared with labels. At which place is the largest one?",
                "这里拿最大的得分和标签比较。最大的得分在第几个位置？",
            ),
        ),
        Mistake(
            "scores, not classes",
            lambda y_hat, y: (y_hat == y).sum(),
            Words(
                "Here scores are compared with labels. Which class does each row predict?",
                "这里拿得分和标签比较。每一行预测的是哪个类别？",
            ),
        ),
        Mistake(
            "smallest",
            lambda y_hat, y: (y_hat.argmin(1) == y).sum(),
            Words("This takes the class with the smallest score.", "这里取的是得分最小的类别。"),
        ),
        Mistake(
            "rounded first",
            lambda y_hat, y: (y_hat.type(y.dtype).argmax(1) == y).sum(),
            Words(
                "The scores have been converted to the type of the labels, which rounds 0.7 to 0. Find the class "
                "before you convert anything.",
                "得分先被转换成了标签的类型，0.7 就变成了 0。先找出类别，再转换类型。",
            ),
        ),
        Mistake(
            "not counted",
            lambda y_hat, y: y_hat.argmax(1) == y,
            Words(
                "This says of each prediction whether it is right. How many are they?",
                "这里说的是每个预测对不对。一共对了几个？",
            ),
        ),
        Mistake(
            "all or nothing",
            lambda y_hat, y: torch.equal(y_hat.argmax(1), y),
            Words(
                "This says whether all predictions are right. How many are they?",
                "这里说的是预测是否全对。一共对了几个？",
            ),
        ),
        Mistake(
            "labels predicted",
            lambda y_hat, y: y_hat.argmax(1),
            Words(
                "These are the predicted labels. Compare them with the true ones.",
                "这是预测的标签。要拿它们和真实标签比较。",
            ),
        ),
    ),
    otherwise=Words(
        "Mark the largest score of each row by hand, and count the rows in which it is at the label.",
        "逐行圈出最大的得分，数一数有几行圈在标签上。",
    ),
)
