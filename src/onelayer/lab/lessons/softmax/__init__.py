"""The lesson on classification and softmax: from logits to probabilities, and their loss."""
