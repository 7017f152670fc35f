"""Lesson 7: linear regression concisely, with the layer, losses and optimizer of PyTorch."""
