"""What of a set is read."""

from __future__ import annotations

import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.cohort.public import read
from small_films import FILMS, write_films


def local(folder):
    return read("covid_chestxray", local=folder)


def test_of_x_rays_with_ct_among_them_x_rays_are_read_and_the_others_counted(tmp_path):
    films = local(write_films(tmp_path / "set"))
    expected = [finding for finding, kind in FILMS if kind and kind.strip().lower() == "x-ray"]
    assert films.table["finding"].tolist() == expected and films.name == "covid_chestxray"
    assert films.warnings[-1] == "4 of 9 rows were left out: their modality is not said to be X-ray."
    assert films.classes == ["COVID-19", "SARS", "Varicella"]  # Fibrosis was seen in CT alone
    assert [films.classes[k] for k in films.y] == expected


def test_a_copy_that_tells_no_modality_is_read_whole(tmp_path):
    films = local(write_films(tmp_path / "set", told=False))
    assert films.n == len(FILMS) and "Fibrosis" in films.classes
    assert not any("left out" in sentence for sentence in films.warnings)


def test_a_copy_of_ct_alone_is_refused(tmp_path):
    table = write_films(tmp_path / "set") / "metadata.csv"
    pd.read_csv(table).assign(modality="CT").to_csv(table, index=False)
    with pytest.raises(
        MedgraftError, match="No row of 'covid_chestxray' says 'X-ray' in its column 'modality'"
    ):
        local(tmp_path / "set")
