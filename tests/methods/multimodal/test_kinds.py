"""Fusion of every kind that patients have, where some of them lack some."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file, save_file

from medgraft.base import MedgraftError
from medgraft.methods.encode import TableEncoder
from medgraft.methods.finetune.features import BackboneFeatures
from medgraft.methods.finetune.fused import copies_of
from medgraft.methods.finetune.fusion import Fusion
from medgraft.methods.finetune.head import scaling
from medgraft.methods.finetune.parts import kinds_read
from medgraft.methods.learner import default_learner
from medgraft.networks.sequence_cnn import sequence_cnn
from medgraft.sources import Pretrained
from medgraft.sources.arrays import SequenceReading, SignalReading
from medgraft.sources.signals import SignalInput

COLUMNS = ("marker", "sex")
MARKS = ["image is missing", "sequence is missing", "clinical is missing"]


def fused(network, views, **settings):
    return Fusion([network, views], **{"columns": COLUMNS} | settings)


def features(model, frame):
    return model.fused_.transform(model.fused_.frame(frame), None)


def test_it_is_the_default_learner_on_blocks_of_the_rows_that_have_them_and_marks(network, views, patients):
    w = np.random.default_rng(0).uniform(0.5, 2, len(patients))
    there = [
        patients["image"].notna().to_numpy(),
        patients["sequence"].notna().to_numpy(),
        patients[list(COLUMNS)].notna().any(axis=1).to_numpy(),
    ]
    assert all(0 < mask.sum() < len(patients) for mask in there)
    blocks = []
    for k, mask in enumerate(there):
        own = patients[mask]
        if k == 0:
            F = BackboneFeatures(network).transform(own[["image"]])
            mean, scale = scaling(F, w[mask])
            F = (F - mean) / scale
        else:
            table = views.transform(own[["sequence"]]) if k == 1 else own[list(COLUMNS)]
            F = TableEncoder().fit(table, sample_weight=w[mask]).transform(table)
        blocks.append(np.zeros((len(patients), F.shape[1])))
        blocks[-1][mask] = F
    gone = ~np.column_stack(there)
    share = np.average(gone, axis=0, weights=w)
    blocks.append((gone - share) / np.sqrt(np.average((gone - share) ** 2, axis=0, weights=w)))
    d = sum(block.shape[1] for block in blocks)
    Z = np.hstack([block * np.sqrt(d / (4 * block.shape[1])) for block in blocks])
    y = (patients["label"] == "ill").to_numpy().astype(int)
    truth = default_learner().fit(Z, y, sample_weight=w, groups=patients["patient"])
    model = fused(network, views).fit(
        patients, patients["label"], sample_weight=w, groups=patients["patient"].to_numpy()
    )
    np.testing.assert_allclose(features(model, patients), Z, atol=1e-9)
    np.testing.assert_allclose(model.predict_proba(patients), truth.predict_proba(Z), atol=1e-8)
    assert model.names_[-3:] == MARKS
    assert [part.name for part in model.fused_.parts] == ["mobilenetv2_035", "sequence-views", "clinical"]


def test_a_row_without_any_clinical_value_has_no_table_and_one_with_a_gap_has(network, patients):
    table = patients[list(COLUMNS)]
    none, partly = table.isna().all(axis=1).to_numpy(), table.isna().any(axis=1).to_numpy()
    assert none.any() and (partly & ~none).any()
    model = Fusion([network], columns=COLUMNS).fit(patients, patients["label"])
    Z = features(model, patients)
    clinical = [i for i, name in enumerate(model.names_) if name.startswith(("marker", "sex"))]
    mark = Z[:, model.names_.index("clinical is missing")]
    assert (Z[np.ix_(none, clinical)] == 0).all() and len(clinical) > 1
    assert (mark[none] > 0).all() and (mark[~none] < 0).all()
    gap = Z[:, model.names_.index("marker is missing")]
    np.testing.assert_array_equal(gap > 0, table["marker"].isna().to_numpy() & ~none)


def test_who_lacks_a_kind_can_be_all_there_is_to_know(network, patients):
    y = np.where(patients["image"].isna(), "lacks", "has")
    model = Fusion([network], columns=COLUMNS).fit(patients, y)
    assert (model.predict(patients) == y).all()


def test_a_kind_that_only_new_rows_lack_is_at_the_mean_without_a_mark(network, views, patients):
    whole = patients[patients[["image", "sequence", "marker"]].notna().all(axis=1)]
    model = fused(network, views).fit(whole, whole["label"])
    assert not [name for name in model.names_ if name in MARKS]
    blank = whole.assign(image=None)
    Z, d = features(model, whole), len(model.fused_.parts[0].names)
    Z[:, :d] = 0
    np.testing.assert_array_equal(features(model, blank), Z)
    nothing = whole.assign(image=None, sequence=None, marker=np.nan, sex=None)
    p = model.predict_proba(nothing)
    np.testing.assert_allclose(
        p, np.broadcast_to(model.learner_.predict_proba(np.zeros((1, Z.shape[1]))), p.shape)
    )


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        ("image", ["mobilenetv2_035", "radiomics"]),
        ("image/clinical", ["mobilenetv2_035", "radiomics", "clinical"]),
        ("sequence-views/radiomics", ["sequence-views", "radiomics"]),
        ("sequence", ["sequence-views"]),
    ],
)
def test_parts_are_chosen_by_their_names_or_by_their_kind(network, views, patients, parts, names):
    model = Fusion([network, views, "radiomics"], columns=COLUMNS, parts=parts)
    assert [part.name for part in model.fit(patients, patients["label"]).fused_.parts] == names


def test_a_part_reads_its_own_columns_alone(network, views, patients):
    model = fused(network, views, parts="sequence/clinical").fit(patients, patients["label"])
    other = patients.assign(image="nowhere.png", patient=0, label="?")
    np.testing.assert_array_equal(model.predict_proba(other), model.predict_proba(patients))
    bare = patients[["sequence", *COLUMNS]]
    np.testing.assert_array_equal(model.predict_proba(bare), model.predict_proba(patients))


def test_neither_the_order_of_rows_nor_that_of_columns_matters(network, views, patients):
    rng = np.random.default_rng(1)
    p = rng.permutation(len(patients))
    mixed = patients.iloc[p][rng.permutation(patients.columns)]
    a = fused(network, views).fit(patients, patients["label"], groups=patients["patient"])
    b = fused(network, views, columns=COLUMNS[::-1]).fit(mixed, mixed["label"], groups=mixed["patient"])
    np.testing.assert_allclose(a.predict_proba(patients), b.predict_proba(patients), atol=1e-8)


def test_saved_equals_fitted_to_the_last_bit_and_holds_no_patient(network, views, patients, tmp_path):
    model = fused(network, views).fit(patients, patients["label"], groups=patients["patient"])
    config, tensors = model.state()
    save_file(tensors, tmp_path / "m.safetensors")
    text = json.dumps(config)
    again = Fusion.from_state(json.loads(text), load_file(tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(again.predict_proba(patients), model.predict_proba(patients))
    assert again.names_ == model.names_ and again.columns == COLUMNS
    held = text.encode() + (tmp_path / "m.safetensors").read_bytes()
    told = [cell for kind in ("patient", "image", "sequence") for cell in patients[kind].dropna()[:4]]
    assert not [cell for cell in told if cell.encode() in held]


def test_the_input_stays_as_it_was(network, views, patients):
    before = patients.copy(deep=True)
    fused(network, views).fit(patients, patients["label"]).predict(patients)
    pd.testing.assert_frame_equal(patients, before)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("image", "No row that teaches has an image"),
        ("sequence", "No row that teaches has a sequence"),
        ("clinical", "No row that teaches has a value in the clinical columns"),
    ],
)
def test_a_kind_that_nobody_has_is_one_sentence(network, views, patients, kind, says):
    columns = list(COLUMNS) if kind == "clinical" else [kind]
    blank = patients.assign(**dict.fromkeys(columns, None))
    with pytest.raises(MedgraftError, match=says):
        fused(network, views).fit(blank, blank["label"])


def test_a_column_that_is_not_there_is_one_sentence(network, views, patients):
    model = fused(network, views).fit(patients, patients["label"])
    with pytest.raises(MedgraftError, match="no column of sequences to read: name it with --sequence"):
        model.predict(patients.drop(columns="sequence"))
    with pytest.raises(MedgraftError, match="'sex', which the data lack"):
        model.predict(patients.drop(columns="sex"))


def test_rows_that_share_a_sample_are_copies_by_the_first_kind_that_they_have(patients):
    image = patients["image"].dropna().iloc[0]
    rows = pd.DataFrame(
        {
            "sequence": ["acgt", "GGTT", "ACGT", "ACGT"],
            "image": [None, image, None, image],
            "marker": range(4),
        }
    )
    code = copies_of(rows)
    assert code[0] == code[2] and code[1] == code[3] and code[0] != code[1]


def test_a_network_reads_what_it_can_and_what_it_was_told_to(network, patients, tmp_path):
    assert kinds_read(network) == ("image", "volume", "signal")
    assert kinds_read(Pretrained(network.spec, volume="slices=4"))[0] == "volume"
    assert kinds_read(Pretrained("medgraft:meshnet")) == ("volume",)
    assert kinds_read(Pretrained("medgraft:resnet1d")) == ("signal", "sequence", "omics")
    drawn = SignalReading(SignalInput(100.0, 1.0, ("a",)), "scalogram")
    assert kinds_read(Pretrained(network.spec, array=drawn)) == ("signal",)
    save_file(sequence_cnn(4, 30).state_dict(), tmp_path / "letters.safetensors")
    spec = f"{tmp_path / 'letters.safetensors'}@medgraft:sequence_cnn"
    letters = Pretrained(spec, array=SequenceReading(30))
    model = Fusion([letters, network], columns=COLUMNS).fit(patients, patients["label"])
    assert {part.name: part.kind for part in model.fused_.parts} == {
        "sequence_cnn": "sequence",
        "mobilenetv2_035": "image",
        "clinical": "clinical",
    }
    one = Fusion([letters], parts="sequence").fit(patients, patients["label"])
    Z = features(model, patients)[:, : len(one.names_) - 1] / model.fused_.factors[0]
    np.testing.assert_allclose(Z, features(one, patients)[:, :-1] / one.fused_.factors[0], atol=1e-9)
