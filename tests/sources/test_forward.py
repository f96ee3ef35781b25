"""Passes over many images."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from medgraft.base import MedgraftError
from medgraft.sources.forward import CPU_BATCH, pick_device, run_batches


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3, groups=16), nn.Flatten()).eval()


@pytest.mark.parametrize("n", [1, 3, 4, 5, 41])
def test_rows_come_back_in_order_whatever_their_number(n):
    rows = run_batches(n, lambda i: torch.full((2,), float(i)), lambda batch: batch * 2)
    assert rows[:, 0].tolist() == [2.0 * i for i in range(n)]


def test_a_row_is_the_same_to_the_last_bit_in_any_company_and_on_any_number_of_threads(threads):
    images, net = torch.rand(11, 3, 20, 20), network()
    threads(2)
    truth = run_batches(11, lambda i: images[i], net)
    order = [7, 2, 9]
    assert torch.equal(run_batches(3, lambda i: images[order[i]], net), truth[order])
    threads(1)
    assert torch.equal(run_batches(11, lambda i: images[i], net), truth)


def test_short_batches_are_filled_up_because_libraries_choose_their_algorithm_by_size():
    seen = []

    def network(batch):
        seen.append(len(batch))
        return batch

    run_batches(5, lambda i: torch.zeros(2), network)
    assert seen == [CPU_BATCH, CPU_BATCH]


def test_the_callers_threads_stay_as_they_were(threads):
    threads(2)
    run_batches(5, lambda i: torch.zeros(1), lambda batch: batch)
    assert torch.get_num_threads() == 2


def test_no_gradient_is_recorded():
    assert not run_batches(2, lambda i: torch.zeros(3, 8, 8), network()).requires_grad


def test_an_error_in_a_worker_reaches_the_caller():
    def read(i):
        raise MedgraftError("The image 'x' is corrupt.")

    with pytest.raises(MedgraftError, match="corrupt"):
        run_batches(9, read, lambda batch: batch)


def test_progress_rises_to_the_end():
    seen = []
    run_batches(10, lambda i: torch.zeros(1), lambda batch: batch, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 10


def test_an_unknown_device_is_refused():
    with pytest.raises(MedgraftError, match="use auto or one of"):
        pick_device("abacus")
    assert pick_device("cpu").type == "cpu"
