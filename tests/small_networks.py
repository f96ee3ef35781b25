"""Fitted methods on networks so small that what they say of an image is known in closed form."""

from __future__ import annotations

from collections import OrderedDict
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.linear_probe import LinearProbe
from medgraft.methods.learner import LogisticLearner
from medgraft.sources.network import Head, Network
from medgraft.sources.preprocess import Preprocess
from medgraft.sources.trunk import Trunk

SIDE = 6
WEIGHT = np.array([[1.0, -2.0, 0.5], [-1.0, 0.25, 1.0]])


def backbone():
    """Maps A1 = x, A2 = 255 - x, A3 = max(0, x - 100) / 2 of a grey image x; features are their means."""
    net = nn.Sequential(
        OrderedDict(conv=nn.Conv2d(1, 3, 1), act=nn.ReLU(), pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten())
    )
    with torch.no_grad():
        net.conv.weight.copy_(torch.tensor([1.0, -1.0, 0.5]).view(3, 1, 1, 1))
        net.conv.bias.copy_(torch.tensor([0.0, 255.0, -50.0]))
    trunk = Trunk(net, (0.0,), (1 / 255,), SIDE).eval().requires_grad_(False)
    return SimpleNamespace(
        module=trunk, preprocess=Preprocess(SIDE, 1, "bilinear"), volume=None, kind="image"
    )


def maps(x):
    return np.stack([x, 255 - x, np.maximum(0, x - 100) / 2])


def network(task="classification", head=WEIGHT, mean=(0.0,) * 3, scale=(1.0,) * 3):
    made = FineTune("timm:resnet18", task=task, device="cpu")
    made.backbone_ = backbone()
    made.network_ = Network(made.backbone_.module, Head(3, len(head)))
    with torch.no_grad():
        made.network_.head.linear.weight.copy_(torch.tensor(head))
        made.network_.head.linear.bias.zero_()
        made.network_.head.mean.copy_(torch.tensor(mean))
        made.network_.head.scale.copy_(torch.tensor(scale))
    made.center_, made.spread_ = (0.0, 1.0) if task == "classification" else (3.0, 7.0)
    if task == "classification":
        made.classes_ = np.array(["benign", "malign"])
    return made


def probe(learner, task="classification", mean=(0.0,) * 3, scale=(1.0,) * 3):
    made = LinearProbe("timm:resnet18", task=task, device="cpu")
    made.featuriser_ = SimpleNamespace(backbone=backbone)
    made.learner_, made.mean_, made.scale_ = learner, np.array(mean), np.array(scale)
    if task == "classification":
        made.classes_ = np.array(["benign", "malign"])
    return made


def logistic(coef):
    made = LogisticLearner()
    made.classes_, made.coef_, made.intercept_ = np.array([0, 1]), np.array([coef]), np.array([0.3])
    return made
