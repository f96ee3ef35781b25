"""One thread for the many small problems of a clinical cohort."""

from __future__ import annotations

import functools
from typing import Any

from threadpoolctl import ThreadpoolController


@functools.cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()  # looking for the libraries costs more than many a fit


def one_thread() -> Any:
    """Return a context in which linear algebra runs on one thread.

    On matrices of a few hundred rows the threads of numpy's and scipy's libraries wait for each other far
    longer than they work: such fits were measured several times slower on two threads than on one.
    """
    return _libraries().limit(limits=1, user_api="blas")
