"""The lesson on Fashion-MNIST: images as features, in batches."""
