"""The inner loops of coordinate descent, sums of products and SGD, compiled where that was possible; else in NumPy.

A step of coordinate descent changes one number, and depends on the one before: NumPy takes a microsecond for each call,
a compiled loop a few nanoseconds. C with the buffer protocol and Python's stable ABI needs no headers but Python's own,
compiles in a second, imports in a millisecond, and one wheel serves all versions of Python. (Numba would compile anew
on each machine, for seconds, brings LLVM along, and follows new versions of Python and NumPy months late.)
"""

try:
    from onelayer.solvers.kernels.compiled import descend_dense, descend_gram, descend_sparse
    from onelayer.solvers.kernels.compiled_groups import descend_groups
    from onelayer.solvers.kernels.compiled_sparse import sparse_backward, sparse_forward, sparse_products

    IS_COMPILED = True
except ImportError:  # there was no compiler when the package was installed
    from onelayer.solvers.kernels.plain import descend_dense, descend_gram, descend_sparse
    from onelayer.solvers.kernels.plain_groups import descend_groups
    from onelayer.solvers.kernels.plain_sparse import sparse_backward, sparse_forward, sparse_products

    IS_COMPILED = False

try:
    from onelayer.solvers.kernels.compiled_gram import sum_products
    from onelayer.solvers.kernels.compiled_moments import column_moments
    from onelayer.solvers.kernels.compiled_sgd import sgd_pass, shuffle
    from onelayer.solvers.kernels.compiled_softmax import softmax_sums
except ImportError:  # or the compiler has no vectors: Microsoft's
    from onelayer.solvers.kernels.plain_gram import sum_products
    from onelayer.solvers.kernels.plain_moments import column_moments
    from onelayer.solvers.kernels.plain_sgd import sgd_pass, shuffle
    from onelayer.solvers.kernels.plain_softmax import softmax_sums

try:
    from onelayer.solvers.kernels.compiled_small import least_squares
except ImportError:  # without it such problems go the careful way
    least_squares = None  # type: ignore[assignment]

FORMATS = (
    "uint8",
    "float32",
    "float64",
)  # types of features that kernels of columns and of softmax take as stored

__all__ = [
    "FORMATS",
    "IS_COMPILED",
    "column_moments",
    "descend_dense",
    "descend_gram",
    "descend_groups",
    "descend_sparse",
    "least_squares",
    "sgd_pass",
    "shuffle",
    "softmax_sums",
    "sparse_backward",
    "sparse_forward",
    "sparse_products",
    "sum_products",
]
