"""Windows in a file: every bit comes back, and damage ends in a sentence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from safetensors.numpy import save_file

from damaged import FUZZ, damage
from medgraft.base import MedgraftError
from medgraft.cohort.formats.signal_windows import write_windows
from medgraft.cohort.media import Signal, open_sample
from medgraft.cohort.ref import Ref


def window(seed=0, samples=7, channels=("C3", "µ, C4"), rate=173.61):
    X = np.random.default_rng(seed).normal(size=(len(channels), samples)).astype(np.float32)
    return Signal(X, rate, channels, ("V", "")[: len(channels)])


def test_values_rate_channels_and_units_come_back_to_the_bit(tmp_path):
    windows = [window(0), window(1, samples=3), window(2)]
    windows[1].values[0, 1] = np.nan
    refs = write_windows(tmp_path / "a.safetensors", windows)
    for ref, was in zip(refs, windows, strict=True):
        back = open_sample("signal", ref)
        assert back.values.tobytes() == was.values.tobytes() and back.values.dtype == np.float32
        assert (back.rate, back.channels, back.units) == (was.rate, was.channels, was.units)


def test_a_part_of_a_wider_array_is_written_as_it_is_seen(tmp_path):
    wide = window(3, samples=40)
    part = Signal(wide.values[::-1, 5:25:2], wide.rate, wide.channels, wide.units)
    back = open_sample("signal", write_windows(tmp_path / "a.safetensors", [part])[0])
    np.testing.assert_array_equal(back.values, wide.values[::-1, 5:25:2])


@pytest.mark.parametrize("windows", [[], [window(), window(channels=("C3",))], [window(), window(rate=2.0)]])
def test_windows_that_differ_in_more_than_values_are_refused(tmp_path, windows):
    with pytest.raises(MedgraftError, match="need the same channels, units and rate"):
        write_windows(tmp_path / "a.safetensors", windows)


def test_what_is_not_there_and_files_of_others_are_named(tmp_path):
    path = tmp_path / "a.safetensors"
    write_windows(path, [window()])
    with pytest.raises(MedgraftError, match="has 1 windows and no number 1"):
        open_sample("signal", str(Ref(path, window=1)))
    with pytest.raises(MedgraftError, match="needs window=NUMBER"):
        open_sample("signal", str(path))
    save_file({"0": np.zeros((2, 3), np.float32)}, path)
    with pytest.raises(MedgraftError, match="no windows of signals that medgraft wrote"):
        open_sample("signal", str(Ref(path, window=0)))
    with pytest.raises(MedgraftError, match="cannot be decoded"):
        open_sample("signal", str(Ref(tmp_path / "no.safetensors", window=0)))


def test_damaged_files_end_in_a_signal_or_one_sentence(tmp_path):
    path = tmp_path / "a.safetensors"
    ref = write_windows(path, [window(), window(1)])[1]
    content = path.read_bytes()

    @FUZZ
    @given(damage(content, head=300))
    def check(bad):
        path.write_bytes(bad)
        try:
            back = open_sample("signal", ref)
            assert back.values.shape[0] == len(back.channels) == len(back.units)
        except MedgraftError as error:
            assert "\n" not in str(error) and str(path) in str(error)

    check()
