"""
What each class looks for
=========================

Softmax regression has a weight for each class and pixel, so the weights of a class can be drawn as an image.
"""

from onelayer import Settings, fashion_mnist, plots, train

data = fashion_mnist()
run = train(data, Settings(seed=0))
print(f"accuracy on the test images: {run.scores['test_accuracy']:.3f}")

# %%
# Blue pixels speak for the class, red ones against it.

plots.templates(run.model.weight, data.image_shape, data.classes)
