"""Write docs/reference from the schema, the registries and the command line.

    python tools/reference.py            # write the pages
    python tools/reference.py --check    # exit code 1 if a page differs from what the code says

The pages depend on this package alone: plug-ins that other installed packages register are left out. Every entry has an
example; `tests/docs/test_reference.py` runs each of them through `make_recipe` or the parser of the command line.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
import yaml
from pydantic import BaseModel
from reference_tables import block, cell, escape, kind_of, prose, section_in, settings_table, table, yaml_value

from unlearnkit.attacks.base import Attack
from unlearnkit.cli.app import app
from unlearnkit.core.registry import Entry
from unlearnkit.judges.listing import JUDGES
from unlearnkit.localization.base import Localizer
from unlearnkit.methods.base import Method
from unlearnkit.methods.objective import Objective
from unlearnkit.pipeline.listing import REGISTRIES, catalog, describe
from unlearnkit.recipe import recipe_schema

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
PACKAGE = "unlearnkit."

NOTE = "<!-- Written by tools/reference.py from the code. Do not edit: change the docstring and run it again. -->"

PAGES = {
    "localizer": "localizers",
    "combiner": "combiners",
    "teacher": "teachers",
    "suite": "suites",
    "attack": "attacks",
}
"""The page of each kind of plug-in. Every other kind is a method."""

TITLES = {
    "methods": (
        "Methods",
        "A recipe names one method: `method: {name: NAME, ...}`. Retain terms are named inside it: `retain: NAME`.",
    ),
    "localizers": (
        "Localizers",
        "A localizer finds the weights that hold the knowledge; a method then changes only these: "
        "`method: {name: NAME, mask: {name: LOCALIZER}}`.",
    ),
    "combiners": (
        "Combiners",
        "A combiner turns the gradients of an objective's terms into one gradient: `train.combiner: {name: NAME}`. "
        "Without one the gradients are summed. [How to choose one](../guides/combiners.md).",
    ),
    "teachers": (
        "Teachers",
        "A teacher writes the targets that TRU trains on, a reasoning trace and a response for each forget row: "
        "`targets: {teacher: NAME, ...}`. [Guide](../guides/tru.md).",
    ),
    "suites": (
        "Suites",
        "A suite provides rows, models and what is measured: `suite: {name: NAME, ...}`, and under `data:` where its "
        "rows come from.",
    ),
    "attacks": (
        "Attacks",
        "`unlearn attack RUN --attacks NAME,NAME` runs them. [What each one shows](../guides/attacks.md).",
    ),
}

SETTINGS: dict[tuple[str, str], dict[str, Any]] = {
    ("suite", "files"): {
        "data": {"forget": "forget.jsonl", "retain": "retain.jsonl", "scope": "scope.yaml"},
        "model": {"path": "models/target"},
    },
    ("suite", "tofu"): {"data": {"path": "locuslab/TOFU"}, "model": {"path": "models/tofu"}},
    ("teacher", "api"): {"targets": {"server": {"url": "https://llm.example.org/v1", "model": "teacher"}}},
    ("teacher", "local"): {"targets": {"path": "models/teacher"}},
}
"""What an example needs in addition to the plug-in's name, by kind and name."""

JUDGE_ARGUMENTS = {"laaj": " path=models/judge", "laaj-paper": " path=models/judge"}
"""The model that a judge asks, in its example."""

COMMANDS = {
    "demo": "unlearn demo --request authors --world-seed 93",
    "init": "unlearn init --model models/target --forget forget.jsonl --retain retain.jsonl",
    "check": "unlearn check recipe.yaml data.retain=retain.jsonl",
    "targets": "unlearn targets recipe.yaml --export review.jsonl",
    "run": "unlearn run recipes/pocket-npo.yaml train.lr=1e-3 --gate 'forget.accuracy<=0.03'",
    "eval": "unlearn eval models/target --suite tofu --data TOFU --split forget10 --out runs/target",
    "score": "unlearn score runs/mine --json",
    "judge": "unlearn judge runs/demo-authors --judge rules",
    "judge agree": "unlearn judge agree runs/mine --judges rules,laaj",
    "attack": "unlearn attack runs/demo-authors --attacks no_trace,relearn --at-most 20",
    "g-effect": "unlearn g-effect recipe.yaml --objectives ga,npo --sweep beta=0.05:4:log",
    "board": "unlearn board board.yaml --plan",
    "compare": "unlearn compare runs/one runs/two",
    "explain": 'unlearn explain runs/mine "Where was Ada Lund born?"',
    "report": "unlearn report runs/one runs/two -o report.html",
    "scope suggest": "unlearn scope suggest forget.jsonl --retain retain.jsonl --task privacy",
    "export": "unlearn export runs/mine --gguf --out mine.gguf",
    "purge": "unlearn purge runs/mine",
    "ls": "unlearn ls attack",
    "show": "unlearn show npo",
    "env": "unlearn env",
}
"""One call of each command."""

