"""
Is it right as often as it says?
================================

A classifier says how probable its answer is. It is calibrated if, of the answers it gives 80%, four in five are right.
"""

import numpy as np
from matplotlib.figure import Figure

from onelayer import Settings, fashion_mnist, plots, train

data = fashion_mnist()
model = train(data, Settings(seed=0)).model
probability = model.probabilities(data.test.X / 255)
predicted, true = probability.argmax(axis=1), data.test.y

# %%
# First, what is taken for what: a row for each true class.

counts = np.zeros((10, 10), int)
np.add.at(counts, (true, predicted), 1)
plots.confusion(counts, data.classes, rows="test images")

# %%
# Then the answers by how sure they were, in ten groups of as many images. On the diagonal, it is right as often as it
# says.

sure = probability.max(axis=1)
groups = np.array_split(np.argsort(sure), 10)
said = [sure[group].mean() for group in groups]
right = [(predicted[group] == true[group]).mean() for group in groups]
figure = Figure(figsize=(5.5, 5), layout="constrained")
axes = figure.add_subplot(xlabel="probability of the answer, mean of the group", ylabel="share that is right")
axes.plot([0, 1], [0, 1], color="#777777", linewidth=1)
axes.plot(said, right, "o-", color="#0072B2")
axes.set(xlim=(0.2, 1.02), ylim=(0.2, 1.02))
axes.grid(alpha=0.3)
figure
