"""Lesson 5: linear regression drawn as a network of one fully connected layer."""
