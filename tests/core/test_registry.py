import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import unlearnkit.core.registry
from unlearnkit.core.errors import InputError
from unlearnkit.core.registry import Registry
from unlearnkit.methods.objective import OBJECTIVES, Objective


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Registry[type]:
    """A registry over a package of two plug-ins, one of them in a sub-package, and a module that registers none."""
    name = f"room_{abs(hash(request.node.name))}"
    package = tmp_path / name
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("REGISTRY = None\n")
    (package / "inner" / "__init__.py").write_text("")
    for path, plugin in (("alpha", "alpha"), ("inner/beta", "beta"), ("silent", "")):
        text = f"import {name}\n"
        if plugin:
            text += f"@{name}.REGISTRY.register('{plugin}', paper='P', equation='E')\n"
            text += f"class {plugin.title()}:\n    '''The {plugin} plug-in.\n\n    More.\n    '''\n"
        (package / f"{path}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    registry: Registry[type] = Registry("thing", name)
    monkeypatch.setattr(__import__(name), "REGISTRY", registry)
    registry.package = name  # type: ignore[attr-defined]
    return registry


def entry_point(name: str, load: Callable[[], object] = lambda: None, value: str = "other.pkg:Thing") -> object:
    return SimpleNamespace(name=name, value=value, load=load)


def offer(monkeypatch: pytest.MonkeyPatch, *points: object) -> None:
    def entry_points(*, group: str) -> list[object]:
        return list(points) if group == "unlearnkit.thing" else []

    monkeypatch.setattr(unlearnkit.core.registry, "entry_points", entry_points)


def test_names_are_found_without_importing_and_get_imports_only_what_is_asked_for(room: Registry[type]) -> None:
    package = room.package  # type: ignore[attr-defined]
    assert room.names() == ("alpha", "beta", "silent")
    assert f"{package}.alpha" not in sys.modules
    entry = room.get("beta")
    assert (entry.name, entry.paper, entry.equation) == ("beta", "P", "E")
    assert entry.summary == "The beta plug-in."
    assert f"{package}.inner.beta" in sys.modules
    assert f"{package}.alpha" not in sys.modules


def test_listing_objectives_in_a_fresh_process_imports_no_objective() -> None:
    code = (
        "import sys; from unlearnkit.methods.objective import OBJECTIVES; print(*OBJECTIVES.names());"
        "assert 'unlearnkit.methods.objectives.forget.npo' not in sys.modules"
    )
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"ga", "npo", "po", "graddiff", "tru", "nll", "kl", "finetune"} <= set(listed)


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(InputError) as raised:
        OBJECTIVES.get("gradiff")
    assert raised.value.value == "gradiff"
    assert raised.value.fix is not None and "graddiff" in raised.value.fix
    assert raised.value.allowed is not None and "npo" in raised.value.allowed
    with pytest.raises(InputError) as raised:
        OBJECTIVES.get("zzzzzzzz")
    assert raised.value.fix == "use one of the allowed names"


def test_a_module_that_registers_nothing_is_no_plugin(room: Registry[type]) -> None:
    with pytest.raises(InputError, match="there is no thing of that name"):
        room.get("silent")


def test_the_same_class_may_register_again_and_another_may_not(room: Registry[type]) -> None:
    def define(module: str) -> type:
        return type("Gamma", (), {"__module__": module, "__qualname__": "Gamma"})

    room.register("gamma")(define("here"))
    again = room.register("gamma")(define("here"))  # as when a notebook runs its cell again
    assert room.get("gamma").plugin is again
    with pytest.raises(InputError, match="two thing plug-ins have the same name") as raised:
        room.register("gamma")(define("there"))
    assert "here.Gamma and there.Gamma" in (raised.value.where or "")
    assert room.get("gamma").plugin is again


def test_nobody_shadows_a_plugin_that_was_not_imported_yet(room: Registry[type]) -> None:
    with pytest.raises(InputError, match="two thing plug-ins have the same name"):
        room.register("alpha")(type("Alpha", (), {"__module__": "elsewhere"}))
    assert room.get("alpha").plugin.__module__ == f"{room.package}.alpha"  # type: ignore[attr-defined]


def test_entry_points_are_listed_unloaded_and_loaded_on_demand(
    room: Registry[type], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []

    def load() -> None:
        loaded.append("delta")
        room.register("delta", paper="Q")(type("Delta", (), {"__module__": "other.pkg"}))

    offer(monkeypatch, entry_point("delta", load))
    assert "delta" in room.names()
    assert loaded == []
    assert room.get("delta").paper == "Q"
    assert room.get("delta").plugin.__name__ == "Delta"
    assert loaded == ["delta"]


def test_entry_points_that_clash_are_refused_by_name(room: Registry[type], monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, entry_point("alpha"), entry_point("delta", value="one:D"), entry_point("delta", value="two:D"))
    with pytest.raises(InputError, match="two thing plug-ins have the same name"):
        room.get("alpha")
    with pytest.raises(InputError) as raised:
        room.get("delta")
    assert raised.value.where == "one:D and two:D"
    assert room.get("beta").name == "beta"  # the others are still there


def test_two_modules_of_one_name_in_sub_folders_clash(room: Registry[type], tmp_path: Path) -> None:
    package = room.package  # type: ignore[attr-defined]
    (tmp_path / package / "inner" / "alpha.py").write_text("")
    with pytest.raises(InputError, match="two thing plug-ins have the same name") as raised:
        room.names()
    assert {f"{package}.alpha", f"{package}.inner.alpha"} == set((raised.value.where or "").split(" and "))


def test_a_plugin_of_several_files_is_named_after_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("", "one", "two", "helpers"):
        (tmp_path / "kit" / folder).mkdir(exist_ok=True)
        (tmp_path / "kit" / folder / "__init__.py").write_text("")
    for file in ("one/main", "one/formulas", "two/main", "helpers/text", "main"):
        (tmp_path / "kit" / f"{file}.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    registry: Registry[type] = Registry("thing", "kit", module="main")
    assert registry.names() == ("one", "two")


def test_every_objective_is_registered_under_its_files_name() -> None:
    for name in OBJECTIVES.names():
        plugin = OBJECTIVES.get(name).plugin
        assert issubclass(plugin, Objective)
        assert plugin.__module__.rpartition(".")[2] == name
