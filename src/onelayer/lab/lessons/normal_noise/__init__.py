"""Lesson 3: the normal distribution, and why it leads to squared errors."""
