"""Semantic segmentation: one layer against networks that see a shape."""
