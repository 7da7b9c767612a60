"""The command `unlearn env`."""

from __future__ import annotations


def env_command() -> None:
    """Print package versions, hardware, number of threads, and cache folder."""
    from unlearnkit.core.environment import environment
    from unlearnkit.models.cache import cache_folder

    for name, value in {**environment(), "cache": str(cache_folder())}.items():
        print(f"{name + ':':14}{value}")  # noqa: T201
