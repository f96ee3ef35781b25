"""What is planted is found; what is not there is not."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from medgraft.cohort.audit import registered

PLANTS = importlib.import_module("audit_traps").PLANTS


@pytest.mark.parametrize("trap", PLANTS, ids=lambda trap: trap.name.replace(" ", "-"))
def test_a_planted_trap_is_found_by_its_check(trap, tmp_path):
    assert trap.found(11, tmp_path)


def test_every_check_has_a_trap():
    assert set(registered) == {trap.check for trap in PLANTS}


@pytest.mark.parametrize("seed", range(2))
def test_clean_cohorts_of_every_kind_raise_no_alarm(benchmark_module, tmp_path, seed):
    alarms = benchmark_module("audit_planted").false_alarms(100 + seed, tmp_path)
    assert len(alarms) == 8
    assert {name: found for name, found in alarms.items() if found} == {}


@pytest.mark.slow
def test_clean_cohorts_of_20_seeds_raise_at_most_two_alarms(benchmark_module, tmp_path):
    count = 0
    for seed in range(20):
        alarms = benchmark_module("audit_planted").false_alarms(seed, tmp_path / str(seed))
        count += sum(map(len, alarms.values()))
    assert count <= 2


@pytest.mark.slow
def test_ten_times_more_images_take_less_than_a_tenth_more_memory(benchmark_module, tmp_path):
    memory = benchmark_module("audit_memory")
    peaks = []
    for n in (300, 3000):
        memory.write(tmp_path / str(n), n)
        peaks.append(memory.measure(tmp_path / str(n))[0])
    assert peaks[1] < 1.1 * peaks[0]


def test_the_traps_are_of_one_seed_the_same_every_time(benchmark_module):
    first, second = (benchmark_module("audit_scenes").table(np.random.default_rng(3)) for _ in range(2))
    assert first.equals(second)
