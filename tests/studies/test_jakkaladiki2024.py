"""[49]: attention trains, and patients are apart where it is honest."""

from __future__ import annotations

import numpy as np

from medgraft.cohort import kfold_splits
from medgraft.methods.finetune.finetune import FineTune
from medgraft.studies.jakkaladiki2024 import IMAGES, TABLE, small
from medgraft.studies.kit import leaks


class Untaught(FineTune):
    """From random weights: there are none to load."""

    _pretrained = False


def _shared(cohort, patients):
    splits = kfold_splits(cohort, folds=2)
    return [len(set(patients[s.labelled]) & set(patients[s.test])) for s in splits]


def test_patients_stand_on_both_sides_only_as_published(tmp_path):
    for cohort in small(tmp_path, 0).values():
        assert sum(_shared(cohort, cohort.groups)) == 0
        assert min(_shared(leaks.ungrouped(cohort), cohort.groups)) > 0


def test_attention_begins_as_no_change_and_then_learns(tmp_path):
    cohort = small(tmp_path, 0)[IMAGES].select(np.arange(16))
    moved = {}
    for epochs in (0, 2):
        model = Untaught("medgraft:cifar_resnet20", attention="cbam", epochs=epochs, device="cpu")
        model.fit(cohort.X, cohort.y, groups=cohort.groups)
        tensors = model.backbone_.tensors()
        added = [t for name, t in tensors.items() if "places.weight" in name]
        assert len(added) == 1
        moved[epochs] = float(added[0].abs().max())
    assert moved[0] == 0.0 < moved[2]


def test_the_table_has_patients_with_several_rows(tmp_path):
    cohort = small(tmp_path, 0)[TABLE]
    assert len(np.unique(cohort.groups)) < cohort.n and len(cohort.features) == 9
