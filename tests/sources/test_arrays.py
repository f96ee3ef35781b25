from __future__ import annotations

import json

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.sources.arrays import (
    LONGEST,
    OmicsReading,
    SequenceReading,
    SignalReading,
    agreed,
    reading_from_dict,
    reading_to_dict,
)
from medgraft.sources.signals import SignalInput


@pytest.fixture
def texts(tmp_path):
    """Three signals of one channel: 100, 120 and 100 samples, without a rate."""
    rng = np.random.default_rng(0)
    files = []
    for i, n in enumerate((100, 120, 100)):
        np.savetxt(tmp_path / f"{i}.txt", rng.normal(size=n))
        files.append(str(tmp_path / f"{i}.txt"))
    return files


@pytest.mark.parametrize(
    "given",
    [
        SignalReading(
            SignalInput(rate=100, seconds=2, channels=("C3", "C4"), low=8, high=30), "stockwell", 50.0, 2.0
        ),
        SequenceReading(31, "protein"),
        OmicsReading(("cg1", "cg2"), (0.5, 0.25), (1.0, 2.0)),
    ],
)
def test_a_reading_comes_back_from_json(given):
    assert reading_from_dict(json.loads(json.dumps(reading_to_dict(given)))) == given
    hash(given)


def test_signals_agree_on_the_shortest_and_what_is_cut_is_said(texts):
    reading, said = agreed("signal", texts)
    assert reading.shape == (1, 100) and reading.signal.rate == 1.0
    assert len(said) == 2 and "Lengths run from 100 to 120" in said[0]
    assert agreed("signal", texts[::-1])[0].shape == (1, 100)


def test_the_rate_of_files_that_do_not_say_it_is_given(texts):
    reading, _ = agreed("signal", texts, "recorded=50")
    assert (reading.signal.rate, reading.signal.seconds, reading.recorded) == (50.0, 2.0, 50.0)
    assert reading.open(texts[1]).rate == 50.0
    assert agreed("signal", [f"{texts[0]}::rate=25"], "recorded=50")[0].signal.rate == 25.0  # it says so


def test_what_is_asked_for_is_not_found_out_and_not_complained_of(texts):
    reading, said = agreed("signal", texts, "recorded=50,seconds=1")
    assert reading.shape == (1, 50) and said == []
    whole, said = agreed("signal", texts, "rate=10,seconds=1,channels=1,recorded=50")
    assert whole.shape == (1, 10) and said == []


def test_networks_read_signals_in_a_common_unit_and_views_as_they_are(texts, tmp_path):
    files = []
    for i, text in enumerate(texts):
        np.savetxt(tmp_path / f"volt{i}.txt", 1e-5 * np.loadtxt(text))
        files.append(str(tmp_path / f"volt{i}.txt"))
    reading, volts = agreed("signal", texts)[0], agreed("signal", files)[0]
    spreads = [np.std(reading.open(text).values) for text in texts]
    assert reading.unit == pytest.approx(np.median(spreads))
    np.testing.assert_allclose(volts.array(files[1]), reading.array(texts[1]), rtol=1e-4)
    np.testing.assert_allclose(volts.open(files[1]).values, 1e-5 * reading.open(texts[1]).values, rtol=1e-4)
    assert agreed("signal", texts[::-1])[0].unit == reading.unit


def test_a_file_that_was_cut_off_does_not_shrink_all_others(texts, tmp_path):
    np.savetxt(tmp_path / "cut.txt", np.arange(5.0))
    cells = [*texts, str(tmp_path / "cut.txt")]
    with pytest.raises(MedgraftError, match=r"cut\.txt' lasts 5 seconds and others 100: leave it out"):
        agreed("signal", cells)
    assert agreed("signal", cells, "seconds=4")[0].shape == (1, 4)


def test_a_rate_that_nobody_said_is_not_taken_for_one_hertz(texts):
    assert any("do not say their rate" in s for s in agreed("signal", texts)[1])
    for given in ("rate=125", "low=8,high=30", "rate=125,seconds=1,channels=1"):
        with pytest.raises(MedgraftError, match="does not say its rate.*--reading recorded=HZ"):
            agreed("signal", texts, given)
    assert agreed("signal", texts, "rate=25,recorded=50")[0].shape == (1, 50)


def test_a_reading_says_in_words_what_is_read(texts):
    reading = agreed("signal", texts, "recorded=50,seconds=1,low=5,high=20")[0]
    assert reading.words() == "1 channel (1) at 50 Hz, the middle 1 seconds, low 5 Hz, high 20 Hz"
    assert "unknown rate, 100 samples" in agreed("signal", texts)[0].words()
    assert SequenceReading(9).words().startswith("nucleotide sequences; to networks 9 letters")


def test_a_short_signal_is_refused_by_name_and_never_filled_up(texts):
    reading, _ = agreed("signal", texts[1:2], "recorded=60")  # two seconds
    with pytest.raises(MedgraftError, match=r"0\.txt.*lasts 1\.66667 seconds, and 2 are asked for"):
        reading.array(texts[0])


def test_sequences_agree_on_the_longest_up_to_a_limit():
    assert agreed("sequence", ["ACG", "ACGUA"])[0] == SequenceReading(5)
    assert agreed("sequence", ["MKVL"])[0] == SequenceReading(4, "protein")
    long, said = agreed("sequence", ["A" * 2000, "C" * 10])
    assert long.length == LONGEST and said[0].startswith("1 of 2 sequences have more than 1000 letters")
    short, said = agreed("sequence", ["ACG", "ACGUA"], "length=4")
    assert short.length == 4 and said[0].startswith("1 of 2")


def test_a_sequence_is_one_hot_with_empty_columns_for_what_is_not_there():
    A = SequenceReading(4).array("ac")
    assert A.shape == (4, 4) and A.sum() == 2 and A.max() == 1
    assert np.array_equal(SequenceReading(2).array("UU"), SequenceReading(2).array("TT"))


@pytest.mark.parametrize(
    ("kind", "given", "says"),
    [
        ("signal", "rat=5", "has no setting 'rat'. Did you mean 'rate'"),
        ("sequence", "length=x", "takes a whole number for length"),
        ("sequence", "length=0", "cannot have the length 0"),
        ("sequence", "alphabet=greek", "There is no alphabet 'greek'"),
        ("omics", "length=5", "has no setting 'length'"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_sentence(kind, given, says):
    with pytest.raises(MedgraftError, match=says):
        agreed(kind, ["ACGT"], given)


def test_nothing_to_read_is_said():
    with pytest.raises(MedgraftError, match="There is no sequence to read"):
        agreed("sequence", [])


def test_only_views_that_draw_make_pictures(texts):
    reading = SignalReading(SignalInput(rate=1, seconds=100, channels=("1",)), "statistics")
    with pytest.raises(MedgraftError, match="draws no picture: use scalogram or stockwell"):
        reading.drawn(texts[0])


def test_the_unit_knows_neither_a_test_set_nor_an_offset(texts, tmp_path):
    both = np.stack([np.loadtxt(texts[0]), 5000 + np.loadtxt(texts[0])])
    np.savetxt(tmp_path / "both.txt", both.T)
    reading = agreed("signal", [str(tmp_path / "both.txt")])[0]
    assert reading.unit == pytest.approx(np.std(both[0]), rel=1e-3)
    np.savetxt(tmp_path / "loud.txt", 50 * np.loadtxt(texts[0]))
    cells = [*texts, str(tmp_path / "loud.txt")]
    assert agreed("signal", cells, teaching=texts)[0].unit == agreed("signal", texts)[0].unit
