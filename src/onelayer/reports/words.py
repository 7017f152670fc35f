"""Every sentence of the page in English and Chinese. What stands in braces is filled in by the page, as HTML."""

from typing import Literal

Language = Literal["en", "zh"]

WORDS: dict[str, tuple[str, str]] = {
    # The head
    "title": (
        "{target}: what a one-layer model learned from {data}",
        "{target}：单层模型从 {data} 中学到了什么",
    ),
    "heading.number": ("Predicting {target}", "预测 {target}"),
    "heading.class": ("Predicting the class: {target}", "预测类别：{target}"),
    "linear": ("Linear regression", "线性回归"),
    "softmax": ("Softmax regression", "softmax 回归"),
    "mlp": ("A multilayer perceptron", "多层感知机"),
    "phm": ("A one-layer network with a PHM layer", "带 PHM 层的单层网络"),
    "lead.number": (
        "{model} predicts {target} from {features} features, learned from {train} rows of {data}.",
        "{model}根据 {features} 个特征预测数值 {target}，用 {data} 的 {train} 个样本训练。",
    ),
    "lead.class": (
        "{model} predicts which of {classes} classes a row is in ({target}), from {features} features, learned "
        "from "
        "{train} rows of {data}.",
        "{model}根据 {features} 个特征，判断样本属于 {classes} 个类别中的哪一个（{target}），用 {data} 的 "
        "{train} 个样本训练。",
    ),
    "judged.test": (
        "Measured on the {n} test rows, which were not used for training:",
        "在未用于训练的 {n} 个测试样本上的表现：",
    ),
    "judged.valid": (
        "Measured on {n} rows that were held out, and not used for training:",
        "在预留的、未用于训练的 {n} 个验证样本上的表现：",
    ),
    "judged.train": (
        "Measured on the {n} training rows themselves, for no others were held out: on new rows it will do "
        "worse.",
        "没有预留其他样本，只能在 {n} 个训练样本本身上衡量：遇到新样本时表现会更差。",
    ),
    "judged.fold": (
        "Measured on a fifth of the rows, predicted by a model that was trained on the others:",
        "用五分之一的行衡量，由其余各行训练的模型预测：",
    ),
    "judged.folds": (
        "Measured by cross-validation in {n} parts, each predicted by a model that was trained on the "
        "others:",
        "由 {n} 折交叉验证衡量，每一折都由用其余各折训练的模型预测：",
    ),
    "accuracy": ("accuracy", "精度"),
    "loss": ("cross-entropy (nats)", "交叉熵（奈特）"),
    "r2": ("R²", "R²"),
    "rmse": ("root mean squared error", "均方根误差"),
    "interval": ("95% interval {low} to {high}", "95% 区间 {low} 至 {high}"),
    "range": ("over the parts {low} to {high}", "各折在 {low} 至 {high} 之间"),
    "baseline.class": (
        "Always answering with the most frequent class would be right in {share} of these rows.",
        "若总是回答最常见的类别，在这些样本上的精度为 {share}。",
    ),
    "baseline.number": (
        "R² is the share of the variance of {target} that the model explains: 0 is no better than its mean, 1 "
        "is perfect.",
        "R² 是模型所解释的 {target} 的方差比例：0 表示不优于直接用均值，1 表示完全准确。",
    ),
    # Warnings
    "warnings": ("Warnings", "注意事项"),
    "warning.scarce.number": (
        "There are few rows to learn from: {ratio} for each coefficient. With fewer than 10 the coefficients "
        "are "
        "unsteady, and on new rows the model does worse than on these.",
        "训练样本偏少：平均每个系数只有 {ratio} 个样本。少于 10 个时系数不稳定，"
        "模型在新样本上的表现会不如在训练样本上。",
    ),
    "warning.scarce.class": (
        "The smallest class has few rows to learn from: {ratio} for each coefficient. With fewer than 10 the "
        "coefficients are unsteady, and on new rows the model does worse than on these.",
        "最小的类别训练样本偏少：平均每个系数只有 {ratio} 个样本。少于 10 个时系数不稳定，"
        "模型在新样本上的表现会不如在训练样本上。",
    ),
    "warning.drift": (
        "These columns differ between the training rows and the rows that the model is measured on, by more "
        "than a "
        "quarter of their standard deviation and more than by chance: {names}. The scores may not hold for "
        "either "
        "kind of rows alone.",
        "以下各列在训练样本与评估样本之间有明显差异，均值之差超过标准差的四分之一，且不像是偶然：{names}。"
        "这里的分数未必适用于其中任何一类样本。",
    ),
    "warning.train": (
        "No rows were held out, so the scores say how well the model fits its own training rows, not how well "
        "it "
        "predicts new ones. --valid 0.2 holds out a fifth.",
        "没有预留样本，因此分数只说明模型对自身训练样本的拟合程度，不代表对新样本的预测能力。用 --valid 0.2 "
        "可预留五分之一。",
    ),
    # The data
    "data": ("The data", "数据"),
    "part.train": ("training rows", "训练样本"),
    "part.valid": ("held-out rows", "验证样本"),
    "part.test": ("test rows", "测试样本"),
    "part.folds": ("cross-validation", "交叉验证"),
    "features": ("features", "特征"),
    "columns": ("columns", "列"),
    "target": ("target", "标签"),
    "classes": ("classes", "类别"),
    "image": ("pixels of an image", "图像像素"),
    "done": ("What was done to the data", "对数据做了什么"),
    "drift": ("How the rows differ from the training rows", "评估样本与训练样本有何不同"),
    "drift.about": (
        "The columns whose means differ most. The difference is in standard deviations; chance alone makes "
        "about "
        "±{chance} of it, ±0.25 is much.",
        "均值相差最大的各列。差异以标准差为单位；仅由偶然就会产生约 ±{chance} 的差异，±0.25 已经很大。",
    ),
    "feature": ("feature", "特征"),
    "mean.train": ("mean, training", "训练均值"),
    "mean.judged": ("mean, {part}", "{part}均值"),
    "difference": ("difference", "差异"),
    "more": ("… and {n} more", "……另有 {n} 项"),
    # The model
    "model": ("The model", "模型"),
    "formula.class": (
        "The probability of a class is exp(its score), divided by the sum of exp(score) over all classes "
        "(softmax).",
        "某类别的概率等于 exp（该类别的得分）除以所有类别的 exp（得分）之和（softmax）。",
    ),
    "formula.binary": (
        "The probability of {second} is 1 / (1 + exp(−log-odds)).",
        "{second} 的概率等于 1 / (1 + exp(−对数几率))。",
    ),
    "log-odds": ("log-odds of {second} against {first}", "{second} 相对于 {first} 的对数几率"),
    "score": ("score of {name}", "{name} 的得分"),
    "offset": ("{name}, as it is in the table", "表中的 {name}，原值"),
    "terms.more": (
        "{n} more terms, each with a smaller effect (the weight times the standard deviation of the feature)",
        "另有 {n} 项，效应（权重乘以特征的标准差）都更小",
    ),
    "formulas.more": ("The scores of {n} more classes are formed likewise.", "其余 {n} 个类别的得分同理。"),
    "formula.pixels": (
        "Each of the {classes} classes has a weight for each of {features} pixels and a bias; the class with "
        "the "
        "largest sum is the answer.",
        "{classes} 个类别各有 {features} 个像素权重和一个偏置；总和最大的类别就是预测结果。",
    ),
    "formula.hidden": (
        "{features} features, {hidden} hidden units with ReLU, {outputs} outputs: no formula that a reader "
        "could use.",
        "{features} 个特征、{hidden} 个带 ReLU 的隐藏单元、{outputs} 个输出：没有便于阅读的公式。",
    ),
    "fitted.exact": (
        "Fitted exactly, with the solver “{solver}”; {parameters} parameters.",
        "由求解器“{solver}”精确求解；共 {parameters} 个参数。",
    ),
    "fitted.ridge": (
        "Fitted exactly, with the solver “{solver}” and the penalty {alpha} × ‖W‖²; {parameters} parameters.",
        "由求解器“{solver}”精确求解，惩罚项为 {alpha} × ‖W‖²；共 {parameters} 个参数。",
    ),
    "fitted.penalty": (
        "Fitted to the exact minimum with the solver “{solver}” and C = {C} (the penalty is ½‖W‖² against C times "
        "the "
        "cross-entropy of all rows); {parameters} parameters.",
        "由求解器“{solver}”求得精确最小值，C = {C}（惩罚项为 ½‖W‖²，与 C 倍的全部样本交叉熵之和相权衡）；共 "
        "{parameters} 个参数。",
    ),
    "fitted.net.linear": (
        "Fitted to the exact minimum with the solver “{solver}” and the penalty "
        "{alpha} × ({share} ‖W‖² + 2 × {l1} ‖W‖₁), which leaves {used} of {features} features in; "
        "{parameters} parameters.",
        "由求解器“{solver}”求得精确最小值，惩罚项为 {alpha} × ({share} ‖W‖² + 2 × {l1} ‖W‖₁)，"
        "{features} 个特征中保留 {used} 个；共 {parameters} 个参数。",
    ),
    "fitted.net.softmax": (
        "Fitted to the exact minimum with the solver “{solver}” and C = {C} (the penalty is {share} × ½‖W‖² + {l1} ‖W‖₁"
        " against C times the cross-entropy of all rows), which leaves {used} of {features} features in; {parameters} "
        "parameters.",
        "由求解器“{solver}”求得精确最小值，C = {C}（惩罚项为 {share} × ½‖W‖² + {l1} ‖W‖₁，与 C 倍的全部样本交叉熵之和"
        "相权衡），{features} 个特征中保留 {used} 个；共 {parameters} 个参数。",
    ),
    "fitted.sgd": (
        "Fitted by minibatch stochastic gradient descent: {epochs} epochs, batch size {batch}, learning rate "
        "{lr}; "
        "{parameters} parameters.",
        "由小批量随机梯度下降训练：{epochs} 个迭代周期，批量大小 {batch}，学习率 {lr}；共 {parameters} 个参数。"
        "",
    ),
    "coefficients": ("Coefficients", "系数"),
    "coefficients.picture": ("Effect of each feature", "各特征的效应"),
    "coefficients.effect": ("change for 1 standard deviation", "特征变化 1 个标准差引起的变化"),
    "coefficients.caption": (
        "How much {what} changes when a feature rises by one standard deviation and the others stay.",
        "其他特征不变、某一特征增加一个标准差时，{what}的变化。",
    ),
    "coefficients.intervals": ("The lines are {level} intervals.", "横线为 {level} 区间。"),
    "coefficients.reference": ("All are relative to the class {name}.", "均相对于类别 {name} 而言。"),
    "coefficients.more": (
        "{n} more coefficients, with smaller effects, are in the model's file.",
        "另有 {n} 个效应更小的系数，保存在模型文件中。",
    ),
    "coefficients.table": (
        "Each coefficient, in units of {what} per unit of the feature",
        "各系数：特征每增加一个单位，{what}的变化",
    ),
    "the log-odds": ("the log-odds", "对数几率"),
    "the score": ("the score", "得分"),
    "bias": ("(bias)", "（偏置）"),
    "estimate": ("estimate", "估计值"),
    "odds": ("odds ratio", "优势比"),
    "std_err": ("std. error", "标准误"),
    "statistic": ("statistic", "统计量"),
    "p": ("p", "p 值"),
    "level.from": ("{level} from", "{level} 下限"),
    "from": ("from", "下限"),
    "the target": ("{target}", "标签 {target} "),
    "to": ("to", "上限"),
    "effect": ("per std. deviation", "每标准差"),
    "groups.more": (
        "The coefficients of {n} more classes are in the model's file.",
        "其余 {n} 个类别的系数保存在模型文件中。",
    ),
    # The choice of the penalty
    "chosen.title": ("How the penalty was chosen", "惩罚项是如何选定的"),
    "chosen.min": (
        "Of {n} penalties, {strength} has the least error on rows left out, {error} ± {standard_error}, by models of "
        "{folds} folds, each learned from the others.",
        "在 {n} 个惩罚强度中，{strength} 在留出样本上的误差最小，为 {error} ± {standard_error}：共 {folds} 折，"
        "每一折都由用其余各折训练的模型预测。",
    ),
    "chosen.1se": (
        "Of {n} penalties, {strength} is the strongest whose error on rows left out, {error} ± {standard_error}, is at "
        "most one standard error above the least, by models of {folds} folds, each learned from the others.",
        "在 {n} 个惩罚强度中，{strength} 是误差不超过最小误差加一个标准误的最强者，其在留出样本上的误差为 {error} ± "
        "{standard_error}：共 {folds} 折，每一折都由用其余各折训练的模型预测。",
    ),
    "chosen.alpha": ("log₁₀ alpha: stronger to the right", "log₁₀ alpha：越靠右惩罚越强"),
    "chosen.C": ("log₁₀ 1/C: stronger to the right", "log₁₀ 1/C：越靠右惩罚越强"),
    "chosen.error.number": ("mean squared error", "均方误差"),
    "chosen.errors": ("Error on rows left out", "留出样本上的误差"),
    "chosen.errors.caption": (
        "With one standard error to each side; the dashed line is the penalty chosen.",
        "竖线为上下各一个标准误；虚线为选定的惩罚强度。",
    ),
    "chosen.effect": ("change for 1 standard deviation", "特征变化 1 个标准差引起的变化"),
    "chosen.effects": ("Effects along the penalties", "各惩罚强度下的效应"),
    "chosen.effects.caption": (
        "A line for each of the features whose effects are largest: {names}. Over several classes it is the root of "
        "the sum of their squares.",
        "效应最大的各特征各画一条线：{names}。有多个类别时，取各类别效应平方和的平方根。",
    ),
    # Right and wrong
    "results": ("What it gets right and wrong", "对在哪里，错在哪里"),
    "results.about": (
        "All pictures are of the {part}, unless they say otherwise.",
        "除另有说明外，以下各图均为{part}。",
    ),
    "shown": (
        "{shown} of {total} points, chosen at random, are drawn.",
        "图中为从 {total} 个点中随机选取的 {shown} 个。",
    ),
    "shown.worst": (
        "{shown} of {total} points are drawn: those in the table below, and others chosen at random.",
        "图中画出 {total} 个点中的 {shown} 个：下表所列的，以及随机选取的其他点。",
    ),
    "shown.missing": (
        " Rows without this feature are left out.",
        "缺少该特征的样本未画出。",
    ),
    "shown.means": (
        " The means are of {rows} rows, chosen at random.",
        "各组均值由随机选取的 {rows} 个样本算出。",
    ),
    "chosen": (
        "Residuals are drawn along {shown} of the {total} features, those with the clearest pattern; along the others "
        "it is no clearer than by chance, or weaker than along these.",
        "{total} 个特征中只画出残差规律最明显的 {shown} 个；其余特征上的规律不比偶然更明显，或弱于图中所示。",
    ),
    "true": ("true {target}", "{target} 真实值"),
    "predicted": ("predicted {target}", "{target} 预测值"),
    "residual": ("residual: true − predicted", "残差：真实值 − 预测值"),
    "fit": ("Predicted against true", "预测值与真实值"),
    "fit.caption": (
        "Each point is a row; on the line the prediction is right.",
        "每个点是一个样本；落在线上表示预测正确。",
    ),
    "residuals.predicted": ("Residuals against the prediction", "残差与预测值"),
    "residuals.predicted.caption": (
        "The thick line joins the means of ten groups. A level band around 0 is what the linear model expects; "
        "a bend "
        "or a funnel says that something is missing.",
        "粗线连接十组样本的均值。线性模型所期望的是围绕 0 的水平带；弯曲或喇叭形说明模型遗漏了某些规律。",
    ),
    "residuals.feature": ("Residuals against {feature}", "残差与 {feature}"),
    "residuals.feature.caption": (
        "The group means explain {share} of the residuals' variance.",
        "各组均值解释了残差方差的 {share}。",
    ),
    "quantiles": ("Are the residuals normal?", "残差服从正态分布吗？"),
    "quantiles.x": ("quantile of the standard normal distribution", "标准正态分布的分位数"),
    "quantiles.y": ("residual", "残差"),
    "quantiles.caption": (
        "On the line they are normal. Ends that leave it mean more large errors than normal noise would make, "
        "or fewer; "
        "intervals and p-values then hold only roughly.",
        "落在线上即为正态。两端偏离直线，说明大误差比正态噪声更多或更少；此时区间与 p 值只是近似。",
    ),
    "leverage": ("Rows with influence", "影响较大的样本"),
    "leverage.x": ("leverage", "杠杆值"),
    "leverage.y": ("studentised residual", "学生化残差"),
    "leverage.caption": (
        "Training rows. Far to the right the features are unusual; beyond a dashed line, Cook's distance D, "
        "leaving the "
        "row out would move the coefficients much.",
        "训练样本。越靠右，特征越不寻常；越过虚线（库克距离 D）的样本，去掉后系数会明显变化。",
    ),
    "influential": ("The training rows with the largest Cook's distance", "库克距离最大的训练样本"),
    "row": ("training row", "训练样本序号"),
    "cook": ("Cook's D", "库克距离"),
    "confusion": ("Confusion matrix", "混淆矩阵"),
    "confusion.caption": (
        "Rows are true classes, columns predicted ones; the darker, the larger the share of the true class.",
        "各行是真实类别，各列是预测类别；颜色越深，占该真实类别的比例越大。",
    ),
    "confusions": ("The most frequent mistakes", "最常见的误判"),
    "true.class": ("true", "真实类别"),
    "predicted.class": ("predicted", "预测类别"),
    "count": ("rows", "样本数"),
    "class": ("class", "类别"),
    "found": ("found", "查全率"),
    "precise": ("right when predicted", "查准率"),
    "per.class": ("Each class", "各类别"),
    "per.class.caption": (
        "“Found” is the share of the true class that was predicted as such (recall), with its 95% interval; "
        "“right when "
        "predicted” is the share of these predictions that is right (precision).",
        "查全率：真实属于该类别的样本中被预测为该类别的比例，附 95% 区间；查准率："
        "被预测为该类别的样本中预测正确的比例。",
    ),
    "calibration": ("Do the probabilities mean what they say?", "概率可信吗？"),
    "calibration.x": ("predicted probability", "预测概率"),
    "calibration.y.binary": ("share that is {name}", "{name} 的实际比例"),
    "calibration.y.surest": ("share that is right", "预测正确的比例"),
    "calibration.caption.binary": (
        "Of the rows to which the model gives {name} a probability, so many are {name}; with 95% intervals "
        "(Wilson). On "
        "the diagonal the probability is right.",
        "在模型赋予 {name} 某一概率的样本中，实际为 {name} 的比例，附 95% Wilson 区间。"
        "落在对角线上说明概率准确。",
    ),
    "calibration.caption.surest": (
        "Of the rows whose predicted class has a probability, so many are right; with 95% intervals (Wilson). "
        "Below the "
        "diagonal the model is too sure of itself.",
        "按预测类别的概率分组，各组中预测正确的比例，附 95% Wilson 区间。低于对角线说明模型过于自信。",
    ),
    "roc": ("ROC curve: area {area}", "ROC 曲线：曲线下面积 {area}"),
    "roc.x": ("share of {first} taken for {second}", "{first} 被误判为 {second} 的比例"),
    "roc.y": ("share of {second} found", "{second} 被找出的比例"),
    "roc.caption": (
        "For each threshold of the probability. The area is the probability that a row of {second} scores above "
        "one of "
        "{first}; guessing has the diagonal, ½.",
        "对应概率的各个阈值。曲线下面积是 {second} 样本得分高于 {first} 样本的概率；随机猜测为对角线，即 ½。",
    ),
    "pr": ("Precision and recall: average precision {area}", "查准率与查全率：平均查准率 {area}"),
    "pr.x": ("recall: share of {second} found", "查全率：{second} 被找出的比例"),
    "pr.y": ("precision: share that is right", "查准率：判断正确的比例"),
    "pr.caption": (
        "For each threshold of the probability of {second}. The dashed line is its share of all rows, "
        "{share}.",
        "对应 {second} 概率的各个阈值。虚线为其在全部样本中所占的比例 {share}。",
    ),
    "templates": ("What each class looks for", "每个类别在看什么"),
    "templates.caption": (
        "The weights of each class as an image: blue pixels speak for the class, red ones against it.",
        "每个类别的权重画成图像：蓝色像素支持该类别，红色像素反对该类别。",
    ),
    "template": ("weights of {name}", "{name} 的权重"),
    "mistakes": ("The mistakes that it was surest of", "最自信的误判"),
    "mistakes.caption": (
        "True class → predicted class, with the probability that the model gave it.",
        "真实类别 → 预测类别，以及模型给出的概率。",
    ),
    "mistake": ("image of {true}, taken for {predicted}", "{true} 的图像，被误判为 {predicted}"),
    # Training
    "training": ("Training", "训练过程"),
    "epoch": ("epoch", "迭代周期"),
    "curve.loss": ("Loss", "损失"),
    "curve.accuracy": ("Accuracy", "精度"),
    "curve.number": ("loss of the standardised target", "标准化标签的损失"),
    "curve.train": ("training rows, while learning", "训练样本（训练过程中）"),
    # Scores
    "scores": ("All scores", "全部分数"),
    "scores.about": (
        "Intervals are of 95%, for new rows of the same kind. Accuracy: Wilson's interval; the others: the normal "
        "approximation over rows. Scores of training rows are too good by nature and have none.",
        "均为 95% 区间，适用于同类的新样本。精度用 Wilson 区间，其余用基于样本的正态近似。训练样本的分数天然偏高，"
        "故不给区间。",
    ),
    "scores.folds": (
        "For cross-validation: the mean over the parts, the lowest and the highest.",
        "交叉验证：各折的均值、最低值与最高值。",
    ),
    "scored": ("score", "分数"),
    "on": ("on", "评估对象"),
    "value": ("value", "数值"),
    "low": ("95% from", "95% 下限"),
    "high": ("to", "上限"),
    # Reproducing
    "reproduce": ("How to reproduce it", "如何复现"),
    "command": ("command", "命令"),
    "seed": ("seed", "随机种子"),
    "versions": ("versions", "版本"),
    "sha256": ("SHA-256 of the model file", "模型文件的 SHA-256"),
    "made": (
        "Written by onelayer. This page is complete in itself: it loads nothing and runs no script.",
        "由 onelayer 生成。本页自成一体：不加载任何内容，也不运行脚本。",
    ),
    "colon": (": ", "："),
    "comma": (", ", "、<wbr>"),
}


def say(key: str, language: Language, **values: str) -> str:
    """Return a sentence with values in their places."""
    return WORDS[key][language == "zh"].format(**values)
