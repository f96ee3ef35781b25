"""Tasks by name."""

from __future__ import annotations

import pytest

from medgraft.base import MedgraftError
from medgraft.methods.selfsup.pretrain import MAKERS
from medgraft.methods.selfsup.tasks import PRETEXTS, check_auxiliary, stages_of


def test_every_name_has_a_task():
    assert list(MAKERS) == list(PRETEXTS)


def test_an_unknown_task_is_one_sentence_with_a_hint():
    with pytest.raises(MedgraftError, match="Did you mean 'masked'"):
        stages_of("rotation+maskd")
    with pytest.raises(MedgraftError, match="none, rotation, simclr, masked, autoencoder"):
        stages_of("jigsaw")


def test_a_task_that_is_there_twice_is_refused():
    with pytest.raises(MedgraftError, match="twice"):
        stages_of("masked+masked")


@pytest.mark.parametrize(
    ("auxiliary", "weight", "said"), [("jigsaw", 1.0, "none, rotation"), ("rotation", -1.0, "0 or more")]
)
def test_an_auxiliary_task_that_makes_no_sense_is_one_sentence(auxiliary, weight, said):
    with pytest.raises(MedgraftError, match=said):
        check_auxiliary(auxiliary, weight)


def test_a_chain_is_written_in_quotes_in_an_arm():
    from medgraft.trial.arms import arm

    a = arm('finetune:pretext="masked+rotation",epochs=3')
    assert a.settings == {"pretext": "masked+rotation", "epochs": 3} and not a.steps
