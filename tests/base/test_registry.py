from __future__ import annotations

import pytest

from medgraft.base import MedgraftError, Registry


def test_an_unknown_name_is_answered_with_the_nearest_one():
    r = Registry("method")
    r.add("coral", 1)
    with pytest.raises(MedgraftError, match="There is no method 'corral'. Did you mean 'coral'?"):
        r["corral"]


def test_a_name_nothing_like_the_others_lists_them_all():
    r = Registry("method")
    r.add("coral", 1)
    r.add("ulsif", 2)
    with pytest.raises(MedgraftError, match="Known: coral, ulsif"):
        r["qqqqqq"]


def test_a_name_cannot_be_taken_twice():
    r = Registry("method")
    r.add("coral", 1)
    with pytest.raises(ValueError, match="registered twice"):
        r.add("coral", 2)


def test_globs_find_names_in_order():
    r = Registry("network")
    for name in ("timm:b", "torchvision:a", "timm:a"):
        r.add(name, name)
    assert r.list("timm:*") == ["timm:a", "timm:b"]
    assert list(r) == ["timm:a", "timm:b", "torchvision:a"]
    assert "timm:a" in r and "timm:c" not in r and len(r) == 3


def test_threads_that_all_come_first_find_every_entry(tmp_path, monkeypatch):
    from threading import Barrier, Thread

    package = tmp_path / "slow_fruits"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "apple.py").write_text(
        "import time\ntime.sleep(0.2)\nfrom slow_basket import fruits\nfruits.add('apple', 1)\n"
    )
    (tmp_path / "slow_basket.py").write_text(
        "from medgraft.base import Registry\nfruits = Registry('fruit', packages=('slow_fruits',))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from slow_basket import fruits

    found, together = [], Barrier(4)

    def look():
        together.wait()
        found.append("apple" in fruits)

    threads = [Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4
