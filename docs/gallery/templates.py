"""
What each class looks for
=========================

The weights of a class of softmax regression have a place for each pixel, so they can be drawn as an image.
"""

from onelayer import Settings, fashion_mnist, plots, train

data = fashion_mnist()
run = train(data, Settings(seed=0))
print(f"test accuracy {run.scores['test_accuracy']:.3f}")

# %%
# Blue pixels speak for the class, red ones against it.

plots.templates(run.model.weight, data.image_shape, data.classes)
