"""The minimum of penalised cross-entropy to 40 digits, by Newton's method in mpmath, for a few small rows."""

import mpmath as mp
import numpy as np

DIGITS = 60


def exact_objective(W, b, X, labels, c, strength):
    """Return Σ c ℓ + ½ Σ λ W² of stored numbers, without rounding to speak of; with one row W is a single logit."""
    with mp.workdps(DIGITS):
        W, b, X = mp.matrix(W.tolist()), mp.matrix(b.tolist()), mp.matrix(X.tolist())
        outputs = X * W.T
        total = mp.mpf(0)
        for i, label in enumerate(labels.tolist()):
            row = [outputs[i, a] + b[a] for a in range(W.rows)]
            row = [mp.mpf(0), *row] if len(row) == 1 else row
            total += mp.mpf(float(c[i])) * (mp.log(sum(mp.exp(o - row[label]) for o in row)))
        squares = sum(mp.mpf(float(s)) * W[a, j] ** 2 for a in range(W.rows) for j, s in enumerate(strength))
        return total + squares / 2


def exact_minimum(X, labels, q, c, strength, intercept):
    """Return the least objective of features X (n, d); the rows must not be separable where nothing is penalised."""
    with mp.workdps(DIGITS):
        return _minimum(X, labels, q, c, strength, intercept)


def _minimum(X, labels, q, c, strength, intercept):
    n, k = len(X), 1 if q == 2 else q
    values = [[mp.mpf(v) for v in column] for column in X.T.tolist()]
    means = [mp.fsum(column) / n if intercept else mp.mpf(0) for column in values]
    centred = [[v - m for v in column] for column, m in zip(values, means, strict=True)]
    scales = [mp.sqrt(mp.fsum(v * v for v in column) / n) or mp.mpf(1) for column in centred]
    Z = [[v / s for v in column] for column, s in zip(centred, scales, strict=True)]
    Z += [[mp.mpf(1)] * n] if intercept else []
    p = len(Z)
    ridge = [mp.mpf(float(s)) / scale**2 for s, scale in zip(strength, scales, strict=True)] + [mp.mpf(0)]
    weights = [mp.mpf(float(v)) for v in c]

    def value(V, derivatives=False):
        total, g, H = mp.mpf(0), mp.zeros(k * p, 1), mp.zeros(k * p, k * p)
        for a in range(k):
            for j in range(p):
                total += ridge[j] * V[a * p + j] ** 2 / 2
                g[a * p + j], H[a * p + j, a * p + j] = ridge[j] * V[a * p + j], ridge[j]
        for i in range(n):
            z, label, own = [column[i] for column in Z], int(labels[i]), 1 if k == 1 else 0
            outputs = [mp.mpf(0)] * own + [mp.fdot(V[a * p : (a + 1) * p], z) for a in range(k)]
            powers = [mp.exp(o - outputs[label]) for o in outputs]
            norm = mp.fsum(powers)
            total += weights[i] * mp.log(norm)
            if not derivatives:
                continue
            P = [power / norm for power in powers][own:]
            for a in range(k):
                residual = weights[i] * (P[a] - (label == a + own))
                for j in range(p):
                    g[a * p + j] += residual * z[j]
                for b in range(k):
                    h = weights[i] * P[a] * ((a == b) - P[b])
                    for j in range(p):
                        for m in range(p):
                            H[a * p + j, b * p + m] += h * z[j] * z[m]
        return (total, g, H) if derivatives else total

    V = mp.zeros(k * p, 1)
    for _ in range(200):
        total, g, H = value(V, derivatives=True)
        for j in range(p):  # what is common to the classes, and columns that do not vary
            held = (k > 1) * sum(H[a * p + j, a * p + j] for a in range(k)) + mp.mpf(10) ** -50
            for a in range(k):
                for b in range(k):
                    H[a * p + j, b * p + j] += held
        step = mp.lu_solve(H, -g)
        decrease = -(step.T * g)[0]
        if decrease < mp.mpf(10) ** -30 * total:
            return total
        t = mp.mpf(1)
        while value(V + t * step) > total - t * decrease / 10**4:
            t /= 2
        V = V + t * step
    raise AssertionError("the reference has not converged")


def bound_holds(fit, minimum):
    """Whether objective − gap is at most the minimum."""
    with mp.workdps(DIGITS):
        return bool(mp.mpf(fit.objective) - mp.mpf(fit.gap) <= minimum)


def relative_error(value, exact):
    """Return how far a float is from an exact number."""
    with mp.workdps(DIGITS):
        return float(abs(mp.mpf(value) - exact) / exact) if exact else float(np.abs(value))


def not_below(objective, minimum):
    """Whether an exact objective is not below the exact minimum."""
    with mp.workdps(DIGITS):
        return bool(objective >= minimum * (1 - mp.mpf(10) ** -30))
