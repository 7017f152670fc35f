"""Lesson 2: minibatch stochastic gradient descent, and how large its steps may be."""
