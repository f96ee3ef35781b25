"""``medgraft explain`` for signals, sequences and omics, behind views and behind networks."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import medgraft as mg
import medgraft.cli.explain
import medgraft.cli.predict
from medgraft.cli.app import app
from medgraft.cohort.generate import omics, sequences
from medgraft.graft import load, save
from medgraft.methods.controls.pooled import Pooled
from medgraft.methods.controls.scratch import Scratch
from medgraft.methods.explain import attribute, shap_values
from medgraft.methods.pipeline import Pipeline
from medgraft.methods.views import ViewFeatures
from medgraft.sources import Pretrained
from medgraft.sources.arrays import agreed, reading_to_dict

NETWORKS = {"signal": "cnn1d", "sequence": "sequence_cnn", "omics": "altumage"}


def run(*words: object, code: int = 0) -> str:
    """Run a command line in this process and return all it printed."""
    result = CliRunner().invoke(app, ["explain", *(str(w) for w in words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """By kind: a table, the words that say its column, and folders of a graft of views and of a network."""
    root, rng, found = tmp_path_factory.mktemp("kinds"), np.random.default_rng(0), {}
    rows = []
    for i in range(12):
        t = np.arange(200) / 50
        values = np.sin(2 * np.pi * (4 + 6 * (i % 2)) * t)[:, None] + rng.normal(size=(200, 2)) * 0.3
        np.savetxt(root / f"{i}.txt", values)
        rows.append((f"{i}.txt", ("no", "yes")[i % 2], f"p{i}"))
    pd.DataFrame(rows, columns=["wave", "label", "patient"]).to_csv(root / "signal.csv", index=False)
    made = sequences(root / "s.fasta", 20, length=30, motif="GGGG").table
    made[["sequence", "label", "patient"]].to_csv(root / "sequence.csv", index=False)
    omics(root / "m.csv", 20, 40, informative=3, effect=5.0)
    places = {
        "signal": ("signal.csv", "wave"),
        "sequence": ("sequence.csv", "sequence"),
        "omics": ("m_samples.csv", str(root / "m.csv")),
    }
    for kind, (table, column) in places.items():
        cohort = mg.read(root / table, label="label", group="patient", **{kind: column})
        reading, _ = agreed(kind, cohort.X[kind].tolist(), "recorded=50" if kind == "signal" else "")
        views = Pipeline(ViewFeatures((), reading_to_dict(reading)), Pooled()).fit(cohort.X, cohort.y)
        source = Pretrained(f"medgraft:{NETWORKS[kind]}", array=reading)
        network = Scratch(source, epochs=1, batch_size=16, device="cpu").fit(cohort.X, cohort.y)
        for name, model in (("views", views), ("network", network)):
            save(root / f"{kind}-{name}", model, cohort, {"arm": name})
        found[kind] = (root / table, [f"--{kind}", column], root / f"{kind}-views", root / f"{kind}-network")
    return found


def told(out):
    return json.loads((out / "explanation.json").read_text())


@pytest.mark.parametrize("kind", ["signal", "sequence", "omics"])
def test_a_graft_of_views_tells_the_columns_and_the_nearest_known_cases(kinds, kind, tmp_path):
    table, role, views, _ = kinds[kind]
    out = tmp_path / "out"
    said = run(views, table, *role, "--cohort", table, "--group", "patient", "--sample", 1, "--out", out)
    facts, values = told(out), pd.read_csv(out / "values.csv")
    cohort = mg.read(table, require_label=False, group="patient", **{kind: role[1]})
    truth = shap_values(load(views), cohort.select([1]), cohort, group=cohort.groups)
    assert facts["way"] == "linear" and np.allclose(values["value"], truth.values[0])
    assert values["column"].tolist() == truth.columns and len(facts["samples"][0]["nearest"]) == 5
    assert str(table.parent) not in said + (out / "explanation.html").read_text()
    prefix = {"signal": "", "sequence": "kmers__", "omics": "cg"}[kind]
    assert facts["samples"][0]["sentence"].split(" by ")[1].startswith(prefix)


@pytest.mark.parametrize("kind", ["signal", "sequence", "omics"])
def test_a_graft_of_a_network_draws_a_map_that_says_where(kinds, kind, tmp_path):
    table, role, _, network = kinds[kind]
    out = tmp_path / "out"
    run(network, table, *role, "--sample", 0, "--faithful", "--cohort", table, "--out", out)
    facts = told(out)
    cohort = mg.read(table, require_label=False, **{kind: role[1]})
    truth = attribute(load(network), [str(cell) for cell in cohort.X[kind][:1]])[0]
    assert facts["method"] == ("integrated-gradients" if kind == "omics" else "occlusion")
    assert facts["samples"][0]["score"] == pytest.approx(truth.score, rel=1e-5)
    assert tuple(facts["samples"][0]["strongest"]) == np.unravel_index(
        truth.values.argmax(), truth.values.shape
    )
    word = {"signal": "in channel", "sequence": "letter ", "omics": "cg"}[kind]
    assert word in facts["samples"][0]["sentence"] and facts["samples"][0]["nearest"]
    assert facts["faithfulness"]["deletion_difference"]["n_groups"] == 1
    assert (out / "sample-1.png").read_bytes().startswith(b"\x89PNG")
    name = {"signal": "0.txt", "sequence": "row 0", "omics": "S00001"}[kind]
    assert facts["samples"][0]["sample"] == name


def test_what_has_no_map_or_no_columns_is_refused_in_a_sentence(kinds, tmp_path):
    table, role, views, network = kinds["sequence"]
    words = (table, *role, "--out", tmp_path / "out")
    assert "reads the columns of kmers: use shap" in run(views, *words, "--method", "occlusion", code=2)
    assert "here columns are explained" in run(views, *words, "--faithful", code=2)
    assert "reads sequences and no columns beside them" in run(network, *words, "--method", "shap", code=2)
    assert "this network reads the kind sequence" in run(network, *words, "--method", "grad-cam", code=2)
    assert not (tmp_path / "out").exists()


def test_a_sample_of_a_matrix_is_named_as_it_is_called_there(kinds, tmp_path):
    table, role, views, _ = kinds["omics"]
    run(views, table, *role, "--sample", "S00003", "--out", tmp_path / "out")
    assert [one["row"] for one in told(tmp_path / "out")["samples"]] == [2]
