"""The exercises of linear regression's model and loss: ``linreg`` and ``squared_loss``."""

import torch
from torch import Tensor, tensor

from onelayer.exercises.exercise import Exercise, Mistake, Words, given
from onelayer.functional import squared_loss

DETACHED = Words(
    "The values are right, but the result no longer knows how it was computed, so `backward` cannot get back to the "
    "parameters. `detach`, `item`, `numpy`, `torch.tensor` and `no_grad` do that.",
    "值是对的，但结果已经不知道自己是怎么算出来的，`backward` 回不到参数。`detach`、`item`、`numpy`、"
    "`torch.tensor` 和 `no_grad` 都会这样。",
)

LINREG = Exercise(
    name="linreg",
    section="3.2.4",
    task=Words(
        "Return the predictions of linear regression, Xw + b, for all examples at once.",
        "返回线性回归对所有样本的预测 Xw + b，一次算完。",
    ),
    arguments={
        "X": Words("features, one row for each example, shape (n, d)", "特征，每个样本一行，形状 (n, d)"),
        "w": Words("weights, shape (d, 1)", "权重，形状 (d, 1)"),
        "b": Words("bias, shape (1,)", "偏置，形状 (1,)"),
    },
    returns=Words("predictions, shape (n, 1)", "预测值，形状 (n, 1)"),
    inputs=(
        given(X=tensor([[1.0, 2.0], [3.0, 5.0], [-1.0, 4.0]]), w=tensor([[2.0], [-3.0]]), b=tensor([0.5])),
        given(X=tensor([[1.0, 2.0], [3.0, 5.0]]), w=tensor([[10.0], [1.0]]), b=tensor([-2.0])),
        given(X=tensor([[2.0, -1.0, 4.0]]), w=tensor([[1.0], [3.0], [0.5]]), b=tensor([1.5])),
        given(X=tensor([[1.0], [2.0], [4.0], [7.0]]), w=tensor([[3.0]]), b=tensor([-1.0])),
        given(
            X=tensor([[1.0, 2.0], [3.0, 5.0], [-1.0, 4.0]], dtype=torch.float64),
            w=tensor([[2.0], [-3.0]], dtype=torch.float64),
            b=tensor([0.5], dtype=torch.float64),
        ),
        given(
            X=tensor([[1.0, 2.0], [3.0, 5.0], [-1.0, 4.0]]),
            w=tensor([[2.0], [-3.0]], requires_grad=True),
            b=tensor([0.5], requires_grad=True),
        ),
    ),
    truth=lambda X, w, b: X @ w + b,
    mistakes=(
        Mistake(
            "no bias",
            lambda X, w, b: X @ w,
            Words("One of the parameters has not been used.", "有一个参数还没有用上。"),
        ),
        Mistake(
            "bias subtracted",
            lambda X, w, b: X @ w - b,
            Words("Look at the sign of the bias.", "看看偏置的符号。"),
        ),
        Mistake(
            "bias on the features",
            lambda X, w, b: (X + b) @ w,
            Words(
                "The bias belongs to the output: here the weights multiply it too.",
                "偏置是加在输出上的，而这里它也被权重乘了。",
            ),
        ),
        Mistake(
            "elementwise product",
            lambda X, w, b: X * w + b,
            Words(
                "`*` multiplies element by element. A prediction is a sum of products over the features.",
                "`*` 是逐元素相乘，而预测值是对各特征的乘积求和。",
            ),
        ),
        Mistake(
            "not summed",
            lambda X, w, b: X * w.T + b,
            Words(
                "Each feature has been multiplied by its weight, but an example is to have one number: the products "
                "have not been added up.",
                "每个特征都乘了各自的权重，但每个样本应该只有一个数：乘积还没有加起来。",
            ),
        ),
        Mistake(
            "summed over all",
            lambda X, w, b: (X @ w + b).sum(),
            Words(
                "All examples have been added up. Each one has a prediction of its own.",
                "所有样本加到一起了。每个样本各有一个预测值。",
            ),
        ),
        Mistake(
            "features transposed",
            lambda X, w, b: X.T @ w + b,
            Words(
                "The examples are the rows of X already. Which of its two sizes has to meet that of w?",
                "X 的每一行已经是一个样本。X 的两个大小中，哪一个要与 w 的相接？",
            ),
        ),
        Mistake(
            "factors exchanged",
            lambda X, w, b: w @ X + b,
            Words(
                "A matrix product depends on the order of its factors: the sizes that meet have to be equal.",
                "矩阵乘法与次序有关：相接的两个大小必须相等。",
            ),
        ),
        Mistake(
            "a row of predictions",
            lambda X, w, b: w.T @ X.T + b,
            Words(
                "The numbers are right, but they lie in a row. One row belongs to each example.",
                "数是对的，却排成了一行。每个样本应各占一行。",
            ),
        ),
        Mistake("detached", lambda X, w, b: (X @ w + b).detach(), DETACHED),
    ),
    otherwise=Words(
        "Work out the prediction of the first row on paper, and compare.",
        "在纸上算出第一行的预测值，再来比较。",
    ),
    or_vector=True,  # predictions (n,) work in the book's loop too: its loss gives y the shape of y_hat
)


def _right(y_hat: Tensor, y: Tensor) -> Tensor:
    return squared_loss(y_hat, y.reshape(y_hat.shape))


def _difference(y_hat: Tensor, y: Tensor) -> Tensor:
    return y_hat - y.reshape(y_hat.shape)


