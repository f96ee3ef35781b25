"""Where the splits of an arm are fitted: on this computer, or on a Dask or Ray cluster, through joblib."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from medgraft.base import MedgraftError, did_you_mean

BACKENDS = ("loky", "dask", "ray")


@contextmanager
def backend(name: str = "loky", scheduler: str | None = None, jobs: int = 1) -> Iterator[None]:
    """Run the trials inside on a joblib backend; leave as it was what others have started.

    Use it around ``Trial.run`` where a trial is larger than one computer. Whoever has a client already needs
    only ``joblib.parallel_config(backend="dask")``.

    Parameters
    ----------
    name : str
        ``"loky"`` (processes of this computer), ``"dask"`` or ``"ray"``.
    scheduler : str, optional
        Address of a running cluster: ``tcp://host:8786`` for Dask, ``host:6379`` for Ray; default a cluster
        on this computer.
    jobs : int
        Processes of that cluster; -1 for all cores.

    Raises
    ------
    MedgraftError
        No such backend, it is not installed, or the scheduler cannot be reached.

    Examples
    --------
    >>> with backend("loky", jobs=2):
    ...     pass
    """
    if name not in BACKENDS:
        hint = did_you_mean(name, BACKENDS) or f" Use one of {', '.join(BACKENDS)}."
        raise MedgraftError(f"There is no backend '{name}'.{hint}")
    if name == "loky" and scheduler is not None:
        raise MedgraftError("Processes of this computer have no scheduler: say --backend dask or ray.")
    with ExitStack() as stack:
        if name != "loky":
            import joblib

            start = {"dask": _dask, "ray": _ray}[name]
            try:
                start(stack, scheduler, None if jobs == -1 else jobs)
            except ImportError:
                raise MedgraftError(
                    f"The backend '{name}' is not installed: pip install 'medgraft[cluster]'."
                ) from None
            except Exception as error:  # Ray raises no narrower one where a cluster does not start
                where = f"at '{scheduler}'" if scheduler else "on this computer"
                why = f"{error}".strip().split("\n")[0].rstrip(".")
                raise MedgraftError(f"No {name} cluster answers {where}: {why}.") from None
            stack.enter_context(joblib.parallel_config(backend=name))
        yield


def _dask(stack: ExitStack, scheduler: str | None, jobs: int | None) -> None:
    distributed: Any = importlib.import_module("distributed")
    if scheduler is not None:
        client = distributed.Client(scheduler, timeout=10)
    else:  # one thread a process: the libraries inside have threads of their own
        client = distributed.Client(
            n_workers=jobs, threads_per_worker=1, dashboard_address=None, silence_logs=40
        )
    stack.enter_context(client)


def _ray(stack: ExitStack, scheduler: str | None, jobs: int | None) -> None:
    ray: Any = importlib.import_module("ray")
    joblib: Any = importlib.import_module("ray.util.joblib")
    if not ray.is_initialized():
        if scheduler is not None:
            ray.init(address=scheduler, log_to_driver=False)
        else:
            ray.init(num_cpus=jobs, include_dashboard=False, log_to_driver=False)
        stack.callback(ray.shutdown)
    joblib.register_ray()
