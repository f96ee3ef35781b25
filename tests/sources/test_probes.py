from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from medgraft.base import MedgraftError
from medgraft.sources.probes import match_probes

WANTED, CENTRE, SCALE = ["a", "b", "c", "d", "e"], [0.1, 0.2, 0.3, 0.4, 0.5], [1.0, 2.0, 4.0, 5.0, 10.0]


def test_every_probe_lands_in_the_models_place_scaled_by_hand():
    X = [[0.5, 7.0, 0.6, 0.9, 0.2], [0.3, 7.0, 0.1, np.nan, 1.2]]
    Z, report = match_probes(X, ["e", "z", "b", "d", "a"], WANTED, CENTRE, scale=SCALE)
    by_hand = [[0.1, 0.2, 0.0, 0.1, 0.0], [1.1, -0.05, 0.0, 0.0, -0.02]]
    np.testing.assert_allclose(Z, by_hand, atol=1e-12)
    assert (report.found, report.missing, report.gaps, report.unused) == (4, ("c",), 1, 1)
    assert report.share == 0.8
    assert Z[0, 2] == 0.0 and Z[1, 3] == 0.0  # exactly: the model is told nothing


def test_without_a_scale_the_values_stay_in_their_unit_and_gaps_become_the_centre():
    Z, _ = match_probes([[9.0, np.nan, 7.0, 6.0]], ["a", "b", "c", "d"], WANTED, CENTRE)
    np.testing.assert_array_equal(Z, [[9.0, 0.2, 7.0, 6.0, 0.5]])


def test_neither_the_order_of_columns_nor_of_rows_matters_and_inputs_stay():
    rng = np.random.default_rng(0)
    X, names = rng.random((6, 5)), ["q", "d", "a", "c", "b"]
    given = (X, names, list(WANTED), np.array(CENTRE), np.array(SCALE))
    before = copy.deepcopy(given)
    Z, report = match_probes(X, names, WANTED, given[3], scale=given[4])
    columns, rows = rng.permutation(5), rng.permutation(6)
    again, same = match_probes(X[rows][:, columns], [names[j] for j in columns], WANTED, CENTRE, scale=SCALE)
    np.testing.assert_array_equal(Z[rows], again)
    assert report == same
    for now, then in zip(given, before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_too_few_probes_are_refused_with_the_counts_unless_allowed():
    X, names = np.full((2, 2), 0.5), ["a", "d"]
    with pytest.raises(MedgraftError, match=r"2 of 5 probes found \(40.0%\).*allow=True"):
        match_probes(X, names, WANTED, CENTRE, scale=SCALE)
    Z, report = match_probes(X, names, WANTED, CENTRE, scale=SCALE, allow=True)
    assert report.missing == ("b", "c", "e") and (Z[:, [1, 2, 4]] == 0).all()
    match_probes(X, names, WANTED, CENTRE, scale=SCALE, enough=0.4)
    assert "3 filled with the model's centre" in report.sentence()
    assert json.loads(json.dumps(report.to_dict()))["missing"] == ["b", "c", "e"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"names": ["a", "b", "c"]}, "give one a column"),
        ({"names": ["a", "b", "a", "d"]}, "'a' is in two columns"),
        ({"wanted": ["a", "a", "b", "c", "d"]}, "names a probe twice"),
        ({"reference_fill": [0.1]}, "reference_fill must hold one finite number for each of 5"),
        ({"reference_fill": [0.1, 0.2, np.nan, 0.4, 0.5]}, "reference_fill must hold one finite"),
        ({"scale": [1.0, 0.0, 1.0, 1.0, 1.0]}, "every scale must be more than 0"),
        ({"values": [[0.1, np.inf, 0.2, 0.3]]}, "infinity"),
        ({"wanted": [], "reference_fill": [], "scale": []}, "must read a probe at least"),
    ],
)
def test_what_cannot_be_laid_out_is_refused_in_one_sentence(changes, why):
    given = {
        "values": np.full((1, 4), 0.5),
        "names": ["a", "b", "c", "d"],
        "wanted": WANTED,
        "reference_fill": CENTRE,
        "scale": SCALE,
    }
    with pytest.raises(MedgraftError, match=why):
        match_probes(**(given | changes))


def test_two_columns_of_one_name_that_the_model_does_not_read_are_no_matter():
    _, report = match_probes(np.ones((1, 6)), ["z", "z", "a", "b", "c", "d"], WANTED, CENTRE)
    assert report.unused == 2
