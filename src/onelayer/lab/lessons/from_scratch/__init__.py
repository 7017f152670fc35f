"""Lesson 6: linear regression from scratch, on data whose answer is known."""
