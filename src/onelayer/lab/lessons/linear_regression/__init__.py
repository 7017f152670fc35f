"""Lesson 1: the elements of linear regression and the analytic solution, on real houses."""