_PLACEHOLDERS = {int: "N", float: "X", str: "TEXT", Path: "PATH", bool: ""}


class NoExample(Exception):
    """An entry has no example that can be made for it."""


def recipe_text(recipe: Mapping[str, Any]) -> str:
    """A recipe as one writes it by hand."""
    return yaml.safe_dump(dict(recipe), sort_keys=False, default_flow_style=None, width=100)


# Plug-ins.


def own_entries(kind: str) -> list[Entry[Any]]:
    """The plug-ins of a kind that come with this package, by name."""
    registry = REGISTRIES[kind]
    entries = [registry.get(name) for name in registry.names()]
    return [entry for entry in entries if entry.plugin.__module__.startswith(PACKAGE)]


def recipe_example(kind: str, entry: Entry[Any]) -> dict[str, Any]:
    """The smallest recipe that uses a plug-in."""
    suite = {"name": entry.name} if kind == "suite" else {"name": "pocket"}
    recipe: dict[str, Any] = {"suite": suite, "method": {"name": "graddiff"}}
    if kind == "teacher":
        recipe |= {"method": {"name": "tru"}, "targets": {"teacher": entry.name}}
    elif kind == "combiner":
        recipe |= {"train": {"combiner": {"name": entry.name}}}
    elif kind == "localizer":
        recipe["method"] = {"name": "graddiff", "mask": {"name": entry.name}}
    elif PAGES.get(kind, "methods") == "methods":
        is_retain_term = ".retain." in entry.plugin.__module__
        recipe["method"] = {"name": "npo", "retain": entry.name} if is_retain_term else {"name": entry.name}
    for section, more in SETTINGS.get((kind, entry.name), {}).items():
        recipe[section] = {**recipe.get(section, {}), **more}
    return recipe


def example(kind: str, entry: Entry[Any]) -> str:
    """A fenced example of a plug-in."""
    if kind == "attack":
        return block("bash", f"unlearn attack runs/mine --attacks {entry.name}")
    return block("yaml", recipe_text(recipe_example(kind, entry)))


def needs_of(plugin: Objective | Method | Localizer) -> str:
    """What a plug-in asks of the engine with its defaults."""
    needs = plugin.needs()
    by_kind: dict[str, list[str]] = {}
    for quantity in sorted(needs.quantities, key=lambda quantity: quantity.order):
        by_kind.setdefault(quantity.title, []).append(f"`{quantity.view}`")
    parts = [f"{title} of {', '.join(views)}" for title, views in by_kind.items()]
    return f"Needs, with the defaults: {'; '.join(parts)}." if parts else ""


def plugin_entry(kind: str, entry: Entry[Any]) -> str:
    """One plug-in: source, docstring, settings, needs, example."""
    plugin = entry.plugin
    source = ", ".join(part for part in (entry.paper, entry.equation) if part)
    parts = [f"## {entry.name}", f"Source: {source}." if source else "", prose(inspect.getdoc(plugin) or "")]
    if issubclass(plugin, BaseModel):
        schema = plugin.model_json_schema()
        parts.append(settings_table(schema, schema.get("$defs", {})))
    if issubclass(plugin, Objective | Method | Localizer):
        parts.append(needs_of(plugin()))
    if issubclass(plugin, Attack):
        parts.append(f"Budget, with the defaults: {cell(plugin().budget())}.")
    parts.append(example(kind, entry))
    return "\n\n".join(part for part in parts if part)


def plugin_page(page: str, found: list[tuple[str, Entry[Any]]]) -> str:
    """Some plug-ins, each with its kind."""
    title, intro = TITLES[page]
    overview = table(
        ("name", "summary"), ((f"[`{entry.name}`](#{entry.name})", cell(entry.summary)) for _, entry in found)
    )
    return page_text(title, intro, overview, *(plugin_entry(kind, entry) for kind, entry in found))


