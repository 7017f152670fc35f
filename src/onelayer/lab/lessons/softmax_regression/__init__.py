"""Lesson 10: softmax regression on all of Fashion-MNIST, beside an MLP, a PHM layer and the exact minimum."""
