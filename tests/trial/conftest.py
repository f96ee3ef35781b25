"""Cohorts of two sites, one of each task."""

from __future__ import annotations

import pytest

import medgraft as mg
from samples import two_sites


@pytest.fixture(params=["binary", "multiclass", "regression"])
def cohort_of_each_task(request):
    return mg.read(two_sites(task=request.param), label="ill", domain="site")


@pytest.fixture
def cohort():
    return mg.read(two_sites(), label="ill", domain="site")
