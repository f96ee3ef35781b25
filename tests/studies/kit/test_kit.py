"""The parts that recipes are made of, on data small enough to follow."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import medgraft as mg
from medgraft.base import MedgraftError
from medgraft.cohort.generate import table
from medgraft.evidence import Interval
from medgraft.studies import Study
from medgraft.studies.kit import Run, account, leaks, networks, study
from medgraft.studies.kit.found import Found, find, where_to_get
from medgraft.studies.kit.perform import perform
from medgraft.studies.kit.thin import thin


def two_sites(folder, seed):
    frame = table(80, 5, effect=1.5, seed=seed)
    return mg.read(
        frame,
        label="label",
        group="patient",
        domain="site",
        features=[str(c) for c in frame if str(c).startswith("x")],
    )


def recipe(run):
    cohort = run.cohort() if run.honest else leaks.ungrouped(run.cohort())
    run.trial("Ill or not", cohort, ["target-only", "pooled"], method="pooled", target="b", folds=2)
    run.note("Said once.")
    run.note("Said once.")


CARD = {
    "key": "invented2026",
    "ref": 99,
    "title": "An invented study",
    "authors": "Nobody",
    "venue": "Nowhere",
    "year": 2026,
    "doi": "10.1000/x",
    "modality": "table",
    "task": "ill or not",
    "method": "pooling",
    "transfer": ("instance",),
    "access": "closed",
    "generated": two_sites,
    "recipe": recipe,
    "summary": "Does pooling help?",
    "leaks": ("patients are split apart",),
}
STUDY = Study(**CARD)


def test_an_account_holds_the_trials_own_figures(tmp_path):
    told = perform(STUDY, tmp_path, generated=True)
    result = mg.Result.read(tmp_path / "ill-or-not")
    first = told["experiments"][0]
    assert {a["name"]: a["value"] for a in first["arms"]} == {a["name"]: a["value"] for a in result.arms}
    assert first["difference"] == result.comparisons[0]["difference"]
    assert first["control"] == "target-only" and told["notes"] == ["Said once."]
    assert json.loads((tmp_path / "study.json").read_text()) == told


def test_a_run_that_was_interrupted_goes_on_and_ends_in_the_same_account(tmp_path):
    first = perform(STUDY, tmp_path, generated=True)
    again = perform(STUDY, tmp_path, generated=True)
    assert first["experiments"] == again["experiments"]


def test_both_protocols_give_the_optimism_of_the_leaks(tmp_path):
    told = perform(STUDY, tmp_path, generated=True, protocol="both")
    one = told["optimism"][0]
    assert one["value"] == pytest.approx(one["as_published"][0] - one["honest"][0])  # no row was added
    assert one["way"] == "paired by patient" and one["n"] == told["honest"]["experiments"][0]["n"]
    assert one["ci"][0] < one["value"] < one["ci"][1]
    assert told["honest"]["leaks"] == [] and told["as_published"]["leaks"] == list(STUDY.leaks)


def test_rows_that_were_made_before_the_split_are_left_out_of_the_optimism(tmp_path):
    def before(run):
        cohort = run.cohort()
        cohort = replace(cohort, domain=None, group=None).select(
            np.flatnonzero(cohort.y | (cohort.groups % 2))
        )
        cohort = cohort if run.honest else leaks.balanced_before(cohort)
        run.trial("Made", cohort, ["target-only", "majority"], method="target-only", folds=2)

    told = perform(Study(**(CARD | {"recipe": before})), tmp_path, generated=True, protocol="both")
    honest, leaking = (told[name]["experiments"][0]["n"] for name in ("honest", "as_published"))
    one = told["optimism"][0]
    assert leaking > honest == one["n"] and one["way"] == "paired by patient"
    assert one["value"] != pytest.approx(one["as_published"][0] - one["honest"][0])


def test_without_known_leaks_there_is_only_the_honest_protocol(tmp_path):
    clean = Study(**(CARD | {"leaks": ()}))
    with pytest.raises(MedgraftError, match="No leak of invented2026 is known"):
        perform(clean, tmp_path, generated=True, protocol="both")


def test_a_study_without_data_says_where_to_get_them_and_in_what_layout(tmp_path):
    needs = Study(**(CARD | {"data": ("brain_tumour_mri",)}))
    with pytest.raises(MedgraftError, match=r"kaggle.com.*Training/glioma.*--generated"):
        perform(needs, tmp_path)
    assert "Training/glioma*" in where_to_get(needs)


def test_a_folder_is_known_by_its_layout_and_refused_where_it_has_none(tmp_path):
    study = Study(**(CARD | {"data": ("ckd",), "stand_ins": {"wine_quality": "wine, not kidneys."}}))
    with pytest.raises(MedgraftError, match="none of the layouts that invented2026 reads"):
        find(study, [tmp_path], False, tmp_path, 0)
    for name in ("winequality-red.csv", "winequality-white.csv"):
        (tmp_path / name).write_text("alcohol;quality\n9;5\n10;6\n")
    found = find(study, [tmp_path], False, tmp_path, 0)
    assert found.kind == "stand-in" and "wine, not kidneys." in found.note
    assert find(study, [f"wine_quality={tmp_path}"], False, tmp_path, 0).folders == found.folders
    with pytest.raises(MedgraftError, match="did you mean|Did you mean"):
        find(study, [f"wine_qualty={tmp_path}"], False, tmp_path, 0)


def test_a_verdict_of_figures_knows_which_way_is_better():
    def verdict(difference, greater):
        found = account.of_values(
            "t",
            "mae",
            {"m": Interval(1, 0, 2), "c": Interval(2, 1, 3)},
            "m",
            "c",
            difference,
            10,
            "patients",
            greater,
        )
        return found["verdict"]

    lower = Interval(-1.0, -1.5, -0.5)
    assert verdict(lower, False) == "helps" and verdict(lower, True) == "harms"
    assert verdict(Interval(-1.0, -1.5, 0.5), False) == "inconclusive"


def test_thinning_keeps_at_most_so_many_rows_of_each_class_whatever_their_order():
    frame = pd.DataFrame({"who": np.repeat(range(30), 2), "x": range(60), "ill": ["no", "yes", "yes"] * 20})
    cohort = mg.read(frame, label="ill", group="who", features="x")
    few = thin(cohort, 7, seed=3)
    assert np.bincount(few.y).tolist() == [7, 7]
    assert thin(cohort, None, 3) is cohort and thin(cohort, 1000, 3).n == 60
    assert few.table["x"].tolist() == thin(cohort, 7, seed=3).table["x"].tolist()


def test_backbones_stand_for_published_networks_in_order_and_the_last_for_the_rest():
    names = ["timm:resnet18", "timm:resnet50", "torchvision:vgg16"]
    assert networks.used(names, ["a", "b"], False) == dict(zip(names, ["a", "b", "b"], strict=True))
    assert networks.used(names, [], False) == {n: n for n in names}


def pictures(tmp_path, n=6):
    rng = np.random.default_rng(0)
    rows = []
    for i in range(n):
        path = tmp_path / f"{i}.png"
        Image.fromarray(rng.integers(0, 255, (24, 24, 3), dtype=np.uint8)).save(path)
        rows.append({"image": str(path), "who": f"p{i // 2}", "ill": ["no", "yes"][i % 2]})
    return pd.DataFrame(rows)


def test_copies_stay_with_their_patient_unless_ungrouped(tmp_path):
    cohort = mg.read(pictures(tmp_path), image="image", label="ill", group="who", features=())
    more = leaks.with_copies(cohort, tmp_path / "copies", 2)
    assert more.n == 18 and len(set(more.groups)) == 3
    assert more.y.tolist() == cohort.y.tolist() * 3
    assert leaks.ungrouped(more).group is None


def test_copies_of_other_images_are_not_taken_for_these(tmp_path):
    first = mg.read(pictures(tmp_path), image="image", label="ill", group="who", features=())
    leaks.with_copies(first, tmp_path / "copies", 1)
    (tmp_path / "other").mkdir()
    white = pictures(tmp_path / "other")
    for path in white["image"]:
        Image.new("RGB", (24, 24), "white").save(path)
    again = leaks.with_copies(
        mg.read(white, image="image", label="ill", group="who", features=()), tmp_path / "copies", 1
    )
    copies = [np.asarray(again.open_image(i))[8:16, 8:16] for i in range(6, 12)]
    assert all((c == 255).all() for c in copies)


def test_near_and_mirrored_copies_without_patients_become_one_group(tmp_path):
    frame = pictures(tmp_path, 30)
    image = np.asarray(Image.open(frame["image"][0])).astype(int)
    Image.fromarray(np.clip(image + 2, 0, 255).astype(np.uint8)).save(tmp_path / "copy.png")
    frame = pd.concat([frame, frame.iloc[[0]].assign(image=str(tmp_path / "copy.png"))], ignore_index=True)
    turned = Image.fromarray(np.asarray(Image.open(frame["image"][5]))[:, ::-1])
    turned.save(tmp_path / "mirror.png")
    frame = pd.concat([frame, frame.iloc[[5]].assign(image=str(tmp_path / "mirror.png"))], ignore_index=True)
    cohort = leaks.grouped_copies(mg.read(frame, image="image", label="ill", group="none", features=()))
    groups = cohort.groups
    assert groups[0] == groups[30] and groups[5] == groups[31] and len(set(groups)) == 30


def test_rows_made_before_the_split_lie_between_rows_of_the_whole_table():
    pytest.importorskip("imblearn")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"x": rng.normal(size=60), "z": rng.normal(size=60), "ill": ["no"] * 45 + ["yes"] * 15}
    )
    cohort = mg.read(frame, label="ill")
    more = leaks.balanced_before(cohort)
    assert np.bincount(more.y).tolist() == [45, 45] and more.group is None
    old = more.table.iloc[:60][["x", "z"]].to_numpy()
    made = more.table.iloc[60:][["x", "z"]].to_numpy()
    ill = old[45:]
    for row in made:  # on the segment of two rows of the class: distances add up
        a = np.linalg.norm(ill - row, axis=1)
        gap = a[:, None] + a[None] - np.linalg.norm(ill[:, None] - ill[None], axis=2)
        np.fill_diagonal(gap, np.inf)
        assert gap.min() < 1e-9


def test_data_made_for_several_sets_are_found_by_name(tmp_path):
    a, b = (two_sites(tmp_path, seed) for seed in (0, 1))
    found = Found("generated", "", {}, {"first": a, "second": b})
    assert found.cohort(None) is a and found.cohort("second") is b and found.has("second")
    assert Run(STUDY, found, tmp_path).generated


def test_a_leaking_run_says_so_first_in_every_file_and_leaves_no_model(tmp_path):
    perform(STUDY, tmp_path, generated=True, protocol="as_published")
    place = tmp_path / "ill-or-not"
    page = mg.write_report(place).read_text()
    assert not (place / "graft").exists()
    for text in (page, (place / "result.json").read_text(), (place / "model_card.md").read_text()):
        assert "leaks on purpose, as published: patients are split apart" in text
    top = page[: page.index('class="verdict')]
    assert "leaks on purpose" in top and "Generated data" in top


def test_a_folder_that_holds_another_run_is_refused(tmp_path):
    perform(STUDY, tmp_path, generated=True)
    for change in ({"protocol": "as_published"}, {"seed": 5}):
        with pytest.raises(MedgraftError, match="choose another --out"):
            perform(STUDY, tmp_path, generated=True, **change)
    (tmp_path / "file").write_text("")
    with pytest.raises(MedgraftError, match="is a file"):
        perform(STUDY, tmp_path / "file", generated=True)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("leaks", "one", "leaks is a tuple"), ("doi", "x", "is no DOI"), ("transfer", ("magic",), "magic")],
)
def test_a_card_with_a_mistake_is_refused_when_it_is_registered(field, value, said):
    card = {k: v for k, v in CARD.items() if k not in ("key", "recipe", "summary")}

    def mistaken2026(run):
        """Does it help?"""

    with pytest.raises(ValueError, match=said):
        study(**card | {field: value})(mistaken2026)


def test_a_verdict_keeps_the_reason_that_the_comparison_gave(tmp_path):
    few = replace(STUDY, generated=lambda folder, seed: two_sites(folder, seed).select(np.arange(24)))
    told = perform(few, tmp_path, generated=True)["experiments"][0]
    result = mg.Result.read(tmp_path / "ill-or-not")
    assert told["why"] == result.comparisons[0]["note"] and told["patients"] == result.data["n_patients"]


@pytest.mark.parametrize(
    ("folders", "silent"), [(("ckd",), True), (("wine_quality",), False), (("ckd", "wine_quality"), False)]
)
def test_a_report_is_silent_on_its_data_only_where_none_of_them_stands_in(tmp_path, folders, silent):
    s = replace(STUDY, data=("ckd",), stand_ins={"wine_quality": "wine."})
    found = Found("published", "Some data.", dict.fromkeys(folders, tmp_path), {})
    assert (Run(s, found, tmp_path).caution == "") is silent
    assert "leaks on purpose" in Run(s, found, tmp_path, "as_published").caution
