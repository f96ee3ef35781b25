"""``medgraft sources`` on the command line."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import medgraft.cli.audit  # a second verb, so that the first needs its name
import medgraft.cli.sources  # noqa: F401
from medgraft.cli.app import app
from samples import two_sites


def run(*words, code=0):
    result = CliRunner().invoke(app, ["sources", *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "cohort.csv"
    two_sites().to_csv(path, index=False)
    return path


def test_the_sources_are_printed_and_written(table, tmp_path):
    out = tmp_path / "sources.json"
    text = run(table, "--label", "ill", "--domain", "site", "--target", "b", "--out", out)
    facts = json.loads(out.read_text())
    assert facts["target"] == "b"
    assert facts["metric"] == "auroc"
    assert [s["name"] for s in facts["sources"]] == ["a"]
    assert f"{facts['sources'][0]['value']:.3f}" in text
    assert "A-distance" in text


def test_what_is_missing_is_said_in_one_sentence(table):
    assert "Say it with --target" in run(table, "--label", "ill", "--domain", "site", code=2)
    assert "no source to rank" in run(table, "--label", "ill", code=2)


def test_the_known_networks_are_listed_by_pattern_without_torch():
    import subprocess
    import sys

    code = (
        "import sys; from typer.testing import CliRunner; import medgraft.cli.audit, medgraft.cli.sources;"
        "from medgraft.cli.app import app;"
        "print(CliRunner().invoke(app, ['sources', '--list', '*resnet18']).output);"
        "print('torch' in sys.modules or 'timm' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    lines = out.splitlines()
    assert lines[0].split() == ["network", "input", "weights", "from", "licence"]
    names = [line.split()[0] for line in lines[1:4]]
    assert names == ["medgraft:centernet_resnet18", "timm:resnet18", "torchvision:resnet18"]
    assert lines[3].split()[1:] == ["224", "x", "224", "11.18", "M", "hub", "BSD-3-Clause"]
    assert lines[1].split()[-2] == "file"
    assert lines[-1] == "False"


def test_a_list_of_all_or_none_and_no_patients():
    text = run("--list")
    assert "medgraft:darknet19" in text and "timm:vit_tiny_patch16_224" in text
    assert "called like 'timm:resnt18'. Did you mean 'timm:resnet18'" in run("--list", "timm:resnt18", code=2)
    assert "Which patients?" in run(code=2)


@pytest.fixture
def stripes(tmp_path):
    """A folder of class folders with 12 small images each."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(24):
        folder = tmp_path / "stripes" / ["across", "along"][i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = 120 + 60 * np.sin(np.arange(32) * 0.9 + rng.uniform(0, 6)) + rng.normal(0, 25, (32, 32))
        Image.fromarray((pixels.T if i % 2 else pixels).clip(0, 255).astype(np.uint8)).save(
            folder / f"{i}.png"
        )
    return tmp_path / "stripes"


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Two small networks in files; the second without its classifier."""
    import timm
    import torch
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("weights")
    with torch.random.fork_rng(devices=[]):
        for seed, name in enumerate(["whole", "trunk"]):
            torch.manual_seed(seed)
            net = timm.create_model("mobilenetv2_035", num_classes=0 if name == "trunk" else 5)
            facts = {"library": "timm", "architecture": "mobilenetv2_035", "input_size": "32"}
            save_file(net.state_dict(), folder / f"{name}.safetensors", metadata=facts)
    return folder


def test_networks_are_ranked_for_images(stripes, weights, tmp_path):
    out = tmp_path / "networks.json"
    networks = [w for n in ("whole", "trunk") for w in ("--source", weights / f"{n}.safetensors")]
    text = run(stripes, *networks, "--out", out)
    facts = json.loads(out.read_text())
    assert facts["score"] == "logme"
    first, second = facts["networks"]
    assert first["values"]["logme"] >= second["values"]["logme"]
    assert text.index(first["name"]) < text.index(second["name"])
    assert f"{first['values']['logme']:.3f} [{first['low']:.3f}, {first['high']:.3f}]" in text
    assert f"{first['values']['gbc']:.3f}" in text
    assert "LEEP of trunk.safetensors is not known: The file holds no classifier." in text
    assert "The ranking has seen your labels" in text
    assert str(weights) not in text + out.read_text()
    assert "not known" in run(stripes, *networks, "--score", "leep").splitlines()[4]


def test_mistakes_with_networks_are_said_in_one_sentence(stripes, table, weights):
    assert "no network to rank" in run(stripes, code=2)
    assert "ranks networks" in run(stripes, "--source", stripes, code=2)
    network = weights / "whole.safetensors"
    assert "There is no score 'logm'" in run(stripes, "--source", network, "--score", "logm", code=2)
    assert "cannot pass through" in run(table, "--label", "ill", "--source", network, code=2)
    assert "There is no domain 'b'" in run(stripes, "--source", network, "--target", "b", code=2)


def test_values_in_a_manifest_are_ranked_and_broken_images_left_out(stripes, weights, tmp_path):
    import pandas as pd

    files = sorted(stripes.rglob("*.png"))
    (stripes / "broken.png").write_bytes(b"no image")
    rows = pd.DataFrame({"file": [*map(str, files), str(stripes / "broken.png")]})
    rows["value"] = [float(f.stem) + 0.5 for f in files] + [3.25]
    rows.to_csv(tmp_path / "list.csv", index=False)
    words = [tmp_path / "list.csv", "--image", "file", "--label", "value", "--task", "regression"]
    words += ["--source", weights / "whole.safetensors"]
    assert "broken.png" in run(*words, code=2)
    out = tmp_path / "values.json"
    text = run(*words, "--skip-unreadable", "--out", out)
    (network,) = json.loads(out.read_text())["networks"]
    assert network["images"] == 24
    assert "LogME" in text
    assert "H-score" not in text
    assert "not for regression" in run(*words, "--skip-unreadable", "--score", "gbc", code=2)


def test_masks_do_not_rank_sources(tmp_path):
    from medgraft.cohort import generate

    made = generate.images(tmp_path, 4, size=16, masks=True)
    (made.path / "manifest.csv").unlink()
    said = CliRunner().invoke(app, ["sources", str(made.path)])
    assert said.exit_code == 2 and "not by masks" in said.stderr
