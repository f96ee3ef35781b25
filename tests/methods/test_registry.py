from __future__ import annotations

import subprocess
import sys

import pytest

from medgraft.base import MedgraftError
from medgraft.methods import entries, method


def test_the_first_of_each_family_are_there():
    families = {
        "majority": "control",
        "target-only": "control",
        "source-only": "control",
        "pooled": "control",
        "ulsif": "instance",
        "coral": "feature",
        "l2sp": "model",
        "guarded": "guard",
    }
    assert {n: entries[n].family for n in families} == families


def test_controls_are_controls_and_the_rest_transfers():
    for name, entry in entries.items():
        assert entry.role == ("control" if entry.family == "control" else "transfer"), name


def test_the_decorator_leaves_the_class_as_it_is():
    cls = entries["coral"].cls
    assert cls.__name__ == "CORAL"
    assert entries["coral"].summary == cls.__doc__.splitlines()[0]


@pytest.mark.parametrize(
    "wrong",
    [{"family": "magic"}, {"tasks": ("sorting",)}, {"needs": ("luck",)}, {"role": "judge"}],
)
def test_an_unknown_word_in_a_registration_is_the_authors_error(wrong):
    settings = {"family": "control", "cost": "O(1)", **wrong}
    with pytest.raises(ValueError, match=f"unknown .* '{next(iter(wrong.values()))}'|unknown"):
        method("never-registered", **settings)
    assert "never-registered" not in entries


def test_a_name_is_taken_only_once():
    with pytest.raises(ValueError, match="twice"):
        method("coral", family="control", cost="O(1)")(type("Other", (), GOOD))


GOOD = {"__doc__": "One line.", "fit": print, "predict": print}


@pytest.mark.parametrize(
    ("name", "lacking", "why"),
    [
        ("My Method", None, "as in 'my-method'"),
        ("-x", None, "small letters"),
        ("never-registered", "__doc__", "write a docstring"),
        ("never-registered", "predict", "has no predict"),
    ],
)
def test_a_class_or_name_that_no_one_could_use_is_the_authors_error(name, lacking, why):
    from medgraft.methods.prepare.registry import step, steps

    cls = type("Mine", (), {k: v for k, v in GOOD.items() if k != lacking})
    for register in (method(name, family="control", cost="O(1)"), step(name, around="learner")):
        with pytest.raises(ValueError, match=why):
            register(cls)
    assert name not in entries and name not in steps


def test_a_misspelt_method_gets_a_suggestion():
    with pytest.raises(MedgraftError, match="Did you mean 'coral'"):
        entries["corral"]


def test_importing_the_package_does_not_import_scikit_learn_or_torch():
    code = (
        "import sys, medgraft.methods; print([m for m in ('sklearn', 'torch', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_estimators_are_found_on_the_package_when_asked_for():
    import medgraft.methods as methods

    assert methods.Guarded.__name__ == "Guarded"
    assert methods.Pipeline.__name__ == "Pipeline"
    assert methods.TransferEstimator.__name__ == "TransferEstimator"
    with pytest.raises(AttributeError, match="Nonsense"):
        _ = methods.Nonsense


def test_the_decorator_tells_the_class_its_tasks():
    assert entries["tradaboost"].cls.supported_tasks == ("binary",)
    assert entries["jda"].cls.supported_tasks == ("binary", "multiclass")


def test_listing_methods_loads_no_network_library():
    seen = "[n for n in ('torch', 'timm') if n in sys.modules]"
    code = f"import sys, medgraft.methods as m; len(m.entries); print({seen})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
