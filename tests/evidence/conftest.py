"""The simulations are those of the benchmark, so that its tables and the suite cannot drift apart."""

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def simulate():
    """Return the module benchmarks/interval_coverage.py."""
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "interval_coverage.py"
    spec = importlib.util.spec_from_file_location("interval_coverage", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
