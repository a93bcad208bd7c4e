"""A group of commands, each in a file of its own that is imported when the command is called."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from archsim.cli.rim import guard
from archsim.errors import did_you_mean


class Commands(click.Group):
    """Commands by name with a line of help each; `archsim.cli.NAME.command` is the command."""

    def __init__(self, *args: Any, lazy: Mapping[str, str], **attributes: Any) -> None:  # noqa: ANN401 (click's own)
        """Take the commands' names and help beside what click takes."""
        super().__init__(*args, **attributes)
        self._lazy = dict(lazy)

    def main(  # type: ignore[override]  # click's has arguments that nobody here passes
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **_extra: object
    ) -> NoReturn:
        """Run the command line and exit with its code; every error ends here, as a line or more."""
        words = list(sys.argv[1:] if args is None else args)

        def run() -> None:
            with self.make_context(prog_name or self.name, words) as context:
                self.invoke(context)

        sys.exit(guard(run))

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Names of the commands."""
        return sorted(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (the same)
        """Import and return a command; none of that name gives None."""
        if cmd_name not in self._lazy:
            return None
        command: click.Command = import_module(f"archsim.cli.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names."""
        if args[0] not in self._lazy:
            raise click.UsageError(f"No such command '{args[0]}'. {did_you_mean(args[0], self._lazy)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (the same)
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(self._lazy.items()))
