"""The exercises of the loss of classes: ``cross_entropy`` and ``cross_entropy_gradient``."""

from torch import Tensor, tensor

from onelayer import functional
from onelayer.exercises.classes import LABELS, LOGITS, OVERFLOW, WRONG_AXIS, naive_softmax
from onelayer.exercises.exercise import Exercise, Mistake, Words, given
from onelayer.exercises.regression import DETACHED


def _of_true_class(y_hat: Tensor, y: Tensor) -> Tensor:
    return y_hat[range(len(y)), y]


def _right_cross_entropy(y_hat: Tensor, y: Tensor) -> Tensor:
    return -_of_true_class(y_hat, y).log()


_PROBABILITIES = tensor([[0.2, 0.7, 0.1], [0.5, 0.2, 0.3]])

CROSS_ENTROPY = Exercise(
    name="cross_entropy",
    section="3.6.4",
    task=Words(
        "Return the cross-entropy loss of each example: −log of the probability of its true class.\n"
        "The logarithm is the natural one. The losses are neither added up nor averaged.",
        "返回每个样本的交叉熵损失：真实类别的概率取对数，再取负。\n对数是自然对数。各个样本的损失既不求和，也不求平均。",
    ),
    arguments={
        "y_hat": Words("probabilities of the classes, shape (n, q)", "各个类别的概率，形状 (n, q)"),
        "y": LABELS,
    },
    returns=Words("losses, shape (n,)", "损失，形状 (n,)"),
    inputs=(
        given(y_hat=_PROBABILITIES, y=tensor([1, 2])),
        given(y_hat=tensor([[0.6, 0.4], [0.1, 0.9], [0.8, 0.2]]), y=tensor([0, 0, 1])),
        given(y_hat=tensor([[0.25, 0.05, 0.3, 0.4]]), y=tensor([2])),
        given(y_hat=_PROBABILITIES.double(), y=tensor([1, 2])),
        given(y_hat=_PROBABILITIES.clone().requires_grad_(True), y=tensor([1, 2])),
        given(y_hat=tensor([[0.4, 0.0, 0.6], [0.0, 0.5, 0.5]]), y=tensor([0, 2])),
    ),
    truth=_right_cross_entropy,
    mistakes=(
        Mistake(
            "mean",
            lambda y_hat, y: _right_cross_entropy(y_hat, y).mean(),
            Words(
                "The losses have been averaged. Each example is to keep its own.",
                "损失被取了平均。每个样本要保留自己的损失。",
            ),
        ),
        Mistake(
            "sum",
            lambda y_hat, y: _right_cross_entropy(y_hat, y).sum(),
            Words(
                "The losses have been added up. Each example is to keep its own.",
                "损失被加到了一起。每个样本要保留自己的损失。",
            ),
        ),
        Mistake(
            "wrong sign",
            lambda y_hat, y: -_right_cross_entropy(y_hat, y),
            Words(
                "The logarithm of a probability is at most 0, and a loss is at least 0.",
                "概率的对数不大于 0，而损失不小于 0。",
            ),
        ),
        Mistake(
            "base ten",
            lambda y_hat, y: -_of_true_class(y_hat, y).log10(),
            Words("This is the logarithm to base 10.", "这是以 10 为底的对数。"),
        ),
        Mistake(
            "base two",
            lambda y_hat, y: -_of_true_class(y_hat, y).log2(),
            Words("This is the logarithm to base 2.", "这是以 2 为底的对数。"),
        ),
        Mistake(
            "all classes",
            lambda y_hat, y: -y_hat.log().sum(1),
            Words(
                "The logarithms of all classes have been added up. Of the sum over classes only one term survives.",
                "所有类别的对数都加起来了。对类别求和时，只有一项会留下。",
            ),
        ),
        Mistake(
            "every class",
            lambda y_hat, y: -y_hat.log(),
            Words(
                "Each class has a number. Each example is to have one: which of its classes counts?",
                "这里每个类别都有一个数。每个样本只要一个：该算哪个类别？",
            ),
        ),
        Mistake(
            "predicted class",
            lambda y_hat, y: -y_hat.amax(1).log(),
            Words(
                "This takes the class with the largest probability. The loss is about the true one.",
                "这里取的是概率最大的类别。损失要看的是真实的类别。",
            ),
        ),
        Mistake(
            "first class",
            lambda y_hat, y: -y_hat[:, 0].log(),
            Words("The labels have not been used.", "还没有用到标签。"),
        ),
        Mistake(
            "whole columns",
            lambda y_hat, y: -y_hat[:, y].log(),
            Words(
                "`[:, y]` takes the columns y of every row. In row i only column yᵢ is meant.",
                "`[:, y]` 取的是每一行的这些列。第 i 行只要第 yᵢ 列。",
            ),
        ),
        Mistake(
            "whole rows",
            lambda y_hat, y: -y_hat[y].log(),
            Words(
                "`[y]` takes the rows y. The label says which column of its row counts.",
                "`[y]` 取的是行。标签说的是该看本行的哪一列。",
            ),
        ),
        Mistake(
            "no logarithm",
            lambda y_hat, y: 1 - _of_true_class(y_hat, y),
            Words(
                "This is how much is missing to 1. The loss grows beyond all bounds as the probability goes to 0.",
                "这是与 1 相差多少。概率趋于 0 时，损失应无限增大。",
            ),
        ),
        Mistake(
            "negative probability",
            lambda y_hat, y: -_of_true_class(y_hat, y),
            Words("The right probabilities have been picked. A step is missing.", "概率选对了，还少一步。"),
        ),
        Mistake(
            "softmax again",
            lambda y_hat, y: functional.cross_entropy(y_hat, y, "none"),
            Words(
                "Softmax has been applied once more: y_hat has probabilities already, not logits.",
                "这里又做了一次 softmax：y_hat 已经是概率，而不是未规范化的预测。",
            ),
        ),
        Mistake(
            "not summed",
            lambda y_hat, y: -functional.one_hot(y, y_hat.shape[1]) * y_hat.log(),
            Words(
                "Only the true class is left in each row, but the row is still there. Each example is to have one "
                "number.",
                "每一行只剩下真实类别的一项，但行还在。每个样本应该只有一个数。",
            ),
        ),
        Mistake(
            "zero times infinity",
            lambda y_hat, y: -(functional.one_hot(y, y_hat.shape[1]) * y_hat.log()).sum(1),
            Words(
                "A class with probability 0 has the logarithm −∞, and 0 times that is not a number. Pick the true "
                "class before you take the logarithm.",
                "概率为 0 的类别，对数是 −∞，乘以 0 就不是数了。先挑出真实类别，再取对数。",
            ),
        ),
        Mistake("detached", lambda y_hat, y: _right_cross_entropy(y_hat, y).detach(), DETACHED),
    ),
    otherwise=Words(
        "Which probability of the first row belongs to its label? Take the loss of that one on paper.",
        "第一行中，哪个概率属于它的标签？在纸上算出它的损失。",
    ),
    or_vector=True,
)


