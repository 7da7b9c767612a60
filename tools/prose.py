"""Check the English and the names in `src/unlearnkit`.

    python tools/prose.py [--base REF]

Docstrings, comments and messages must not contain the words below, nor British spellings. The first line of a docstring
has at most 12 words and ends with a period. Identifiers that were renamed must not come back.

Files that are not rewritten yet are listed in `tools/prose_pending.txt` and are exempt. The list only shrinks: with
`--base`, the check fails if the list has grown since that commit, or if a listed file has changed since then.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "unlearnkit"
PENDING = ROOT / "tools" / "prose_pending.txt"

MOST_WORDS = 12
"""Maximum number of words in the first line of a docstring."""

DATA = frozenset(
    f"suites/pocket/{name}.py" for name in ("requests", "names", "story", "corpus", "manners", "world")
) | {
    "data/idk_answers.py",
    "judges/rubrics.py",
    "judges/rule/phrases.py",
    "scope/questions/wordings.py",
    "suites/made_up/refusals.py",
    "targets/prompts.py",
    "targets/teachers/template.py",
    "targets/validation.py",
    "text/disclosure_phrases.py",
    "text/numerals.py",
    "text/spellings.py",
    "text/verdict_phrases.py",
}
"""Files with text in the language of the data. Only their docstrings and comments are checked."""

PHRASES = {
    r"told": "'reported', 'given' or 'named'",
    r"said": "'reported' or 'output'",
    r"whom": "'who', or name the person",
    r"wish(?:es|ed)?": "'request'",
    r"twins?": "'retrained model'",
    r"sittings?": "'session'",
    r"anew": "'again'",
    r"unsaid": "'silently'",
    r"mend(?:s|ed|ing)?": "'correct'",
    r"lest": "'so that ... not'",
    r"beside": "'next to' or 'in addition to'",
    r"dear(?:er)?": "'expensive'",
    r"by and by": "'gradually'",
    r"of (?:its|their|one's) own accord": "'by itself'",
    r"(?:comes?|came) to": "'is', 'becomes' or 'gives'",
    r"stands? (?:in|under|there|before|behind|beside|where)": "'is'",
    r"had as one": "'is one'",
    r"put to it": "'asked'",
    r"for want of": "'for lack of'",
    r"goes? on with": "'continues'",
    r"word for word": "'exactly'",
}
"""Banned words and phrases, each with what to write instead."""

_ISE = (
    "author|categor|character|custom|equal|final|general|initial|local|maxim|memor|minim|normal|optim|organ|"
    "parallel|penal|quant|random|real|recogn|regular|serial|special|summar|symbol|synchron|token|util|vector|visual"
)
BRITISH = re.compile(
    rf"\b\w*(?:(?:{_ISE})is|analys)(?:e[drs]?|ers?|ing|ations?)\b"
    r"|\b\w*(?:behaviour|colour|favour|honour|labour|neighbour)\w*"
    r"|\b(?:un)?(?:cancel|label|model|travel)l(?:ed|ing|er)\b|\bjudgements?\b|\bgrey\b|\bcentre[ds]?\b|\bartefacts?\b",
    re.IGNORECASE,
)
_BANNED = re.compile("|".join(rf"(?<![\w`.'])({phrase})(?![\w`'])" for phrase in PHRASES), re.IGNORECASE)

OLD_NAMES = frozenset(
    re.findall(
        r"\w+",
        "told said heard hear BadInput NotWritten write_whole Wish Workbench Missing Spent GaveUp Unheard Renderer "
        "Want ROWS_AT_ONCE Brought Put Said Told Turned measure_put Speaker Desk Tally OwnWords LiftMeter Teaching "
        "Mention Asking Attacked AskingAttack OpenSubject outdone too_dear own_scores roomy_cache stand_in "
        "choose_weights device_told begin_peak caveats take_from give_to told_shape told_to_wait overlaps",
    )
)
"""Identifiers that were renamed to the field's words."""


