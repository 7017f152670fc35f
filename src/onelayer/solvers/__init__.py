"""Solvers: how a model is fitted. One file each."""
