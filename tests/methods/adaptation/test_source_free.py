"""Adaptation without a look back at the source."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from medgraft.base import MedgraftError
from medgraft.cohort.digest import digest
from medgraft.methods import entries
from medgraft.methods.adaptation.shot import PSEUDO, Shot, information, pseudo_labels
from medgraft.methods.adaptation.source_free import entropies
from medgraft.methods.adaptation.tent import Tent
from medgraft.methods.finetune.finetune import FineTune

FAST = {"epochs": 1, "adapt_epochs": 2, "batch_size": 8, "views": 1, "augmentation": "none"}
SHARED = {"gradual": 0.0, "validation": 0.0, "batchnorm": "recompute", "loss": "smooth"}
P = np.random.default_rng(0).dirichlet(np.ones(3), size=7)
SCORES = torch.from_numpy(np.log(P))


def fitted(cls, network, frame, **settings):
    model = cls(network, **(FAST | settings))
    rows = {"domain": frame["domain"], "target": "b", "labelled": frame["domain"] == "a"}
    return model.fit(frame, frame["label"], **rows)


def first_stage(network, frame, **settings):
    """Fine-tuning as the two methods begin it."""
    own = {k: v for k, v in FAST.items() if k != "adapt_epochs"} | settings
    taught = frame[frame["domain"] == "a"]
    return FineTune(network, **own, **SHARED).fit(taught, taught["label"])


def test_entropies_by_hand():
    assert np.allclose(entropies(SCORES).numpy(), [-(p * np.log(p)).sum() for p in P], atol=1e-5)


def test_what_shot_minimises_is_that_of_its_paper():
    y = np.array([0, 1, 2, 0, 1, 2, 0])
    mean = P.mean(axis=0)
    ours = float(information(SCORES, torch.from_numpy(y)).mean())
    sure = np.mean([-(p * np.log(p)).sum() for p in P])
    pseudo = np.mean([-np.log(p[c]) for p, c in zip(P, y, strict=True)])
    assert ours == pytest.approx(sure + (mean * np.log(mean)).sum() + PSEUDO * pseudo, rel=1e-5)


def test_pseudo_labels_are_those_of_the_naive_loops():
    rng = np.random.default_rng(1)
    z, p = rng.normal(size=(20, 4)), rng.dirichlet(np.ones(3), size=20)

    def nearest(centroids):
        out = []
        for row in z:
            cosine = [
                -np.inf if c is None else row @ c / np.linalg.norm(row) / np.linalg.norm(c) for c in centroids
            ]
            out.append(int(np.argmax(cosine)))
        return out

    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    first = nearest([sum(p[i, k] * unit[i] for i in range(20)) / p[:, k].sum() for k in range(3)])
    second = []
    for k in range(3):
        mine = [unit[i] for i in range(20) if first[i] == k]
        second.append(np.mean(mine, axis=0) if mine else None)
    assert pseudo_labels(z, p).tolist() == nearest(second)


def test_a_class_that_no_image_has_drops_out():
    z, p = np.ones((5, 3)), np.tile([0.2, 0.8], (5, 1))
    assert len(set(pseudo_labels(z, p).tolist())) == 1
    p = np.tile([0.0, 1.0], (5, 1))
    assert pseudo_labels(z, p).tolist() == [1] * 5


@pytest.mark.parametrize("cls", [Shot, Tent])
def test_the_second_stage_reads_no_image_of_the_source(cls, network, two_scanners, tmp_path, monkeypatch):
    frame, gone = two_scanners.copy(), []
    for i in range(30):
        place = tmp_path / f"{i}.png"
        shutil.copy(frame["image"][i], place)
        frame.loc[i, "image"] = str(place)
        gone.append(place)
    real = cls._adapt_safely

    def without_source(self, paths):
        assert set(paths) == set(frame["image"][30:])
        for place in gone:
            place.unlink()
        return real(self, paths)

    monkeypatch.setattr(cls, "_adapt_safely", without_source)
    model = fitted(cls, network, frame)
    assert not any(place.exists() for place in gone)
    assert model.report_["adapted_to"] == 30 and len(model.report_["loss_adapt"]) == 2


@pytest.mark.parametrize("cls", [Shot, Tent])
def test_stages_are_refused_before_anything_is_loaded(cls, two_scanners):
    with pytest.raises(MedgraftError, match="loss='ordinal' has no place in"):
        fitted(cls, "timm:no-such-network", two_scanners, loss="ordinal")


def test_shot_moves_the_released_blocks_and_not_the_head(network, two_scanners):
    before, after = first_stage(network, two_scanners), fitted(Shot, network, two_scanners)
    old, new = before.network_.head.state_dict(), after.network_.head.state_dict()
    assert all(torch.equal(old[n], new[n]) for n in old)
    old, new = before.backbone_.tensors(), after.backbone_.tensors()
    moved = {n for n in old if not torch.equal(old[n], new[n]) and "running" not in n}
    frozen = tuple(f"{line.split(':')[0]}." for line in after.report_["freeze"] if "throughout" in line)
    assert moved and not any(n.startswith(frozen) for n in moved)
    assert not any(".bn" in n for n in moved)


def test_tent_moves_nothing_but_batchnorm_and_ends_with_the_target_s_statistics(network, two_scanners):
    from medgraft.sources.batchnorm import recompute
    from medgraft.sources.forward import open_image

    before, after = first_stage(network, two_scanners), fitted(Tent, network, two_scanners)
    old, new = before.network_.state_dict(), after.network_.state_dict()
    moved = {n for n in old if not torch.equal(old[n], new[n]) and "running" not in n}
    norms = {n for n, m in after.network_.named_modules() if isinstance(m, torch.nn.BatchNorm2d)}
    assert moved and {n.rsplit(".", 1)[0] for n in moved} <= norms
    assert any(n.endswith(".bias") for n in moved) and any(n.endswith(".weight") for n in moved)
    paths = sorted(two_scanners["image"][30:], key=digest)  # in the order in which the method reads them
    running = {n: t.clone() for n, t in new.items() if "running" in n}
    trunk, read = after.network_.trunk, lambda i: open_image(paths[i], after.backbone_.preprocess)
    recompute(trunk, read, len(paths))
    assert all(torch.equal(after.network_.state_dict()[n], t) for n, t in running.items())


def test_the_first_gradient_of_tent_is_that_of_the_mean_entropy(network, two_scanners):
    """Adam's first step moves every weight by the rate, against the sign of its gradient."""
    settings = {"adapt_epochs": 1, "batch_size": 64, "adapt_lr": 1e-4}
    after = fitted(Tent, network, two_scanners, **settings)
    before = first_stage(network, two_scanners, batch_size=64)
    from medgraft.sources.forward import open_image

    paths = list(two_scanners["image"][30:])
    net = before.network_
    x = torch.stack([open_image(p, before.backbone_.preprocess) for p in paths]).float()
    norms = [m for m in net.trunk.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for m in norms:
        m.train()
        m.weight.requires_grad_(True)
    p = torch.softmax(net(x), dim=1)
    (-(p * torch.log(p)).sum(dim=1).mean()).backward()
    new = [m for m in after.network_.trunk.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    agree, total = 0, 0
    for a, b in zip(norms, new, strict=True):
        clear = a.weight.grad.abs() > 1e-4
        step = (b.weight - a.weight)[clear]
        agree += int((torch.sign(step) == -torch.sign(a.weight.grad[clear])).sum())
        total += int(clear.sum())
    assert total > 50 and agree > 0.99 * total


@pytest.mark.parametrize("cls", [Shot, Tent])
def test_one_target_image_leaves_the_fine_tuned_network(cls, network, two_scanners):
    few = two_scanners.iloc[:31]
    model = fitted(cls, network, few)
    assert "one target image" in model.note_ and model.report_["adapted_to"] == 0
    assert np.array_equal(model.predict_proba(few), first_stage(network, few).predict_proba(few))


@pytest.mark.parametrize("cls", [Shot, Tent])
def test_a_collapse_into_one_class_is_undone_and_said(cls, network, two_scanners, monkeypatch):
    def collapse(self, paths):
        with torch.no_grad():
            self.network_.trunk.net.conv_head.weight.zero_()
        return [0.0]

    plain = first_stage(network, two_scanners)
    shares = {len(set(plain.predict(two_scanners.iloc[30:])))}
    assert shares == {2}  # there is something to lose
    monkeypatch.setattr(cls, "_adapt", collapse)
    model = fitted(cls, network, two_scanners)
    assert "undone" in model.note_ and model.report_["adapted_to"] == 0
    assert np.array_equal(model.predict_proba(two_scanners), plain.predict_proba(two_scanners))


@pytest.mark.parametrize("cls", [Shot, Tent])
def test_where_one_class_is_predicted_for_all_there_is_nothing_to_lose_and_no_nan(cls, network, two_scanners):
    same = two_scanners.copy()
    same.loc[30:, "image"] = same["image"][30]
    other = two_scanners["image"][31]
    same.loc[59, "image"] = other
    model = fitted(cls, network, same)
    assert np.isfinite(model.predict_proba(same)).all()


def test_both_are_of_the_family_adaptation():
    assert {entries[n].family for n in ("shot", "tent")} == {"adaptation"}
