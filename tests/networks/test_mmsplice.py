"""On the first intron of the human gene of beta-globin, whose G>A at its first letter causes thalassaemia."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from medgraft.networks.mmsplice import PositionMajor, mmsplice_acceptor, mmsplice_donor

BEFORE, AFTER = "GAGGCCCTGGGCAG", "GCTGCTGGTGGTCTACCCTTGGACCCAGAGGTTCTTTGAGTCC"
INTRON = (
    "GTTGGTATCAAGGTTACAAGACAGGTTTAAGGAGACCAATAGAAACTGGGCATGTGGAGACAGAGAAGACTC"
    "TTGGGTTTCTGATAGGCACTGACTCTCTCTGCCTATTGGTCTATTTTCCCACCCTTAG"
)
GENE = BEFORE + INTRON + AFTER


def hot(text):
    return torch.tensor([[float(letter == base) for letter in text] for base in "ACGT"])


@pytest.fixture
def logit(shared_weights):
    """Return a function: a network's name and texts -> logits of its full published form."""
    folder = shared_weights("mmsplice")

    def of(name, build, texts):
        saved = load_file(folder / f"{name}.safetensors")
        weight, bias = saved.pop("out.weight"), saved.pop("out.bias")
        net = build().eval()
        net.load_state_dict(saved)  # strictly
        with torch.no_grad():
            return (net(torch.stack([hot(text) for text in texts])) @ weight.T + bias)[:, 0].tolist()

    return of


def test_the_variant_at_the_donor_takes_the_site_away(logit):
    site = BEFORE[-5:] + INTRON[:13]
    true, changed = logit("donor", mmsplice_donor, [site, site[:5] + "A" + site[6:]])
    assert round(true, 2) == 2.98 and round(changed, 2) == -1.31


def test_the_variant_at_the_acceptor_takes_the_site_away(logit):
    site = INTRON[-50:] + AFTER[:3]
    true, changed = logit("acceptor", mmsplice_acceptor, [site, site[:49] + "A" + site[50:]])
    assert true > 0 > changed


@pytest.mark.parametrize(
    ("name", "build", "length", "start"),
    [
        ("donor", mmsplice_donor, 18, len(BEFORE) - 5),
        ("acceptor", mmsplice_acceptor, 53, len(BEFORE + INTRON) - 50),
    ],
)
def test_of_all_places_of_the_gene_s_piece_the_true_site_scores_highest(logit, name, build, length, start):
    scores = logit(name, build, [GENE[i : i + length] for i in range(len(GENE) - length + 1)])
    assert scores.index(max(scores)) == start


def test_letters_of_one_place_lie_side_by_side():
    assert PositionMajor()(torch.tensor([[[1, 2, 3], [4, 5, 6]]])).tolist() == [[1, 4, 2, 5, 3, 6]]
