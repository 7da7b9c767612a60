"""Print the seed of a reporting world, which follows from a committed file.

    python experiments/draw_world.py FILE

The seed is the first eight hexadecimal digits of the SHA-256 of the file's content at the newest commit, read as an
integer. Nobody can choose the world by its results, because the file, for example a plan of what is going to be
measured, is committed first.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path


def seed_of(content: bytes) -> int:
    """Return the seed that follows from a file's content."""
    return int(hashlib.sha256(content).hexdigest()[:8], 16)


def committed(file: Path) -> bytes:
    """Return a file's content at the newest commit.

    Raises:
        ValueError: the file is not committed, or was changed since the newest commit.
    """
    if not file.is_file():
        raise ValueError(f"{file}: there is no such file")
    if _git(file, "status", "--porcelain", "--ignored", "--", file.name):
        raise ValueError(f"{file}: the file has changes that are not committed; commit it first")
    return _git(file, "show", f"HEAD:./{file.name}")


def _git(file: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=file.parent, capture_output=True, check=False)
    if done.returncode != 0:
        raise ValueError(f"{file}: git reports: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def main() -> int:
    """Print the seed; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path)
    try:
        print(seed_of(committed(parser.parse_args().file)))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
