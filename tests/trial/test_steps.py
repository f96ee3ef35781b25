from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

import medgraft as mg
import medgraft.cli.report  # one verb alone would need no name
import medgraft.cli.trial
from medgraft.cli.app import app
from medgraft.graft import save
from samples import two_sites

ARMS = ["pooled", "pooled+rose", "coral+class-weights:correct=false+knn-impute", "l2sp+iterative-impute"]


def trial(cohort, arms):
    return mg.Trial(cohort, arms, target="b", labels_per_class=6, folds=2)


def test_a_trial_compares_arms_with_steps_and_delivers_one(cohort, tmp_path):
    result = trial(cohort, [*ARMS, "guarded"]).run(tmp_path / "out")
    assert [a["name"] for a in result.arms] == ["target-only", *ARMS, "guarded"]
    assert [a["method"] for a in result.arms[1:5]] == ["pooled", "pooled", "coral", "l2sp"]
    assert np.isfinite(mg.load(tmp_path / "out").predict_proba(cohort)).all()


SELECTED = ["pooled+spearman-select+lasso-select+svm:features=64", "coral+mrmr:features=3+pca:share=0.9"]


@pytest.mark.parametrize("name", [*ARMS[1:], *SELECTED])
def test_an_arm_with_steps_survives_being_saved(cohort, name, tmp_path):
    made = trial(cohort, [name])
    model = made.build(next(a for a in made.arms if a.name == name), made.splits[0])
    model.fit(cohort.X, cohort.y, domain=cohort.domains, target="b", groups=cohort.groups)
    save(tmp_path / "graft", model, cohort, {})
    again = mg.load(tmp_path / "graft")
    np.testing.assert_array_equal(again.model.predict_proba(cohort.X), model.predict_proba(cohort.X))


def test_the_command_line_takes_a_step_after_a_plus(tmp_path):
    two_sites().to_csv(tmp_path / "two.csv", index=False)
    words = ["trial", str(tmp_path / "two.csv"), "--label", "ill", "--domain", "site", "--target", "b"]
    words += ["--labels-per-class", "6", "--folds", "2", "--jobs", "1"]
    said = CliRunner().invoke(app, [*words, "--arm", "pooled+rose", "--out", str(tmp_path / "out")])
    assert said.exit_code == 0, said.output
    assert "pooled+rose" in said.output
    said = CliRunner().invoke(app, [*words, "--arm", "pooled+rosy", "--out", str(tmp_path / "other")])
    assert isinstance(said.exception, SystemExit) and said.exit_code == 2
    assert "There is no step 'rosy'. Did you mean 'rose'" in said.output