SQUARED_LOSS = Exercise(
    name="squared_loss",
    section="3.2.5",
    task=Words(
        "Return the squared loss ½(ŷ − y)² of each example.\n"
        "The losses are neither added up nor averaged.\n"
        "The labels may have another shape than the predictions: (n,) beside (n, 1).",
        "返回每个样本的平方损失 ½(ŷ − y)²。\n"
        "各个样本的损失既不求和，也不求平均。\n"
        "标签的形状可能与预测值不同：一个是 (n,)，另一个是 (n, 1)。",
    ),
    arguments={
        "y_hat": Words("predictions, shape (n, 1)", "预测值，形状 (n, 1)"),
        "y": Words("labels, shape (n, 1) or (n,)", "标签，形状 (n, 1) 或 (n,)"),
    },
    returns=Words("losses, shape (n, 1)", "损失，形状 (n, 1)"),
    inputs=(
        given(y_hat=tensor([[2.0], [4.0], [7.0]]), y=tensor([[1.0], [6.0], [6.5]])),
        given(y_hat=tensor([[2.0], [4.0], [7.0]]), y=tensor([1.0, 6.0, 6.5])),
        given(y_hat=tensor([1.0, -2.0]), y=tensor([[4.0], [2.0]])),
        given(y_hat=tensor([[3.0]]), y=tensor([-1.0])),
        given(
            y_hat=tensor([[0.5], [3.0]], dtype=torch.float64), y=tensor([[2.0], [1.0]], dtype=torch.float64)
        ),
        given(y_hat=tensor([[2.0], [4.0], [7.0]], requires_grad=True), y=tensor([[1.0], [6.0], [6.5]])),
    ),
    truth=_right,
    mistakes=(
        Mistake(
            "no half",
            lambda y_hat, y: _difference(y_hat, y) ** 2,
            Words("Compare with the formula: a constant is missing.", "和公式比一比：少了一个常数。"),
        ),
        Mistake(
            "mean",
            lambda y_hat, y: _right(y_hat, y).mean(),
            Words(
                "The losses have been averaged. Each example is to keep its own.",
                "损失被取了平均。每个样本要保留自己的损失。",
            ),
        ),
        Mistake(
            "sum",
            lambda y_hat, y: _right(y_hat, y).sum(),
            Words(
                "The losses have been added up. Each example is to keep its own.",
                "损失被加到了一起。每个样本要保留自己的损失。",
            ),
        ),
        Mistake(
            "mean without half",
            lambda y_hat, y: (_difference(y_hat, y) ** 2).mean(),
            Words(
                "This is the mean squared error, as `nn.MSELoss` has it. The squared loss here differs from it twice: "
                "look at the formula, and at how many numbers are asked for.",
                "这是 `nn.MSELoss` 那样的均方误差。这里的平方损失与它有两处不同：看看公式，再看看要的是几个数。",
            ),
        ),
        Mistake(
            "broadcast",
            lambda y_hat, y: (y_hat - y) ** 2 / 2,
            Words(
                "Broadcasting has subtracted every label from every prediction, for a column and a row give a table. "
                "Each prediction has one label: give both one shape first.",
                "一列和一行相减，由于广播得到一张表：每个预测值都减去了每个标签。每个预测值只对应一个标签，"
                "要先让两者形状相同。",
            ),
        ),
        Mistake(
            "absolute",
            lambda y_hat, y: _difference(y_hat, y).abs(),
            Words(
                "This is the absolute error. A squared loss punishes an error twice as large four times as hard.",
                "这是绝对误差。平方损失对两倍大的误差，惩罚是四倍。",
            ),
        ),
        Mistake(
            "half absolute",
            lambda y_hat, y: _difference(y_hat, y).abs() / 2,
            Words(
                "The error enters with its absolute value. What does the loss's name say?",
                "这里用的是误差的绝对值。想想这个损失的名字。",
            ),
        ),
        Mistake(
            "not squared",
            _difference,
            Words(
                "This is the error itself. Its sign would let errors cancel each other.",
                "这是误差本身。它有正有负，会互相抵消。",
            ),
        ),
        Mistake(
            "half not squared",
            lambda y_hat, y: _difference(y_hat, y) / 2,
            Words(
                "The error itself has been halved. Its sign would let errors cancel each other.",
                "这里只是把误差减半。误差有正有负，会互相抵消。",
            ),
        ),
        Mistake(
            "half inside the square",
            lambda y_hat, y: (_difference(y_hat, y) / 2) ** 2,
            Words(
                "The ½ has been squared too. In which order do the operations come?",
                "½ 也被平方了。想想运算的先后次序。",
            ),
        ),
        Mistake(
            "difference of squares",
            lambda y_hat, y: (y_hat**2 - y.reshape(y_hat.shape) ** 2) / 2,
            Words(
                "A difference of squares is not the square of a difference.",
                "平方之差不等于差的平方。",
            ),
        ),
        Mistake(
            "root",
            lambda y_hat, y: (_difference(y_hat, y) ** 2).mean().sqrt(),
            Words(
                "This is the root mean squared error, one number for all examples. No root and no mean are asked for.",
                "这是均方根误差，所有样本合成了一个数。这里既不开方，也不取平均。",
            ),
        ),
        Mistake("detached", lambda y_hat, y: _right(y_hat, y).detach(), DETACHED),
    ),
    otherwise=Words(
        "Work out the loss of the first example on paper, and compare.",
        "在纸上算出第一个样本的损失，再来比较。",
    ),
    or_vector=True,
)
