"""Choosing a penalty by rows that models have not seen: ``least_squares`` and ``softmax`` have a function each.

They take rows, kinds of penalties, and splits of the rows, and return a ``Choice``.
"""