def _gradient_of(probabilities: Tensor, labels: Tensor) -> Tensor:
    return probabilities - functional.one_hot(labels, probabilities.shape[1])


CROSS_ENTROPY_GRADIENT = Exercise(
    name="cross_entropy_gradient",
    section="3.4.6",
    task=Words(
        "Return the derivative of each example's cross-entropy loss with respect to its logits.\n"
        "The loss is that of softmax(logits). Derive the formula on paper first.",
        "返回每个样本的交叉熵损失对其未规范化的预测的导数。\n"
        "损失是 softmax(logits) 的损失。先在纸上推导出公式。",
    ),
    arguments={"logits": Words("logits, shape (n, q)", "未规范化的预测，形状 (n, q)"), "labels": LABELS},
    returns=Words("derivatives, shape (n, q)", "导数，形状 (n, q)"),
    inputs=(
        given(logits=LOGITS, labels=tensor([2, 1])),
        given(logits=tensor([[1.0, 2.0], [3.0, 5.0], [0.0, 0.5]]), labels=tensor([0, 1, 1])),
        given(logits=tensor([[-1.0, 0.0, 2.0, 0.5]]), labels=tensor([3])),
        given(logits=LOGITS.double(), labels=tensor([2, 1])),
        given(logits=tensor([[1000.0, 1002.0], [-1000.0, -1001.0]]), labels=tensor([0, 1])),
    ),
    truth=functional.cross_entropy_gradient,
    mistakes=(
        Mistake(
            "wrong sign",
            lambda logits, labels: -_gradient_of(logits.softmax(1), labels),
            Words(
                "The sign is wrong: does the loss fall or grow as the logit of the true class grows?",
                "符号反了：真实类别的未规范化的预测增大时，损失是减小还是增大？",
            ),
        ),
        Mistake(
            "divided by n",
            lambda logits, labels: _gradient_of(logits.softmax(1), labels) / len(labels),
            Words(
                "This is the gradient of the mean over the examples. Each example's own loss is meant.",
                "这是各样本平均损失的梯度。这里要的是每个样本自己的损失。",
            ),
        ),
        Mistake(
            "labels not used",
            lambda logits, labels: logits.softmax(1),
            Words(
                "These are the probabilities. What does the labels' term add?",
                "这是概率。含标签的那一项带来了什么？",
            ),
        ),
        Mistake(
            "label numbers",
            lambda logits, labels: logits.softmax(1) - labels[:, None],
            Words(
                "The number of the class has been subtracted from all of the row. In which form does y stand in the "
                "formula?",
                "从整行里减去了类别的编号。公式里的 y 是什么形式？",
            ),
        ),
        Mistake(
            "label numbers",
            lambda logits, labels: logits.softmax(1) - labels,
            Words(
                "The labels (n,) cannot be subtracted from probabilities (n, q). In which form does y stand in the "
                "formula?",
                "标签 (n,) 不能从概率 (n, q) 中减去。公式里的 y 是什么形式？",
            ),
        ),
        Mistake(
            "no softmax",
            lambda logits, labels: _gradient_of(logits, labels),
            Words(
                "This is right for squared loss. The logits are not probabilities yet.",
                "对平方损失来说是这样。但未规范化的预测还不是概率。",
            ),
        ),
        Mistake(
            "by the probabilities",
            lambda logits, labels: -functional.one_hot(labels, logits.shape[1]) / logits.softmax(1),
            Words(
                "This is the derivative with respect to the probabilities. The chain rule goes on to the logits.",
                "这是对概率的导数。按链式法则，还要继续求到未规范化的预测。",
            ),
        ),
        Mistake(
            "true class only",
            lambda logits, labels: (
                _gradient_of(logits.softmax(1), labels) * functional.one_hot(labels, logits.shape[1])
            ),
            Words(
                "Only the true class has a derivative here. The other logits are in the denominator of softmax.",
                "这里只有真实类别有导数。其他的未规范化的预测也在 softmax 的分母里。",
            ),
        ),
        Mistake(
            "derivative of the logistic function",
            lambda logits, labels: logits.softmax(1) * (1 - logits.softmax(1)),
            Words(
                "p(1 − p) is how a probability changes with its own logit. The loss has a logarithm in between.",
                "p(1 − p) 是概率对它自己的未规范化的预测的导数。损失中间还有一个对数。",
            ),
        ),
        Mistake("wrong axis", lambda logits, labels: _gradient_of(logits.softmax(0), labels), WRONG_AXIS),
        Mistake(
            "summed",
            lambda logits, labels: _gradient_of(logits.softmax(1), labels).sum(0),
            Words(
                "The examples have been added up. Each one has a row of derivatives.",
                "各个样本加到一起了。每个样本各有一行导数。",
            ),
        ),
        Mistake(
            "overflow",
            lambda logits, labels: _gradient_of(naive_softmax(logits), labels),
            OVERFLOW,
            is_forgiven=True,
        ),
    ),
    otherwise=Words(
        "Move one logit of the first row by 0.001 and see by how much the loss changes: that is what is asked for.",
        "把第一行的一个未规范化的预测改变 0.001，看损失变了多少：要求的就是这个变化率。",
    ),
)
