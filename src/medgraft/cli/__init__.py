"""``medgraft`` on the command line."""

from __future__ import annotations


def main() -> None:
    """Run the command line; verbs import what they need only when they run."""
    from medgraft.cli import (  # noqa: F401
        audit,
        calibrate,
        demo,
        explain,
        fetch,
        methods,
        predict,
        report,
        signals,
        sources,
        studies,
        trial,
    )
    from medgraft.cli.app import app

    app()
