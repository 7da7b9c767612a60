"""Conformance checks for every kind of plug-in, including plug-ins of other packages.

```python
from unlearnkit.testing import checks_for, run_checks
from my_package import MyObjective

run_checks("objective", MyObjective())  # raises one AssertionError, which lists every failed check
for name, check in checks_for("objective").items():  # or one check at a time, e.g. with pytest.mark.parametrize
    check(MyObjective())
```

Each kind of plug-in has its own module, such as `unlearnkit.testing.objectives`. The module's docstring states which
objects the checks accept. The checks run on tiny, made-up models and data. They do not require pytest or any other
development dependency.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

from unlearnkit.core.errors import InputError
from unlearnkit.testing.check import Check

__all__ = ["Check", "checks_for", "kinds", "run_checks"]


def kinds() -> tuple[str, ...]:
    """Return the kinds of plug-ins for which there are checks, sorted.

    The checks for one kind are in the module that is named after the kind, in the plural: `objectives` for the kind
    `objective`. The module's dictionary `CHECKS` contains the checks.
    """
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name.removesuffix("s") for name in modules if name.endswith("s")))


def checks_for(kind: str) -> dict[str, Check]:
    """Return all checks for one kind of plug-in, as a dictionary.

    The keys are the names of the checks. The values are functions that take a plug-in. Such a function raises
    `AssertionError` if the plug-in fails the check.

    Raises:
        InputError: there are no checks for the kind.
    """
    if kind not in kinds():
        allowed = ", ".join(kinds())
        raise InputError(
            "there are no checks for this kind of plug-in", value=kind, allowed=allowed, fix="choose an allowed kind"
        )
    return dict(import_module(f"{__name__}.{kind}s").CHECKS)


def run_checks(kind: str, plugin: Any) -> None:
    """Check a plug-in with all checks for its kind.

    Args:
        kind: kind of plug-in; see `kinds`.
        plugin: the plug-in to check. The docstring of the kind's module states which objects the checks accept.

    Raises:
        AssertionError: a check failed. The message lists every failed check.
        InputError: there are no checks for the kind.
    """
    checks, failed = checks_for(kind), []
    for name, check in checks.items():
        try:
            check(plugin)
        except AssertionError as error:
            failed.append(f"{name}: {error}")
        except Exception as error:  # noqa: BLE001 (a plug-in may raise any error, and the other checks must still run)
            failed.append(f"{name}: {type(error).__name__}: {error}")
    if failed:
        lines = "\n".join(f"- {line}" for line in failed)
        raise AssertionError(f"{len(failed)} of {len(checks)} checks of the {kind} failed:\n{lines}")