# Pages of their own.


def recipe_page() -> str:
    """Every section of a recipe; those of plug-ins as links."""
    schema = recipe_schema()
    definitions, sections = schema["$defs"], schema["properties"]
    plain = {name: field for name, field in sections.items() if section_in(field, definitions) is None}
    links = {"suite": "suites.md", "data": "suites.md", "method": "methods.md", "targets": "teachers.md"}
    rows = []
    for name, field in plain.items():
        required = name in schema["required"]
        kind = f"see [{links[name]}]({links[name]})" if name in links else cell(kind_of(field))
        default = "required" if required and name != "name" else f"`{yaml_value(field.get('default'))}`"
        default = {"name": "the file's name"}.get(name, "" if name in links and not required else default)
        rows.append((f"`{name}`", kind, default, cell(field.get("description", ""))))
    parts = [table(("field", "type", "default", "meaning"), rows)]
    examples = {
        "model": {"lora": {"r": 8}},
        "train": {"epochs": 5, "lr": 1e-4, "batch_size": 8},
        "eval": {"max_new_tokens": 40},
        "diagnose": {"g_effect_every": 10, "risks": ["forget", "retain"]},
        "report": {"show_forget_text": True},
    }
    for name, field in sections.items():
        section = section_in(field, definitions)
        if section is None:
            continue
        if name not in examples:
            raise NoExample(f"no example for the recipe's section {name}: add one in recipe_page")
        snippet = {"suite": {"name": "pocket"}, "method": {"name": "graddiff"}, name: examples[name]}
        skip = ("combiner",) if name == "train" else ()
        more = "The combiner is described in [combiners.md](combiners.md)." if name == "train" else ""
        described = prose(section.get("description", ""))
        parts.append(
            "\n\n".join(
                part
                for part in (
                    f"## {name}",
                    described,
                    more,
                    settings_table(section, definitions, skip),
                    block("yaml", recipe_text(snippet)),
                )
                if part
            )
        )
    intro = (
        "A recipe is one YAML file that decides a run. Every field can be overridden on the command line, as in "
        "`unlearn run recipe.yaml train.lr=1e-4`. `unlearn show recipe` prints the JSON Schema. An unknown field is an "
        "error."
    )
    return page_text("Recipe", intro, *parts)


def judge_page() -> str:
    """The judges. `unlearn show laaj` has the settings of the model."""
    rows = []
    for name, entry in JUDGES.items():
        call = f"unlearn judge runs/mine --judge {name}{JUDGE_ARGUMENTS.get(name, '')}"
        source = f"Source: {entry.paper}." if entry.paper else ""
        rows.append(
            "\n\n".join(part for part in (f"## {name}", source, escape(entry.summary), block("bash", call)) if part)
        )
    intro = (
        "A judge gives six scores from 0 to 10 with a reason each. `unlearn show NAME` prints a judge's rules, or its "
        "rubrics and the settings of the model it asks. [How to read the scores](../guides/read-the-report.md#judges)."
    )
    return page_text("Judges", intro, *rows)


def metric_page() -> str:
    """The metrics of a record."""
    parts = []
    for listed in catalog("metric"):
        _, *described = describe(listed.name)
        lower = any("lower is better" in paragraph for paragraph in described)
        gate = f"forget.{listed.name}{'<=0.05' if lower else '>=0.95'}"
        recipe = {"suite": {"name": "pocket"}, "method": {"name": "graddiff"}, "gates": [gate]}
        lines = (f"## {listed.name}", *map(prose, described), block("yaml", recipe_text(recipe)))
        parts.append("\n\n".join(lines))
    intro = (
        "A score has a flat name, `<set>.<metric>`, such as `forget.paraphrased.accuracy`. A gate compares one with a "
        "number or with a reference model's score: `near.accuracy>=target.near.accuracy*0.97`. Suites add scores of "
        "their own: [how to read them](../guides/read-the-report.md#scores-that-suites-add)."
    )
    return page_text("Metrics", escape(intro), *parts)


# The command line.


def leaf_commands() -> dict[str, Any]:
    """Every command that does something, by the words that call it."""
    found: dict[str, Any] = {}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        if not hasattr(command, "commands"):
            found[name] = command
            continue
        for inner, leaf in command.commands.items():
            found[name if leaf.hidden else f"{name} {inner}"] = leaf
    return found


