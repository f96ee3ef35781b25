from __future__ import annotations

from threadpoolctl import threadpool_info

from medgraft.methods.threads import one_thread


def blas() -> set[int]:
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}


def test_linear_algebra_has_one_thread_inside_and_what_it_had_outside():
    before = blas()
    with one_thread():
        assert blas() == {1}
    assert blas() == before
