from __future__ import annotations

import pytest

import medgraft as mg
from medgraft.methods import entries
from medgraft.trial.arms import Workbench, build


def test_settings_are_read_as_numbers_truths_and_words():
    a = mg.arm("finetune:epochs=3,augmentation=none", lr=0.01)
    assert a.method == "finetune"
    assert a.settings == {"epochs": 3, "augmentation": "none", "lr": 0.01}


def test_the_name_of_an_arm_is_what_was_typed():
    assert mg.arm("coral").name == "coral"
    assert mg.arm("finetune:epochs=3").name == "finetune:epochs=3"


def test_an_unknown_arm_is_answered_with_the_nearest_one():
    with pytest.raises(mg.MedgraftError, match="There is no method 'finetun'. Did you mean 'finetune'"):
        mg.arm("finetun")


def test_a_misspelt_setting_is_answered_with_the_nearest_one():
    with pytest.raises(mg.MedgraftError, match="no setting 'epoch'. Did you mean 'epochs'"):
        mg.arm("finetune:epoch=3")


def test_a_setting_without_a_value_is_refused():
    with pytest.raises(mg.MedgraftError, match="setting without a value"):
        mg.arm("finetune:epochs")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("finetune:epochs=x", "takes a number"),
        ("finetune:epochs=2.5", "takes a whole number"),
        ("finetune:batchnorm=3", "takes text"),
        ("pooled:task=regression", "say --task"),
        ("pooled:random_state=abc", "say --seed"),
        ("pooled:estimator=foo", "add a learner by a plus, as in pooled\\+svm"),
        ("pooled:estimator__C=3", "no setting"),
        ("guarded:candidates=3", "other arms"),
        ("guarded:inner_folds=x", "takes a number"),
    ],
)
def test_a_setting_of_another_kind_or_of_the_trials_own_is_an_error(spec, says):
    with pytest.raises(mg.MedgraftError, match=says):
        mg.arm(spec)


def test_settings_given_as_keywords_are_part_of_the_name():
    assert mg.arm("finetune", epochs=3).name == mg.arm("finetune:epochs=3").name
    assert mg.arm("finetune", epochs=3).name != mg.arm("finetune", epochs=4).name


def test_steps_follow_a_plus_and_have_settings_of_their_own():
    a = mg.arm("coral:shrinkage=1e-1+rose:shrink=0.5,correct=false+knn-impute")
    assert (a.method, a.settings) == ("coral", {"shrinkage": 0.1})
    assert a.steps == (("rose", {"shrink": 0.5, "correct": False}), ("knn-impute", {}))
    assert a.name == "coral:shrinkage=1e-1+rose:shrink=0.5,correct=false+knn-impute"
    assert mg.arm("coral+rose", shrinkage=0.1).name == "coral:shrinkage=0.1+rose"
    assert mg.arm("finetune:lr=1e+3").settings == {"lr": 1000.0}


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("pooled+rosse", "There is no step 'rosse'. Did you mean 'rose'"),
        ("pooled+rose:shrinc=1", "The step 'rose' has no setting 'shrinc'. Did you mean 'shrink'"),
        ("pooled+rose:shrink=much", "takes a number"),
        ("pooled+rose:random_state=1", "say --seed"),
        ("pooled+rose+smote", "rose and smote both balance classes"),
        ("pooled+knn-impute+iterative-impute", "both fill gaps"),
        ("pooled+svn", "There is no step 'svn'. Did you mean 'svm'"),
        ("pooled+svm:feature=1", "The learner 'svm' has no setting 'feature'. Did you mean 'features'"),
        ("pooled+svm:task=regression", "say --task"),
        ("pooled+svm:random_state=1", "say --seed"),
        ("pooled+mlp:hidden=many", "takes a number"),
        ("pooled+svm+rose+mlp", "svm and mlp are both learners"),
    ],
)
def test_a_step_that_does_not_exist_or_has_no_such_setting_is_an_error(spec, says):
    with pytest.raises(mg.MedgraftError, match=says):
        mg.arm(spec)


@pytest.mark.parametrize(
    ("spec", "task", "says"),
    [
        ("pooled+rose", "regression", "a regression has none"),
        ("l2sp+rose", "binary", "has a model of its own"),
        ("trans-glm+class-weights", "binary", "has a model of its own"),
        ("guarded+rose", "binary", "chooses among the other arms"),
        ("majority+rose", "binary", "has a model of its own"),
        ("scratch+rose", "binary", "has a model of its own"),
        ("scratch+knn-impute", "binary", "reads images"),
        ("pooled+ridge", "binary", "ridge does regression, and this is binary"),
        ("pooled+hopfield", "regression", "does binary, multiclass, and this is regression"),
        ("l2sp+svm", "binary", "has a model of its own"),
        ("finetune+svm", "binary", "has a model of its own"),
        ("majority+svm", "binary", "has a model of its own"),
        ("guarded+svm", "binary", "chooses among the other arms"),
    ],
)
def test_a_step_without_a_place_is_an_error(spec, task, says):
    with pytest.raises(mg.MedgraftError, match=says):
        build(mg.arm(spec), Workbench(task, "table"), 0)


def test_balancing_stands_inside_the_method_and_filling_around_it():
    made = build(
        mg.arm("coral+iterative-impute+class-weights:correct=false"), Workbench("binary", "table"), 7
    )
    assert type(made).__name__ == "IterativeImpute"
    assert type(made.estimator).__name__ == "CORAL"
    learner = made.estimator.estimator
    assert type(learner).__name__ == "ClassWeights"
    assert (learner.correct, learner.random_state) == (False, 7)


def test_a_learner_follows_a_plus_wherever_it_stands():
    for spec in ("coral+rose+svm:C=10", "coral+svm:C=10+rose"):
        a = mg.arm(spec)
        assert (a.name, a.steps, a.learner) == (spec, (("rose", {}),), ("svm", {"C": 10}))
    assert mg.arm("coral+rose").learner is None


def test_the_learner_is_innermost_and_knows_task_and_seed():
    made = build(mg.arm("coral+rose+svm:C=10+knn-impute"), Workbench("binary", "table"), 7)
    assert [type(e).__name__ for e in (made, made.estimator)] == ["KNNImpute", "CORAL"]
    rose = made.estimator.estimator
    assert (type(rose).__name__, type(rose.estimator).__name__) == ("Rose", "SVMLearner")
    assert (rose.estimator.C, rose.estimator.task, rose.estimator.random_state) == (10, "classification", 7)
    plain = build(mg.arm("pooled+svm"), Workbench("regression", "table"), 3)
    assert (plain.estimator.task, plain.estimator.random_state) == ("regression", 3)


def takes_learner(name):
    cls = entries[name].cls
    own = getattr(cls, "own_learner", False) or entries[name].family == "guard"
    return "estimator" in cls().get_params(deep=False) and not own


@pytest.mark.parametrize("name", [n for n in entries if takes_learner(n)])
def test_every_method_that_takes_a_learner_takes_it_by_a_plus(name):
    task = "binary" if "binary" in entries[name].tasks else "regression"
    made = build(mg.arm(f"{name}+random-forest:trees=5"), Workbench(task, "image"), 0)
    inner = getattr(made, "estimator", None)
    while inner is not None and type(inner).__name__ != "ForestLearner":
        inner = getattr(inner, "estimator", None)
    assert inner is not None and inner.trees == 5
