"""Glow, a density of Fashion-MNIST: the model in ``flow``, its run in ``run``."""
