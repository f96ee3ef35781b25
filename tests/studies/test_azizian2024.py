"""[42]: which windows overlap, what is learnt from and tested, and what the network learns."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from medgraft.studies.azizian2024 import by_words, parts, read_windows, right, trained
from medgraft.studies.kit.regions import regions


def letters(rng: np.random.Generator, n: int) -> str:
    return "".join(rng.choice(list("ACGT"), n))


@pytest.fixture(scope="module")
def windows():
    """Return windows cut at many places of few transcripts, so that neighbours overlap."""
    rng = np.random.default_rng(0)
    rows = []
    for k in range(30):
        whole = letters(rng, 90)
        rows += [(whole[i : i + 40], bool(i % 20), f"p{k % 3}") for i in range(0, 50, 10)]
    return pd.DataFrame(rows, columns=["seq", "bound", "protein"])


def test_regions_are_what_comparing_every_pair_of_sequences_says(windows):
    texts = [*windows["seq"][:40], "ACGT", "NNNNNNNNNN", "NNNNNNNNNN"]
    found = regions(texts, 12)

    def overlap(a: str, b: str) -> bool:
        words = {a[k : k + 12] for k in range(len(a) - 11)}
        return any(w in b and "N" not in w for w in words)

    whose = list(range(len(texts)))
    for _ in texts:  # numbers spread along overlaps until they rest
        for i, a in enumerate(texts):
            for j in range(i):
                if overlap(a, texts[j]):
                    whose[i] = whose[j] = min(whose[i], whose[j])
    same = np.equal.outer(whose, whose)
    assert np.array_equal(np.equal.outer(found, found), same)
    assert found.max() + 1 == len(set(whose))


def test_no_region_is_in_two_parts_and_only_bound_windows_stand_for_proteins(windows):
    table = windows.assign(region=regions(windows["seq"].tolist()))
    teach, known, tested = parts(table, 0)
    seen = [set(part["region"]) for part in (teach, known, tested)]
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]
    assert known["bound"].all() and not tested["bound"].all()


def test_as_published_overlapping_windows_teach_and_are_tested_and_honestly_not(windows):
    truth = regions(windows["seq"].tolist())

    def shared(region: np.ndarray) -> int:
        teach, _, tested = parts(windows.assign(region=region, truth=truth), 0)
        return len(set(teach["truth"]) & set(tested["truth"]))

    assert shared(truth) == 0
    assert shared(np.arange(len(windows))) > 5


@pytest.mark.parametrize("name", ["AGO1.txt", "Data/RBP-Data/AGO1.both.fa"])
def test_both_layouts_are_read_with_one_code_for_t_and_u(name, tmp_path):
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    body = [f"{letters(rng, 101)}\t{k % 2}" for k in range(20)]
    file.write_text("\n".join(body).replace("T", "U"))
    (file.parent / f"SLBP{file.name[4:]}").write_text("\n".join([*body[:6], f"{letters(rng, 101)}\t1"]))
    run = SimpleNamespace(generated=False, data=SimpleNamespace(folders={"rbp": tmp_path}), seed=0, limit=8)
    table, micro = read_windows(run)
    assert micro == [] and not table["seq"].str.contains("U").any()
    assert table.groupby(["protein", "bound"]).size().to_dict() == {
        ("AGO1", False): 8,
        ("AGO1", True): 8,
        ("SLBP", True): 1,  # what AGO1 has too counts once
    }


@pytest.mark.slow
def test_the_network_tells_windows_that_it_never_saw():
    rng = np.random.default_rng(2)
    bound = np.arange(240) % 2 == 1
    seq = [letters(rng, 24) if not b else letters(rng, 8) + "T" * 10 + letters(rng, 6) for b in bound]
    table = pd.DataFrame({"seq": seq, "bound": bound, "region": np.arange(240)})
    teach, tested = table[:180], table[180:].reset_index(drop=True)
    assert right(trained(teach, 8), tested).mean() > 0.9
    turned = tested.assign(bound=~tested["bound"])
    assert by_words(teach, tested).mean() == pytest.approx(1 - by_words(teach, turned).mean())
