"""The training loop's rules."""

from __future__ import annotations

import math

import pytest

from medgraft.methods.finetune.groups import make_policy
from medgraft.methods.finetune.loop import WARM_UP, Recipe

POLICY = make_policy(["a"], unfreeze=1.0, gradual=0.0, epochs=4, lr=1.0, lr_decay=1.0, head_lr=1.0)


def recipe(schedule):
    return Recipe(POLICY, 4, schedule, 0.0, 2, "32")


def test_cosine_falls_from_the_peak_to_zero():
    r = recipe("cosine")
    assert r.factor(0.0) < 0.05
    assert r.factor(0.5) == pytest.approx(0.5)
    assert r.factor(1.0) == pytest.approx(0.0, abs=1e-12)
    assert r.factor(0.25) == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)))


def test_constant_stays_after_the_warm_up():
    r = recipe("constant")
    assert r.factor(WARM_UP / 2) == pytest.approx(0.5, abs=0.05)
    assert {r.factor(x) for x in (WARM_UP, 0.5, 1.0)} == {1.0}