def faults(file: str, source: str) -> Iterator[str]:
    """Yield every fault of a file, given its path in the package and its text."""
    tree = ast.parse(source)
    docstrings = _docstrings(tree)
    texts = [(node.lineno, str(node.value)) for node in docstrings]
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    texts += [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]
    if file not in DATA:
        strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node not in docstrings)
        texts += [(node.lineno, node.value) for node in strings if isinstance(node.value, str) and " " in node.value]
    found = [(line + text.count("\n", 0, at), what) for line, text in texts for at, what in _bad_words(text)]
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 1)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            text = ast.get_docstring(node)
            if text and (what := _bad_first_line(text)):
                found.append((line, what))
        if (name := _defined(node)) in OLD_NAMES:
            found.append((line, f"the old name {name!r}"))
    yield from (f"src/unlearnkit/{file}:{line}: {what}" for line, what in sorted(found))


def _docstrings(tree: ast.Module) -> list[ast.Constant]:
    """Return every string that is a statement, which includes the docstrings of attributes."""
    statements = (node.value for node in ast.walk(tree) if isinstance(node, ast.Expr))
    return [node for node in statements if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def _bad_words(text: str) -> Iterator[tuple[int, str]]:
    for match in _BANNED.finditer(text):
        better = list(PHRASES.values())[(match.lastindex or 1) - 1]
        yield match.start(), f"{match[0]!r}: write {better}"
    for match in BRITISH.finditer(text):
        yield match.start(), f"{match[0]!r}: use American spelling"


def _bad_first_line(text: str) -> str | None:
    line = text.strip().partition("\n")[0]
    words = [word for word in re.sub(r"`[^`]*`", "x", line).split() if any(map(str.isalnum, word))]
    if not line.endswith("."):
        return "the first line of the docstring does not end with a period"
    return f"the first line has {len(words)} words, not {MOST_WORDS}" if len(words) > MOST_WORDS else None


def _defined(node: ast.AST) -> str | None:
    """Return the name that a node defines, if any."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return node.name
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    return node.arg if isinstance(node, ast.arg) else None


def pending_faults(pending: list[str], base: str | None) -> Iterator[str]:
    """Yield what is wrong with the pending list itself."""
    yield from (
        f"{PENDING.name} lists {file}, which does not exist" for file in pending if not (SOURCE / file).exists()
    )
    if base is None or (fork := _git("merge-base", base, "HEAD")) is None:
        return
    before = _git("show", f"{fork.strip()}:tools/{PENDING.name}")
    changed = set((_git("diff", "--name-only", fork.strip()) or "").split())
    for file in pending:
        if before is not None and file not in before.split():
            yield f"{PENDING.name} has grown by {file}: rewrite that file instead"
        elif before is not None and f"src/unlearnkit/{file}" in changed:
            yield f"{file} has changed: rewrite its prose and remove it from {PENDING.name}"


def _git(*arguments: str) -> str | None:
    """Return git's output, or None without git, repository or commit."""
    try:
        result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return result.stdout


def main() -> int:
    """Print every fault; return 1 if there is any."""
    parser = argparse.ArgumentParser(description="Check the prose of src/unlearnkit.")
    parser.add_argument("--base", metavar="REF", help="commit or branch to compare the list of pending files with")
    parser.add_argument("files", nargs="*", help="check these files only, pending or not (paths in src/unlearnkit)")
    options = parser.parse_args()
    pending = PENDING.read_text(encoding="utf-8").split() if PENDING.exists() else []
    listed = [] if options.files else list(pending_faults(pending, options.base))
    files = options.files or [
        file for path in sorted(SOURCE.rglob("*.py")) if (file := path.relative_to(SOURCE).as_posix()) not in pending
    ]
    found = [fault for file in files for fault in faults(file, (SOURCE / file).read_text(encoding="utf-8"))]
    summary = f"{len(files)} files checked, {len(found) + len(listed)} faults, {len(pending)} files pending"
    sys.stdout.write("\n".join([*listed, *found, summary, ""]))
    return 1 if listed or found else 0


if __name__ == "__main__":
    sys.exit(main())
