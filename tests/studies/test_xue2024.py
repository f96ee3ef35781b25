from __future__ import annotations

import pytest

from medgraft.methods import entries
from medgraft.studies.xue2024 import small
from medgraft.trial import Trial
from medgraft.trial.tasks import run_task


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return small(tmp_path_factory.mktemp("voices"), 0)


def test_records_come_from_patients_of_the_targets_kind_alone(cohort):
    trial = Trial(cohort, ["last-value"], folds="time")
    method = entries["shapley-transfer"].cls(task="regression", time="test_time")
    taken = 0
    for split in trial.splits:
        own = cohort.table["subject#"][split.test[0]]
        _, m = run_task(method, trial.arrays, split, 1)
        kind = {p for p in range(1, 9) if (p <= 4) == (int(own) <= 4)}
        assert {int(p) for p in m.site_values_} <= kind - {int(own)}
        taken += m.proportion_ > 0
    assert taken >= 6  # of eight patients, most profit


def test_the_score_that_is_nearly_the_label_is_no_feature(cohort):
    from medgraft.studies.kit import Run
    from medgraft.studies.kit.found import Found
    from medgraft.studies.xue2024 import xue2024

    seen = []

    class Reading(Run):
        def trial(self, title, cohort, arms, **settings):
            seen.append(cohort.features)
            raise KeyboardInterrupt

    run = Reading(None, Found("generated", "", {}, {"generated": cohort}), None)
    with pytest.raises(KeyboardInterrupt):
        xue2024(run)
    assert seen == [("PPE", "age", "HNR", "test_time")] or set(seen[0]) >= {"PPE", "age", "HNR"}
    assert not set(seen[0]) & {"motor_UPDRS", "total_UPDRS"}
