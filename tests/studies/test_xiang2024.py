from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from medgraft.methods import entries
from medgraft.studies.kit import Run
from medgraft.studies.kit.found import Found
from medgraft.studies.xiang2024 import KEPT, SETS, WINE, small, xiang2024


class Reading(Run):
    """A run that tells what the recipe would try."""

    def trial(self, title, cohort, arms, **settings):
        self.experiments.append({"title": title, "cohort": cohort, "arms": arms, **settings})


def tried(folders):
    run = Reading(SimpleNamespace(), Found("published", "", folders, {}), None)
    xiang2024(run)
    return run.experiments


@pytest.mark.parametrize("name", ["wine_quality", "heart"])
def test_the_nearer_site_weighs_more_and_forests_travel_once(name, tmp_path):
    cohort, target = small(tmp_path, 0)[name], SETS[name][1]
    here = np.flatnonzero(cohort.domains == target)
    labelled = cohort.domains != target
    labelled[here[:40]] = True
    m = entries["ftrf"].cls(task=cohort.task, trees=25)
    m.fit(cohort.X, cohort.y, domain=cohort.domains, target=target, groups=cohort.groups, labelled=labelled)
    assert m.rounds_ == 1 and {entry["site"] for entry in m.log_} == {"near", "far"}
    assert m.sites_["near"]["loss"] < m.sites_["far"]["loss"]
    assert m.sites_["near"]["weight"] > m.sites_["far"]["weight"]
    assert m.transferred_ == (name == "wine_quality")  # of the classes the target's own forest is best


@pytest.mark.parametrize("header", [True, False])
def test_a_wine_that_stands_there_twice_is_one_group(tmp_path, header):
    rng = np.random.default_rng(0)
    for kind, n in (("red", 12), ("white", 20)):
        frame = pd.DataFrame(rng.uniform(size=(n, 11)), columns=WINE[:-1]).assign(quality=np.arange(n) % 4)
        frame = pd.concat([frame, frame.iloc[:5]])
        where = tmp_path / f"winequality-{kind}.csv"
        frame.to_csv(where, index=False, sep=";" if header else ",", header=header)
    (found,) = tried({"wine_quality": tmp_path})
    cohort = found["cohort"]
    assert cohort.n == 42 and len(set(cohort.groups)) == 32
    assert found["target"] == "winequality-red" and (cohort.domains == found["target"]).sum() == 17


def test_hours_of_a_day_stay_together_and_years_are_sites(tmp_path):
    hours = pd.date_range("2010-01-01", "2010-02-28 23:00", freq="h").append(
        pd.date_range("2014-01-01", "2014-02-28 23:00", freq="h")
    )
    frame = pd.DataFrame({"No": np.arange(1, len(hours) + 1), "year": hours.year, "month": hours.month})
    frame = frame.assign(day=hours.day, hour=hours.hour)
    frame["pm2.5"] = np.random.default_rng(0).integers(1, 300, len(hours))
    frame.assign(DEWP=1.5, TEMP=np.arange(len(hours)) % 7).to_csv(tmp_path / "pollution.csv", index=False)
    (found,) = tried({"pm25_beijing": tmp_path})
    cohort = found["cohort"]
    days = cohort.table.groupby(["year", "month", "day"])
    assert (days["day_no"].nunique() == 1).all() and (days.size() == 24).all()
    assert len(set(cohort.groups)) == len(days) == -(-118 // KEPT)
    assert set(cohort.domains) == {"2010", "2014"} and found["target"] == "2014"
    assert "No" not in cohort.features and "year" not in cohort.features
