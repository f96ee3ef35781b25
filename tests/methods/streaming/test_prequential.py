from __future__ import annotations

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.methods.streaming.kmeans import StreamingKMeans
from medgraft.methods.streaming.prequential import accuracy_over_labels


class Diary:
    """Writes down what it is asked, and says the label that it was told last."""

    classes_ = np.array(["a", "b"])

    def __init__(self):
        self.lines, self.last = [], "a"

    def predict(self, X):
        self.lines.append(("predict", float(X[0, 0])))
        return np.array([self.last])

    def partial_fit(self, X, y=None, *, labelled=None):
        self.lines.append(("learn", float(X[0, 0]), None if y is None else y[0]))
        self.last = self.last if y is None else y[0]


def test_each_window_is_predicted_before_it_is_learnt_and_never_again():
    diary = Diary()
    accuracy_over_labels(diary, [([t], "ab"[t % 2]) for t in range(5)], label_every=2)
    told = [None, "b", None, "b", None]
    assert diary.lines == [
        line for t in range(5) for line in (("predict", float(t)), ("learn", float(t), told[t]))
    ]


def test_accuracy_is_counted_by_labels_seen():
    truth = "aabbbab"
    made = accuracy_over_labels(Diary(), [([t], c) for t, c in enumerate(truth)], label_every=3)
    # says a a a | b b b | a: the third label told is b, the sixth a
    assert made.right.tolist() == [True, True, False, True, True, False, False]
    assert made.labels.tolist() == [0, 1, 2]
    np.testing.assert_allclose(made.accuracy, [2 / 3, 2 / 3, 0])
    assert made.up_to(1) == pytest.approx(4 / 6)


def test_what_comes_later_changes_no_earlier_prediction(people):
    X, y, groups, new, truth = people
    start = StreamingKMeans().fit(X, y, groups=groups).state()
    whole, part = (
        accuracy_over_labels(
            StreamingKMeans.from_state(start), zip(new[:n], truth[:n], strict=True), label_every=4
        )
        for n in (60, 25)
    )
    np.testing.assert_array_equal(whole.right[:25], part.right)
    np.testing.assert_array_equal(whole.seen, np.arange(60) // 4)


def test_without_labels_none_is_told():
    diary = Diary()
    made = accuracy_over_labels(diary, [([t], "b") for t in range(3)], label_every=0)
    assert made.labels.tolist() == [0] and made.accuracy.tolist() == [0.0]
    assert all(line[2] is None for line in diary.lines if line[0] == "learn")


def test_a_negative_interval_and_an_empty_stream_are_refused():
    with pytest.raises(MedgraftError, match="label_every"):
        accuracy_over_labels(Diary(), [([0], "a")], label_every=-1)
    with pytest.raises(MedgraftError, match="empty"):
        accuracy_over_labels(Diary(), [], label_every=1)
