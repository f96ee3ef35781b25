"""What an audit can still be sure of in a handful of patients."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.cohort import read
from medgraft.cohort.audit import audit


@pytest.mark.parametrize("n", [16, 20, 24])
def test_a_column_that_is_the_label_is_found_with_ten_patients_of_each_class(n):
    ill = np.arange(n) % 2
    noise = np.random.default_rng(0).normal(size=n)
    frame = pd.DataFrame({"x": noise, "treated": np.where(ill == 1, "a", "b"), "ill": ill})
    found = [f for f in audit(read(frame, label="ill")).findings if f.check == "leaking-columns"]
    assert [f.severity for f in found] == ["severe"] and "'treated'" in found[0].sentence


def test_agreement_in_six_patients_may_be_chance():
    ill = np.arange(6) % 2
    frame = pd.DataFrame({"x": [1.0, 2, 2, 1, 3, 1], "treated": ill * 2, "ill": ill})
    assert not [f for f in audit(read(frame, label="ill")).findings if f.check == "leaking-columns"]
