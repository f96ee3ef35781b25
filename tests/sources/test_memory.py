"""Memory kept while a network trains."""

from __future__ import annotations

import numpy as np
import pytest

from medgraft.sources.memory import kept_memory


def test_work_goes_on_inside_and_errors_come_out():
    with kept_memory():
        assert np.ones(10**6).sum() == 10**6
    with pytest.raises(ZeroDivisionError), kept_memory():
        raise ZeroDivisionError
