"""Lesson 11: the same layer at every pixel, as 1×1 convolution and as segmentation."""
