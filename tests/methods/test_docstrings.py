"""What a fitted method carries is written down."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

from medgraft.methods import entries

TABLE_METHODS = [n for n in entries if entries[n].reads_tables and "time" not in entries[n].needs]
SECTION = re.compile(r"^Attributes\n-+\n(.*?)(?=^[A-Z]\w+\n-{3,}|\Z)", re.S | re.M)


def documented(cls):
    """Names in the class's own Attributes section."""
    found = SECTION.search(inspect.cleandoc(cls.__doc__ or ""))
    heads = [line for line in (found[1] if found else "").splitlines() if line and line[0] != " "]
    return {name.strip() for line in heads for name in line.split(" : ")[0].split(",")}


def carried(name):
    """Public attributes that a fit sets, over all tasks of the method."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4))
    score = X[:, 0] + 0.3 * rng.normal(size=120)
    labels = {"binary": score > 0, "multiclass": np.digitize(score, [-0.5, 0.5]), "regression": score}
    found = set()
    for task in entries[name].tasks:
        model = entries[name].cls()
        if "task" in model.get_params(deep=False):
            model.set_params(task="regression" if task == "regression" else "classification")
        site = np.repeat(["a", "b", "t"], 40)
        model.fit(X, labels[task], domain=site, target="t", labelled=np.arange(120) < 110)
        found |= {key for key in vars(model) if key.endswith("_") and not key.startswith("_")}
    return found


@pytest.mark.parametrize("name", TABLE_METHODS)
def test_every_fitted_attribute_is_documented_and_every_documented_one_is_set(name):
    cls, has = entries[name].cls, carried(name)
    told = set().union(*(documented(base) for base in cls.__mro__ if base.__module__.startswith("medgraft")))
    assert has - told == set()
    assert {key for key in documented(cls) if key.endswith("_")} - has == set()


@pytest.mark.parametrize("name", entries)
def test_every_method_says_when_to_use_it_and_when_not(name):
    text = inspect.getdoc(entries[name].cls) or ""
    assert re.search(r"\bUse it\b", text) and re.search(r"\b(Not|Never)\b", text)
