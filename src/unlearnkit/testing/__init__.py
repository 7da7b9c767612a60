"""Conformance checks for every kind of plug-in, for other packages too.

```python
from unlearnkit.testing import checks_for, run_checks
from my_package import MyObjective

run_checks("objective", MyObjective())  # one AssertionError that lists every failed check
for name, check in checks_for("objective").items():  # or one at a time, say by pytest.mark.parametrize
    check(MyObjective())
```

What a kind's checks take is written in its module: `unlearnkit.testing.objectives` and so on. Everything that they run
on is made up and tiny. They need no development dependency, pytest included.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

from unlearnkit.core.errors import InputError
from unlearnkit.testing.check import Check

__all__ = ["Check", "checks_for", "kinds", "run_checks"]


def kinds() -> tuple[str, ...]:
    """Return every kind of plug-in that has checks, sorted.

    A module whose name ends in "s" holds the checks of one kind, as `CHECKS`.
    """
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name.removesuffix("s") for name in modules if name.endswith("s")))


def checks_for(kind: str) -> dict[str, Check]:
    """Return the checks of a kind of plug-in, by name.

    A check raises `AssertionError` if the plug-in does not conform.

    Raises:
        InputError: there is no such kind.
    """
    if kind not in kinds():
        allowed = ", ".join(kinds())
        raise InputError("no checks for this kind of plug-in", value=kind, allowed=allowed, fix="name one of these")
    return dict(import_module(f"{__name__}.{kind}s").CHECKS)


def run_checks(kind: str, plugin: Any) -> None:
    """Run every check of a kind on a plug-in.

    Args:
        kind: see `kinds`.
        plugin: what the kind's module says.

    Raises:
        AssertionError: it lists every failed check with its message.
        InputError: there is no such kind.
    """
    checks, failed = checks_for(kind), []
    for name, check in checks.items():
        try:
            check(plugin)
        except AssertionError as error:
            failed.append(f"{name}: {error}")
        except Exception as error:  # noqa: BLE001 (a plug-in may raise anything, and the other checks still run)
            failed.append(f"{name}: {type(error).__name__}: {error}")
    if failed:
        lines = "\n".join(f"- {line}" for line in failed)
        raise AssertionError(f"{len(failed)} of {len(checks)} checks of the {kind} failed:\n{lines}")
