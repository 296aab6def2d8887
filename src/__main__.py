"""The command ``chartimg``, also as ``python -m chartimg``."""

from __future__ import annotations

import sys
from importlib.util import find_spec

__all__ = ["main"]


def main() -> None:
    """Run the command; exit with one line if its extra is not installed."""
    if any(find_spec(needed) is None for needed in ("typer", "rich")):
        from .domain.errors import missing_extra

        sys.stderr.write(f"chartimg: {missing_extra('the command', 'cli')}\n")
        raise SystemExit(2)
    try:
        from .app.cli import run

        run()
    except KeyboardInterrupt:  # while the command was loaded, or closed
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
