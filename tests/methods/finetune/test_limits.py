"""Every method that trains a network refuses what its settings cannot be, before it loads anything."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medgraft.base import MedgraftError
from medgraft.methods import entries
from medgraft.methods.finetune.limits import LIMITS, Number, check_limits

WRONG = {
    "epochs": (-1, 2.5, "many"),
    "pretext_epochs": (-1,),
    "adapt_epochs": (-1,),
    "lr": (-1, 0, float("nan")),
    "head_lr": (-0.1,),
    "adapt_lr": (0,),
    "weight_decay": (-1,),
    "batch_size": (0, 2.0),
    "views": (0,),
    "rank": (0,),
    "validation": (2, -0.1, 0.6, "some"),
    "patience": (-1,),
    "frozen": (1.5,),
    "threshold": (2,),
    "size": (-1,),
    "patch": (-1,),
    "spacing": (-1.0,),
    "cache": ("flot16",),
    "batchnorm": ("melted",),
    "class_weight": ("even",),
}
TRAINED = [
    name
    for name in entries
    if "epochs" in entries[name].cls().get_params() and {"images", "volumes"} & {*entries[name].needs}
]
CASES = [
    (method, name, value)
    for method in TRAINED
    for name, values in WRONG.items()
    if name in entries[method].cls().get_params()
    for value in values
]


def refused(method, images, **settings):
    cls = entries[method].cls
    model = cls().set_params(**{"source": "timm:no-such-network"} if "source" in cls().get_params() else {})
    X = pd.DataFrame({"image": images["image"][:4], "volume": images["image"][:4]})
    y = [np.eye(8, dtype=int)] * 4 if "segmentation" in entries[method].tasks else [0, 1, 0, 1]
    name = next(iter(settings))
    with pytest.raises(MedgraftError, match=f"^{name}=.* use "):
        model.set_params(**settings).fit(X, y)


def test_the_wrong_values_are_those_of_every_setting_with_limits():
    assert set(WRONG) == set(LIMITS)
    assert {"finetune", "scratch", "dann", "shot", "tent", "unet", "two-phase", "unet3d"} <= set(TRAINED)


@pytest.mark.parametrize(("method", "name", "value"), CASES)
def test_a_setting_beyond_its_limits_is_one_sentence(method, name, value, images):
    refused(method, images, **{name: value})


@pytest.mark.parametrize(
    ("method", "name", "value"),
    [
        *(
            ("dann", "strength", -1),
            ("deep-coral", "strength", -0.5),
        ),  # below zero domains would be driven apart
        *((name, "epochs", 0) for name in ("unet", "two-phase", "unet3d")),  # a decoder that never trained
        ("unet", "batchnorm", "recompute"),
    ],
)
def test_some_methods_have_narrower_limits(method, name, value, images):
    refused(method, images, **{name: value})


def test_numbers_of_any_library_and_both_ends_are_within_limits():
    check_limits(
        {"epochs": np.int64(0), "lr": np.float32(1e-3), "validation": 0, "frozen": 1, "class_weight": None}
    )
    assert True not in Number() and np.inf not in Number()


def test_only_an_optional_number_can_be_left_to_the_method():
    assert None not in Number() and None in Number(optional=True)
    with pytest.raises(MedgraftError, match=r"validation=None is out of range: use a number from 0 to 0\.5"):
        check_limits({"validation": None})
