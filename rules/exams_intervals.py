"""Intervals of 95 %: Student's t for means, Wilson without correction for rates; no arrays and no library needed."""

from functools import lru_cache
from math import exp, lgamma, log, log1p, pi, sqrt
from statistics import NormalDist

CONFIDENCE = 0.95
_TAIL = (1 + CONFIDENCE) / 2
Z = NormalDist().inv_cdf(_TAIL)
Interval = tuple[float, float]


def mean_interval(mean: float, sd: float, n: int) -> Interval | None:
    """Return mean -+ t(n - 1) sd / sqrt(n), with the sample's SD (ddof 1); None below two values."""
    if n < 2:
        return None
    reach = t_quantile(n - 1) * sd / sqrt(n)
    return mean - reach, mean + reach


def wilson(count: int, n: int) -> Interval | None:
    """Return the Wilson score interval of a rate; None without anyone. Source: Wilson 1927."""
    if n == 0:
        return None
    share, z2 = count / n, Z * Z
    middle, reach = share + z2 / (2 * n), Z * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low, high = (middle - reach) / (1 + z2 / n), (middle + reach) / (1 + z2 / n)
    return (0.0 if count == 0 else low), (1.0 if count == n else high)


@lru_cache(maxsize=4096)
def t_quantile(df: int) -> float:
    """Return the 97.5 % point of Student's t with `df` degrees of freedom, to 1e-10 of itself.

    Newton's steps from above on the tail's area, which is half the regularised incomplete beta function of
    df / (df + t^2); the tail is convex, so the steps from the normal point below never overshoot.
    """
    t, wanted = Z, 1 - _TAIL
    log_density = lgamma((df + 1) / 2) - lgamma(df / 2) - 0.5 * log(df * pi)
    for _ in range(200):
        tail = _beta_share(df / 2, 0.5, df / (df + t * t)) / 2
        step = (tail - wanted) / exp(log_density - (df + 1) / 2 * log1p(t * t / df))
        t += step
        if abs(step) <= 1e-14 * t:
            break
    return t


def _beta_share(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) (Abramowitz-Stegun 26.5.8)."""
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or tiny)
    h = d
    for m in range(1, 10_000):
        before = h
        for part in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / (1 + part * d or tiny)
            c = 1 + part / c or tiny
            h *= c * d
        if abs(h - before) <= 1e-16 * abs(h):
            break
    return h
