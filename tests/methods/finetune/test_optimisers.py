"""Optimisers and schedules."""

from __future__ import annotations

import math

import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.methods.finetune.optimisers import (
    OPTIMISERS,
    SCHEDULES,
    WARM_UP,
    check,
    factor,
    make_optimiser,
    plateaus,
)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_warms_up_and_never_rises_afterwards(schedule):
    rates = [factor(schedule, i / 200) for i in range(201)]
    assert rates[0] < 0.05
    after = rates[int(200 * WARM_UP) :]
    assert after == sorted(after, reverse=True) and 0.9 < after[0] <= 1.0 and min(after) >= 0.0


def test_the_schedules_are_their_formulas():
    assert factor("cosine", 0.25) == pytest.approx(0.5 * (1 + math.cos(math.pi * 0.25)))
    assert factor("linear", 0.25) == 0.75
    assert [factor("step", x) for x in (0.49, 0.5, 0.75)] == pytest.approx([1.0, 0.1, 0.01])
    assert factor("constant", 1.0) == 1.0


def test_a_plateau_is_two_epochs_without_a_better_loss():
    assert [plateaus([1.0, 0.5, 0.6, 0.6][:n]) for n in range(5)] == [0, 0, 0, 0, 1]
    assert plateaus([1.0, 1.0, 1.0, 1.0, 1.0]) == 2


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser_goes_downhill_at_the_rate_of_each_group(name):
    fast, slow = torch.nn.Parameter(torch.tensor([3.0])), torch.nn.Parameter(torch.tensor([3.0]))
    optimiser = make_optimiser(name, [{"params": [fast]}, {"params": [slow]}], 0.0)
    for group, lr in zip(optimiser.param_groups, (0.02, 0.002), strict=True):
        group["lr"] = lr
    for _ in range(20):
        optimiser.zero_grad()
        (fast**2 + slow**2).sum().backward()
        optimiser.step()
    assert fast.item() < slow.item() < 3.0


@pytest.mark.parametrize("wrong", [("adagrad2", "cosine"), ("adam", "sawtooth")])
def test_an_unknown_name_is_one_sentence(wrong):
    with pytest.raises(MedgraftError, match="use one of"):
        check(*wrong)
