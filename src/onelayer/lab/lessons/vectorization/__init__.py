"""Lesson 4: vectorization, a loop against one call."""
