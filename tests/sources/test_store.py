"""Features computed once."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from medgraft.cohort.digest import digest
from medgraft.sources.store import BLOCK, FeatureStore


def keys(n, start=0):
    return [hashlib.sha256(str(i).encode()).digest() for i in range(start, start + n)]


def value(key):
    return np.frombuffer(key, np.uint8)[:3].astype(np.float32)


class Maker:
    """Computes rows from keys, and counts."""

    def __init__(self, wanted):
        self.wanted, self.calls, self.stop_after = wanted, [], None

    def __call__(self, places, tell):
        if self.stop_after is not None and len(self.calls) == self.stop_after:
            raise KeyboardInterrupt  # as good as a kill, for what is on the disk
        self.calls.append(len(places))
        return np.stack([value(self.wanted[i]) for i in places])


def fetch(root, wanted, network="net"):
    maker = Maker(wanted)
    rows = FeatureStore(root).rows(network, wanted, 3, maker)
    assert np.array_equal(rows, np.stack([value(k) for k in wanted]))
    return sum(maker.calls)


def test_what_is_there_is_not_computed_again_in_any_order(tmp_path):
    wanted = keys(600)
    assert fetch(tmp_path, wanted) == 600
    assert fetch(tmp_path, wanted[::-1]) == 0
    assert fetch(tmp_path, wanted[100:50:-2]) == 0


def test_only_new_keys_and_each_once_are_computed(tmp_path):
    fetch(tmp_path, keys(10))
    assert fetch(tmp_path, keys(15) + keys(15)) == 5


def test_another_network_shares_nothing(tmp_path):
    fetch(tmp_path, keys(10))
    assert fetch(tmp_path, keys(10), network="other") == 10


def test_a_kill_loses_at_most_the_block_at_work(tmp_path):
    wanted = keys(3 * BLOCK)
    maker = Maker(wanted)
    maker.stop_after = 2
    with pytest.raises(KeyboardInterrupt):
        FeatureStore(tmp_path).rows("net", wanted, 3, maker)
    assert fetch(tmp_path, wanted) == BLOCK


def test_a_block_torn_while_writing_is_as_if_it_were_not_there(tmp_path):
    fetch(tmp_path, keys(10))
    (block,) = (tmp_path / "features" / "net").glob("*.npy")
    data = block.read_bytes()
    for torn in (data[:-5], data[:20], b"", b"nonsense"):
        block.write_bytes(torn)
        assert fetch(tmp_path, keys(10)) == 10


def test_a_flipped_bit_costs_its_own_row_only(tmp_path):
    fetch(tmp_path, keys(10))
    (block,) = (tmp_path / "features" / "net").glob("*.npy")
    data = bytearray(block.read_bytes())
    data[-1] ^= 1
    block.write_bytes(data)
    assert fetch(tmp_path, keys(10)) == 1


def test_leftovers_of_a_kill_are_ignored(tmp_path):
    folder = tmp_path / "features" / "net"
    folder.mkdir(parents=True)
    (folder / "abc.123.tmp").write_bytes(b"half a block")
    assert fetch(tmp_path, keys(3)) == 3


def test_rows_are_mapped_and_not_read(tmp_path):
    fetch(tmp_path, keys(4))
    found = FeatureStore(tmp_path)._open(tmp_path / "features" / "net", 3)
    row = next(iter(found.values()))
    assert isinstance(row, np.memmap)
    assert not row.flags.owndata


def test_two_processes_may_share_a_store(tmp_path):
    code = (
        "import sys, hashlib, numpy as np; from medgraft.sources.store import FeatureStore\n"
        "k = [hashlib.sha256(str(i).encode()).digest() for i in range(900)]\n"
        "def make(places, tell): return np.stack([np.frombuffer(k[i], np.uint8)[:3] for i in places])\n"
        "for n in range(100, 901, 100):\n"
        "    r = FeatureStore(sys.argv[1]).rows('net', k[:n], 3, make)\n"
        "    assert (r == np.stack([np.frombuffer(x, np.uint8)[:3] for x in k[:n]])).all()\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(2)]
    assert [p.wait() for p in running] == [0, 0]
    assert fetch(tmp_path, keys(900)) == 0


def test_the_store_holds_hashes_and_no_names(tmp_path):
    image = tmp_path / "patient_smith.png"
    image.write_bytes(b"pixels")
    root = tmp_path / "store"
    FeatureStore(root).rows("net", [digest(image)], 1, lambda todo, tell: np.ones((1, 1)))
    assert all(
        b"smith" not in p.read_bytes() and "smith" not in p.name for p in root.rglob("*") if p.is_file()
    )
