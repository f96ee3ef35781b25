from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import skops.io

from medgraft.base import MedgraftError
from medgraft.methods.views import ViewFeatures
from medgraft.sources.arrays import SequenceReading, SignalReading, reading_to_dict
from medgraft.sources.signals import SignalInput
from medgraft.sources.views import read_view

SEQUENCES = ["ACGT", "AACC", "ggtt", "ACGT"]
SHORT = reading_to_dict(SequenceReading(4))


@pytest.fixture
def signals(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(3):
        np.savetxt(tmp_path / f"{i}.txt", rng.normal(size=200))
    reading = SignalReading(SignalInput(rate=50, seconds=4, channels=("1",)), recorded=50)
    return pd.DataFrame({"signal": [str(tmp_path / f"{i}.txt") for i in range(3)]}), reading


def test_columns_are_the_numbers_of_each_view_under_its_name(signals):
    X, reading = signals
    made = ViewFeatures(["statistics", "band-power"], reading_to_dict(reading)).transform(X)
    views = [read_view("statistics"), read_view("band-power")]
    sample = reading.open(X["signal"][1])
    expected = np.concatenate([view(sample) for view in views])
    np.testing.assert_array_equal(made.iloc[1].to_numpy(np.float32), expected)
    assert list(made.columns) == [f"{v.name}__{c}" for v in views for c in v.names(sample)]


def test_what_is_kept_is_what_is_computed_and_a_copy_is_computed_once(monkeypatch):
    X = pd.DataFrame({"sequence": SEQUENCES}, index=[5, 3, 1, 0])
    made = ViewFeatures(["kmers:k=2"], SHORT)
    calls = []
    real = ViewFeatures.compute
    monkeypatch.setattr(ViewFeatures, "compute", lambda self, c, *a: calls.extend(c) or real(self, c, *a))
    first = made.transform(X)
    assert sorted(calls) == sorted({s for s in SEQUENCES})  # the copy once
    calls.clear()
    second = ViewFeatures(["kmers:k=2"], SHORT).transform(X)
    assert calls == [] and second.equals(first) and list(second.index) == [5, 3, 1, 0]


def test_other_settings_are_other_columns():
    X = pd.DataFrame({"sequence": SEQUENCES})
    assert ViewFeatures(["kmers:k=1"], SHORT).transform(X).shape == (4, 4)
    assert ViewFeatures(["kmers:k=2"], SHORT).transform(X).shape == (4, 16)
    assert ViewFeatures(["kmers:k=1", "kmers:k=2"], SHORT).transform(X).shape == (4, 20)


@pytest.mark.parametrize(
    ("reading", "usual"),
    [
        (SignalReading(SignalInput(rate=100, seconds=1, channels=("1",))), ["statistics", "band-power"]),
        (SignalReading(SignalInput(rate=1, seconds=100, channels=("1",))), ["statistics"]),
        (SequenceReading(9), ["kmers"]),
        (SequenceReading(9, "protein"), ["kmers:k=2,alphabet=protein"]),
    ],
)
def test_the_usual_views_are_those_that_fit_the_samples(reading, usual):
    made = ViewFeatures((), reading_to_dict(reading))
    assert made.names == usual
    made.check()


def test_a_view_of_another_kind_is_refused(signals):
    with pytest.raises(MedgraftError, match="The view 'stft' is of a signal, not of a sequence"):
        ViewFeatures(["stft"], SHORT).check()
    with pytest.raises(MedgraftError, match="The views read sequences, and these are signals"):
        ViewFeatures(["kmers"], SHORT).transform(signals[0])
    with pytest.raises(MedgraftError, match="Nobody said how"):
        ViewFeatures(["kmers"]).check()


def test_a_missing_sample_is_named():
    with pytest.raises(MedgraftError, match="Row 1 has no path in the column 'sequence'"):
        ViewFeatures(["kmers"], SHORT).transform(pd.DataFrame({"sequence": ["ACG", None]}))


def test_it_is_kept_without_a_pickle(tmp_path):
    made = ViewFeatures(("kmers:k=2",), SHORT)
    skops.io.dump(made, tmp_path / "v.skops")
    unknown = skops.io.get_untrusted_types(file=tmp_path / "v.skops")
    assert unknown == ["medgraft.methods.views.ViewFeatures"]
    again = skops.io.load(tmp_path / "v.skops", trusted=unknown)
    X = pd.DataFrame({"sequence": SEQUENCES})
    assert again.transform(X).equals(made.transform(X))


def test_the_unit_of_networks_does_not_change_what_views_keep(signals):
    _, reading = signals
    from dataclasses import replace

    one, other = (ViewFeatures((), reading_to_dict(replace(reading, unit=u))) for u in (1.0, 2.0))
    assert one.fingerprint() == other.fingerprint()
