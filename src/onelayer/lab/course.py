"""The course: the lessons in order, what part of the notes each is about, and where its files are."""

from dataclasses import dataclass
from pathlib import Path

from onelayer.lab.interface import Language

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Entry:
    """One lesson in the course's list.

    Attributes:
        slug: its name in addresses; the folder of its files has underscores for the hyphens.
        sections: the sections of the notes that it is about, if they have numbers.
        title: its title in each language.
        summary: what it shows, in one line.
    """

    slug: str
    sections: str
    title: dict[Language, str]
    summary: dict[Language, str]

    @property
    def folder(self) -> Path:
        """The folder with the lesson's declaration, experiment and prose."""
        return HERE / "lessons" / self.slug.replace("-", "_")

    @property
    def kernels(self) -> bytes:
        """The script with the lesson's kernels, which may be empty."""
        path = self.folder / "kernels.js"
        return path.read_bytes() if path.exists() else b""

    @property
    def picture(self) -> str:
        """The SVG element that stands for the lesson in the index."""
        return (HERE / "pictures" / f"{self.slug}.svg").read_text(encoding="utf-8")


COURSE = (
    Entry(
        "linear-regression",
        "1.1.1–1.1.4",
        {"zh": "线性回归与解析解", "en": "Linear regression and its analytic solution"},
        {
            "zh": "用真实的房价：特征、标签、权重、损失，以及一步到位的解。",
            "en": "On real house prices: features, labels, weights, the loss, and the solution in one step.",
        },
    ),
    Entry(
        "sgd",
        "1.1.5",
        {"zh": "小批量随机梯度下降", "en": "Minibatch stochastic gradient descent"},
        {
            "zh": "学习率和批量大小怎样决定在损失曲面上走的路。",
            "en": "How the learning rate and the batch size decide the path over the loss surface.",
        },
    ),
    Entry(
        "normal-noise",
        "1.1.6",
        {"zh": "正态分布与平方损失", "en": "The normal distribution and squared error"},
        {
            "zh": "噪声服从正态分布时，最小化平方误差就是极大似然估计。",
            "en": "Under normal noise, least squares is maximum likelihood estimation.",
        },
    ),
    Entry(
        "vectorization",
        "1.2",
        {"zh": "矢量化加速", "en": "Vectorization"},
        {
            "zh": "循环和一次调用，实测用时。",
            "en": "A loop against one call, timed on a real machine.",
        },
    ),
    Entry(
        "networks",
        "1.3",
        {"zh": "从线性回归到神经网络", "en": "From linear regression to networks"},
        {
            "zh": "把模型画成单层的全连接网络。",
            "en": "The model drawn as a network of one fully connected layer.",
        },
    ),
    Entry(
        "from-scratch",
        "1.4",
        {"zh": "线性回归的从零开始实现", "en": "Linear regression from scratch"},
        {
            "zh": "只用张量和自动求导，训练出已知的权重。",
            "en": "With tensors and autograd only, training finds the weights that are known.",
        },
    ),
    Entry(
        "concise",
        "1.5",
        {"zh": "线性回归的简洁实现", "en": "Linear regression, concisely"},
        {
            "zh": "用框架的层、损失和优化器得到同样的数。",
            "en": "The same numbers from the framework's layer, loss and optimizer.",
        },
    ),
    Entry(
        "softmax",
        "2.1–2.3.1",
        {"zh": "分类与 softmax", "en": "Classification and softmax"},
        {
            "zh": "独热编码、未规范化的预测，以及把它们变成概率的 softmax。",
            "en": "One-hot labels, logits, and softmax, which turns them into probabilities.",
        },
    ),
    Entry(
        "cross-entropy",
        "2.3.2–2.3.3",
        {"zh": "交叉熵损失", "en": "The cross-entropy loss"},
        {
            "zh": "真实标签有多令人意外：损失、它的导数，以及编码要用多少比特。",
            "en": "How surprising the truth was: the loss, its derivative, and bits of a code.",
        },
    ),
    Entry(
        "fashion-mnist",
        "2.4.1",
        {"zh": "Fashion-MNIST 数据集", "en": "The Fashion-MNIST data set"},
        {
            "zh": "70,000 张图片，十个类别：把像素看作特征。",
            "en": "70,000 images of ten classes: pixels as features.",
        },
    ),
    Entry(
        "softmax-regression",
        "2.4.2",
        {"zh": "训练 softmax 回归", "en": "Training softmax regression"},
        {
            "zh": "在完整的训练集上训练，看它学到了什么、错在哪里；再与多层感知机比较。",
            "en": "The full training set: what the model learns, where it errs, and what an MLP adds.",
        },
    ),
    Entry(
        "every-pixel",
        "",
        {"zh": "延伸：每个像素上的一层", "en": "Further on: a layer at every pixel"},
        {
            "zh": "Glow 和语义分割都用到的线性层：在每个像素上各用一次，用同样的循环来训练。",
            "en": "Glow and semantic segmentation: a linear layer, used at every pixel and trained in the same loop.",
        },
    ),
    Entry(
        "review",
        "",
        {"zh": "小结与自测", "en": "Summary and self-test"},
        {
            "zh": "全章要点，和一组自测题。",
            "en": "The chapter in short, and questions to test yourself.",
        },
    ),
)


def neighbours(slug: str) -> tuple[Entry | None, Entry | None]:
    """Return the lessons before and after one, or None at an end."""
    at = [entry.slug for entry in COURSE].index(slug)
    return (COURSE[at - 1] if at else None, COURSE[at + 1] if at + 1 < len(COURSE) else None)


def entry(slug: str) -> Entry:
    """Return a lesson by its slug.

    Raises:
        KeyError: if the course has no such lesson.
    """
    return {entry.slug: entry for entry in COURSE}[slug]
