"""Words of composed questions and targets about the subjects of each request."""

from __future__ import annotations

from importlib.resources import files

from unlearnkit.scope.wording import read_wordings

WORDINGS = read_wordings(files("unlearnkit.suites.pocket") / "wording.yaml")
"""Words by the name of the request."""
