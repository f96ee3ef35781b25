"""Traps and clean cohorts are those of the benchmark, so that its table and the suite cannot drift apart."""

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
sys.path.append(str(BENCHMARKS))  # before collection: tests are parametrised over the traps


@pytest.fixture(scope="session")
def benchmark_module():
    """Return a function: name -> module of the folder of benchmarks."""
    return importlib.import_module


@pytest.fixture(autouse=True)
def _own_salt(tmp_path_factory, monkeypatch):
    """Keep the user's salts out of the tests."""
    monkeypatch.setenv("MEDGRAFT_HOME", str(tmp_path_factory.mktemp("home")))
