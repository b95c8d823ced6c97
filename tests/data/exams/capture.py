"""Write iris.json, digits.json and intervals.json: figures of other libraries, beside which ours are tested.

Run by hand in an environment of its own, see README.md; `make test` reads the files only.
"""
# mypy: ignore-errors
# ruff: noqa: ANN001, ANN201

import json
import random
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin
import statsmodels.api as sm
from scipy import stats
from sklearn.datasets import load_digits, load_iris
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

FOLDER = Path(__file__).parent
VERSIONS = {name: version(name) for name in ("pingouin", "statsmodels", "scipy", "scikit-learn", "pandas")}


def reliability(frame):
    complete = frame.dropna()  # alpha if deleted keeps to those complete in all items
    deleted = [pingouin.cronbach_alpha(complete.drop(columns=name))[0] for name in complete]
    alpha = pingouin.cronbach_alpha(frame, nan_policy="listwise")[0]
    total = complete.sum(axis=1)
    return {
        "n": len(complete),
        "alpha": float(alpha),
        "alpha_if_deleted": [float(each) for each in deleted],
        "sem": float(total.std(ddof=1) * np.sqrt(1 - alpha)),
    }


def items(frame):
    total = frame.fillna(0).sum(axis=1)
    rest = [frame[name].corr(total - frame[name].fillna(0)) for name in frame]
    return {
        "n": [int(each) for each in frame.notna().sum()],
        "mean": [float(each) for each in frame.mean()],
        "item_rest_r": [float(each) for each in rest],
    }


def standings(marks):
    return {
        "rank": [int(each) for each in stats.rankdata(-marks, method="min")],
        "percentile": [float(stats.percentileofscore(marks, each, kind="mean")) for each in marks],
        "t": [float(each) for each in 50 + 10 * stats.zscore(marks, ddof=0)],
        "mean": float(marks.mean()),
        "median": float(np.median(marks)),
        "sd": float(marks.std()),
    }


def write(name, content):
    text = json.dumps({"versions": VERSIONS, **content}, separators=(",", ":"))
    (FOLDER / f"{name}.json").write_text(text + "\n")


def iris():
    loaded = load_iris()
    tenths = np.rint(loaded.data * 10).astype(int)
    frame = pd.DataFrame(tenths / 10)
    fitted = sm.OLS(frame[2], sm.add_constant(frame[0])).fit()
    residuals = fitted.resid.groupby(loaded.target)
    added = [[float(each.mean()), *map(float, DescrStatsW(each).tconfint_mean())] for _, each in residuals]
    write(
        "iris",
        {
            "scale": 10,
            "marks": tenths.tolist(),
            "group": loaded.target.tolist(),
            "items": items(frame),
            "reliability": reliability(frame),
            "standings": standings(tenths[:, 2] / 10),
            "least_squares": {"before": 0, "after": 2, "value_added": added},
        },
    )


def digits():
    pixels = load_digits().data[:300].astype(int)
    varied = [at for at in range(pixels.shape[1]) if pixels[:, at].std() > 4][:12]
    marks = pixels[:, varied].tolist()
    chance = random.Random(7)
    blanks = [[None if chance.random() < 0.02 else mark for mark in row] for row in marks]
    frame = pd.DataFrame(blanks, dtype=float)
    write("digits", {"scale": 1, "marks": blanks, "items": items(frame), "reliability": reliability(frame)})


def intervals():
    df = [1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100, 300, 1000, 5000, 100_000, 400_000]
    rates = [(0, 1), (1, 1), (0, 5), (3, 10), (10, 10), (17, 40), (400, 401), (1234, 400_000)]
    means = [[1.0, 2.0], [3.5, 3.5, 9.0], [60.0, 71.5, 80.0, 92.5, 99.0]]
    write(
        "intervals",
        {
            "t": [[each, float(stats.t.ppf(0.975, each))] for each in df],
            "wilson": [[c, n, *map(float, proportion_confint(c, n, method="wilson"))] for c, n in rates],
            "means": [[each, *map(float, DescrStatsW(each).tconfint_mean())] for each in means],
        },
    )


if __name__ == "__main__":
    iris()
    digits()
    intervals()
