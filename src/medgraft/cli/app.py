"""The command line: one file a verb; every user's mistake ends in one sentence and exit code 2."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import typer

from medgraft.base import MedgraftError

app = typer.Typer(
    name="medgraft",
    help="Transfer learning for small clinical cohorts, with proof that it helped.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # loading rich takes as long as all the rest of --help
)


def verb(
    function: Callable[..., None], name: str | None = None, on: typer.Typer = app
) -> Callable[..., None]:
    """Register a function as a verb of the command line, or under a verb that has verbs of its own."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except MedgraftError as error:
            typer.echo(f"medgraft: {error}", err=True)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            more = "; run the same command with --resume to go on" if "resume" in kwargs else ""
            typer.echo(f"medgraft: stopped{more}.", err=True)
            raise typer.Exit(130) from None
        except BrokenPipeError:
            sys.stderr.close()  # the reader of our output has gone; there is nobody left to tell
            raise typer.Exit(0) from None

    return on.command(name=name or function.__name__)(run)
