from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from medgraft.methods.model.sequential import Sequential
from medgraft.studies.amiri2024 import NEXT, _order, _panel, _ranking, small


def test_coefficients_are_handed_on_and_drift_as_planted(tmp_path):
    cohort = small(tmp_path, 0)
    order = _order(cohort)
    m = Sequential(task="regression", order=order[:-1])
    m.fit(cohort.X, cohort.y, domain=cohort.domains, target=order[-1], groups=cohort.groups)
    at = m.encoder_.names_.index("stringency_index")
    strict = m.path_[:, 0, at]
    assert m.periods_ == order and (np.diff(strict) < 0).all()  # the later, the more it helps to be strict
    shift = np.diff(strict) / (0.02 * 15 / 50 * cohort.X["stringency_index"].std())
    np.testing.assert_allclose(shift, -1, atol=0.3)  # fifteen weeks on, by the generator's own rule


def days(first, weeks, country="A", cases=7.0):
    date = pd.date_range(first, periods=7 * weeks)
    frame = pd.DataFrame({"location": country, "date": date, "stringency_index": 50.0, "continent": "Asia"})
    return frame.assign(new_cases_per_million=np.repeat(np.arange(weeks), 7) + cases)


def test_a_week_foretells_the_next_one_and_no_later_one():
    table = pd.concat([days("2020-01-06", 3), days("2020-02-10", 2), days("2020-01-06", 4, "B")])
    world = days("2020-01-06", 9, "World").assign(continent=np.nan)
    cohort = _panel(pd.concat([table, world]))
    a = cohort.table[cohort.table["location"] == "A"]
    np.testing.assert_allclose(a[NEXT], np.log1p([8.0, 9.0, 8.0]))  # the third week has no next one
    assert set(cohort.table["location"]) == {"A", "B"} and NEXT not in cohort.features


def test_periods_follow_the_dates_of_the_variants_where_there_are_any():
    cohort = _panel(pd.concat([days("2020-11-02", 70, c) for c in "AB"]))
    assert _order(cohort) == ["original", "alpha", "delta", "omicron"]


def test_the_country_that_is_best_in_everything_is_ranked_first(tmp_path):
    cohort = small(tmp_path, 1)
    best = cohort.table["location"] == "land3"
    for column in ("new_cases_per_million", "stringency_index"):
        late = best & (cohort.table["period"] == "period 3")
        cohort.table.loc[late, column] = cohort.table[column].min() - 1
    assert "land3" in _ranking(cohort, _order(cohort)).split(":")[1].split(" first")[0].split(", ")[0]


def test_of_two_countries_alike_the_one_with_more_vaccinated_people_is_ranked_higher(tmp_path):
    cohort = small(tmp_path, 1)
    table = cohort.table.assign(people_vaccinated_per_hundred=30.0)
    for country, vaccinated in (("land3", 90.0), ("land5", 10.0)):  # both best in all else, at all times
        own = table["location"] == country
        for column in ("new_cases_per_million", "stringency_index"):
            table.loc[own, column] = cohort.table[column].min() - 1
        table.loc[own & (table["period"] == "period 3"), "people_vaccinated_per_hundred"] = vaccinated
    features = (*cohort.features, "people_vaccinated_per_hundred")
    said = _ranking(replace(cohort, table=table, features=features), _order(cohort))
    assert said.index("land3") < said.index("land5")
