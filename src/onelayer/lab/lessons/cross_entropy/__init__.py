"""The cross-entropy loss, its derivative, and what it has to do with codes."""