def placeholder(parameter: Any, hints: Mapping[str, Any]) -> str:
    """What stands for an option's value."""
    if parameter.metavar:
        return f" {parameter.metavar}"
    kinds = [
        each for each in typing.get_args(hints[parameter.name]) or (hints[parameter.name],) if each is not type(None)
    ]
    kind = kinds[0]
    kind = (typing.get_args(kind) or (kind,))[0]
    word = _PLACEHOLDERS.get(kind, "TEXT")
    return f" {word}" if word else ""


def command_entry(name: str, command: Any) -> str:
    """One command: usage, help, arguments, options, example."""
    if name not in COMMANDS:
        raise NoExample(f"no example for unlearn {name}: add one to COMMANDS")
    hints = typing.get_type_hints(inspect.unwrap(command.callback))
    arguments, options = [], []
    usage = f"unlearn {name}"
    for parameter in command.params:
        if parameter.name == "help":
            continue
        described = cell(parameter.help or "")
        if parameter.param_type_name == "argument":
            many = "..." if parameter.nargs == -1 or "list" in str(hints[parameter.name]) else ""
            shown = f"{parameter.name.upper()}{many}"
            usage += f" {shown}" if parameter.required else f" [{shown}]"
            arguments.append((f"`{shown}`", described))
            continue
        shown = ", ".join(parameter.opts) + placeholder(parameter, hints)
        given = parameter.default
        shown_default = "" if given is None or given is False or given == () else f"`{given}`"
        default = "required" if parameter.required else shown_default
        options.append((f"`{shown}`", default, described))
    usage += " [OPTIONS]" if options else ""
    parts = (
        f"## unlearn {name}",
        block("text", usage),
        prose(inspect.cleandoc(command.help or "")),
        table(("argument", "meaning"), arguments),
        table(("option", "default", "meaning"), options),
        block("bash", COMMANDS[name]),
    )
    return "\n\n".join(part for part in parts if part)


def command_page() -> str:
    """The command line."""
    intro = (
        "Exit codes: 0 done, 1 failed, 2 bad recipe or data, 3 a gate was missed, 4 something to install or provide, "
        "130 interrupted. Every command has `--help`. After a recipe, `key=value` overrides a field."
    )
    return page_text("Commands", intro, *(command_entry(name, leaf) for name, leaf in leaf_commands().items()))


def index_page(written: Mapping[str, str]) -> str:
    """Links to all other pages."""
    links = [f"- [{text.partition(chr(10))[0].removeprefix('# ')}]({name})" for name, text in sorted(written.items())]
    return page_text("Reference", "Generated from the code by `python tools/reference.py`.", "\n".join(links))


def page_text(title: str, *parts: str) -> str:
    """A whole page."""
    return "\n\n".join([f"# {title}", NOTE, *(part for part in parts if part)]) + "\n"


def pages() -> dict[str, str]:
    """Text of every page by its file name."""
    plugins: dict[str, list[tuple[str, Entry[Any]]]] = {page: [] for page in TITLES}
    for kind in (kind for kind in REGISTRIES if kind != "metric"):
        plugins[PAGES.get(kind, "methods")] += [(kind, entry) for entry in own_entries(kind)]
    found = {f"{page}.md": plugin_page(page, entries) for page, entries in plugins.items() if entries}
    found |= {"recipe.md": recipe_page(), "judges.md": judge_page(), "metrics.md": metric_page()}
    found["commands.md"] = command_page()
    found["README.md"] = index_page(found)
    # A trailing space has a meaning in Markdown that no docstring has.
    return {name: re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE) for name, text in sorted(found.items())}


def stale(folder: Path, written: Mapping[str, str]) -> list[Path]:
    """Pages that are missing, differ, or are no longer written."""
    files = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return [folder / name for name in sorted({*files, *written}) if files.get(name) != written.get(name)]


def main() -> int:
    """Write or check the pages; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a page is stale")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="folder of the pages")
    options = parser.parse_args()
    try:
        written = pages()
    except NoExample as error:
        print(f"tools/reference.py: {error}", file=sys.stderr)  # noqa: T201
        return 1
    old = stale(options.folder, written)
    if options.check:
        for path in old:
            print(f"stale: {path}; run python tools/reference.py", file=sys.stderr)  # noqa: T201
        return 1 if old else 0
    options.folder.mkdir(parents=True, exist_ok=True)
    for path in old:
        if path.name in written:
            path.write_text(written[path.name], encoding="utf-8")
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
