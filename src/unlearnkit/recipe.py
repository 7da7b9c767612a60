"""The recipe: everything that decides a run, typed, in one value.

A recipe is YAML with overrides. Its sections `suite`, `method` and `targets` hold a registered name beside the settings
of that plug-in, which the plug-in's own class validates. The section `data` is the suite's too: where rows come from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import yaml
from annotated_types import Ge, Gt, Le, MinLen
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from unlearnkit.core.registry import Registry
from unlearnkit.core.settings import LARGEST_SEED, Place, Settings
from unlearnkit.core.yaml_source import BadField, Origins, at_field, bad_field, dotted, name_key, parse
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.gradient_effect.settings import DiagnoseSettings
from unlearnkit.localization.base import LOCALIZERS, Localizer
from unlearnkit.methods.base import METHODS, Edit, Method
from unlearnkit.methods.objective import Objective
from unlearnkit.methods.objective_method import ObjectiveMethod
from unlearnkit.metrics.gates import Gate, current_gate
from unlearnkit.metrics.score_names import RENAMED_METRICS, rename_metrics
from unlearnkit.models.settings import Dtype, LoraSettings
from unlearnkit.suites.base import SUITES, Suite
from unlearnkit.targets.base import TEACHERS, Teacher
from unlearnkit.targets.llm_teacher import ChatTeacher
from unlearnkit.targets.retain_trace import RetainTrace
from unlearnkit.training.combiner import COMBINERS
from unlearnkit.training.settings import TrainSettings


class ModelSettings(Settings):
    """The model that shall forget."""

    path: Place | None = None
    """Folder or hub id; null for the suite's target model."""
    dtype: Dtype = "float32"
    """Of the weights, and with them of the optimizer's state."""
    lora: LoraSettings | None = None
    """Train an adapter in place of the weights; null trains every weight."""
    merge: bool = False
    """Add the trained adapter to the weights before they are saved, so that the result loads without peft."""
    parameters: str | None = None
    """Regular expression: only the weights whose name it finds are trained; null for all. Not with an adapter."""

    @model_validator(mode="after")
    def _weights_fit_together(self) -> ModelSettings:
        if self.lora is not None and self.parameters is not None:
            raise ValueError("Input should have either lora or parameters: an adapter takes the weights' place")
        if self.merge and self.lora is None:
            raise ValueError("Input should have lora where it has merge: without an adapter there is nothing to merge")
        return self


class TargetSettings(Settings):
    """What the model is to say instead, for methods that teach it: a teacher, and the settings of that."""

    model_config = ConfigDict(extra="allow")

    teacher: str = "template"
    """Registered teacher, which writes a reasoning trace and a response for each forget row."""
    retain_trace: RetainTrace = "own"
    """What is thought on retain rows, for methods that are taught targets: `own`, what the row has; `none`; `verdict`,
    that with the verdict that the row is out of scope."""
    lift_model: Place | None = None
    """Model that does not know the answers, under which lift is measured: how much a trace helps it to say the answer.
    `retrained` for the suite's retrained model (`./retrained` for a folder of that name); a folder or hub id for any
    other, which is weaker evidence; null: lift is not measured."""
    lift_at_most: Annotated[float, Ge(0)] | None = None
    """Most lift of a target, in nats per token of the answer; above it a teacher that is asked is asked again. null:
    lift is measured and told, and no target is turned down for it."""

    @model_validator(mode="after")
    def _is_measured_where_it_counts(self) -> Self:
        if self.lift_at_most is not None and self.lift_model is None:
            raise ValueError("Input should have lift_model where it has lift_at_most: nothing else measures lift")
        return self

    @property
    def section(self) -> dict[str, Any]:
        """The teacher's name and settings."""
        return {"teacher": self.teacher, **(self.model_extra or {})}


_OF_EVERY_TEACHER = tuple(name for name in TargetSettings.model_fields if name != "teacher")
"""Settings of the section `targets` that are none of a teacher's own."""


class EvalSettings(Settings):
    """How the result is measured."""

    max_new_tokens: Annotated[int, Gt(0)] | None = None
    """Most tokens of an output; null for as many as the suite takes."""
    system_prompt: Annotated[str, MinLen(1)] | None = None
    """What the model is told before every question, as a system's turn; null for nothing. The references are measured
    without it."""
    gradients: bool = True
    """Whether gradient norms are measured for the suites whose membership attacks use them."""


class ReportSettings(Settings):
    """What the report shows."""

    show_forget_text: bool = False
    """Whether secrets, and questions and outputs of the forget sets, may stand in the report."""


class Recipe(Settings):
    """Everything that decides a run."""

    plugins: ClassVar[dict[str, Registry[Any]]] = {"suite": SUITES, "method": METHODS, "targets": TEACHERS}
    """What a section of that name holds the settings of."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
    """Name of the run, and of its folder."""
    seed: Annotated[int, Ge(0), Le(LARGEST_SEED)] = 0
    """Of the row order, the targets' wording and fresh weights."""
    suite: dict[str, Any]
    """Name of a registered suite, and its settings."""
    data: dict[str, Any] = Field(default_factory=dict)
    """Where the suite's rows come from, for a suite that does not make them itself."""
    model: ModelSettings = ModelSettings()
    method: dict[str, Any]
    """Name of a registered method, and its hyper-parameters."""
    targets: TargetSettings = TargetSettings()
    """Name of a registered teacher, and its settings: for methods that are taught what to say instead."""
    train: TrainSettings = TrainSettings()
    eval: EvalSettings = EvalSettings()
    diagnose: DiagnoseSettings = DiagnoseSettings()
    gates: tuple[str, ...] = ()
    """Thresholds that the result is held to: `forget.accuracy<=0.03`."""
    report: ReportSettings = ReportSettings()
    out: Place | None = None
    """The run's folder; null for `runs/<name>`."""

    @field_validator("name")
    @classmethod
    def _is_no_reference(cls, name: str) -> str:
        if name in REFERENCES:
            raise ValueError(f"Input should be another name: {name!r} stands for a model that methods are held against")
        return name

    @field_validator("gates")
    @classmethod
    def _name_metrics_as_today(cls, gates: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(current_gate(gate, warn=True) for gate in gates)

    def earlier_dump(self) -> dict[str, Any]:
        """Dump as JSON values under the earliest names, those of metrics in gates too."""
        earlier = {name: old for old, name in RENAMED_METRICS.items()}
        return {**super().earlier_dump(), "gates": [rename_metrics(gate, earlier) for gate in self.gates]}

    @model_validator(mode="before")
    @classmethod
    def _resolve_plugins(cls, data: Any) -> Any:
        """Put the settings that were left out into the plug-ins' sections, so that the recipe says everything."""
        if not isinstance(data, dict):
            return data
        plugged: dict[str, Any] = {}
        if isinstance(data.get("suite"), dict):
            plugged["suite"] = _resolved(SUITES, _with_data(data["suite"], data.get("data")), "suite")
            plugged["data"] = plugged["suite"].pop("data", {})
            if "tokenizer" in plugged["data"] and isinstance(data.get("model"), dict):
                # What is cut by tokens is cut by the model's own, unless the recipe says otherwise.
                plugged["data"]["tokenizer"] = plugged["data"]["tokenizer"] or data["model"].get("path")
            settings = data.get("eval") or {}
            if isinstance(settings, dict) and settings.get("max_new_tokens") is None:
                longest = SUITES.get(plugged["suite"]["name"]).plugin.max_new_tokens
                plugged["eval"] = {**settings, "max_new_tokens": longest}
        if isinstance(data.get("method"), dict):
            plugged["method"] = _resolved_method(data["method"])
        train = data.get("train")
        if isinstance(train, dict) and isinstance(train.get("combiner"), dict):
            plugged["train"] = {**train, "combiner": _resolved(COMBINERS, train["combiner"], "train", "combiner")}
        targets = data.get("targets", {})
        if isinstance(targets, dict):
            own = {key: value for key, value in targets.items() if key in _OF_EVERY_TEACHER}
            section = {key: value for key, value in targets.items() if key not in own}
            plugged["targets"] = {**_resolved(TEACHERS, {"teacher": "template", **section}, "targets"), **own}
        return {**data, **plugged}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for number, gate in enumerate(self.gates):
            with at_field("gates", number):
                Gate.parse(gate)
        with at_field("method"):
            method = self.make_method()
            method.needs()
        self._mask_fits(method)
        with at_field("train"):
            self.train.total_steps(1, 1)
        self._g_effects_are_measured_where_they_are_used()
        if combiner := self.train.make_combiner():
            from unlearnkit.training.combination import tasks_of  # torch, which other recipes need not wait for

            with at_field("train", "combiner"):
                if not isinstance(method, ObjectiveMethod):
                    raise BadField(
                        "only an objective has terms whose gradients can be combined",
                        path=("train", "combiner"),
                        value=combiner.__class__.__name__,
                        allowed="null, or a method that is an objective",
                        fix="write train.combiner: null",
                    )
                tasks_of(combiner, method.objective)
        self._diagnosis_fits(method)
        if self.train.trace_style == "added" and isinstance(method, Edit):
            raise BadField(
                "an edit adds no tokens to the model",
                path=("train", "trace_style"),
                value="added",
                allowed="think, plain, null (the first style whose tokens the model knows)",
                fix="write train.trace_style: null",
            )
        if self.train.trace_style == "added" and self.model.lora is not None:
            raise BadField(
                "an adapter has no embeddings for the tokens that are added",
                path=("train", "trace_style"),
                value="added",
                allowed="think, plain, null; or added without model.lora",
                fix="set train.trace_style to plain, or train the weights: model.lora=null",
            )
        if self.model.path is None and not SUITES.get(self.suite["name"]).plugin.has_models:
            raise BadField(
                "the suite has no target model of its own",
                path=("model", "path"),
                fix="write model.path: a folder or id",
            )
        return self

    def _diagnosis_fits(self, method: Method) -> None:
        if self.diagnose.g_effect_every is not None and not isinstance(method, ObjectiveMethod):
            raise BadField(
                "only an objective has G-effects along its training",
                path=("diagnose", "g_effect_every"),
                value=self.diagnose.g_effect_every,
                allowed="null, or a method that is an objective",
                fix="write diagnose.g_effect_every: null",
            )

    def _g_effects_are_measured_where_they_are_used(self) -> None:
        settings = self.diagnose
        if not settings.use:
            return
        lacking = {
            "g_effect_every": settings.g_effect_every is None,
            "risks": "forget" not in settings.risks or len(settings.risks) < 2,
            "groups": "mask" in settings.use and settings.groups == "none",
        }
        allowed = {
            "g_effect_every": "the steps between two measurements",
            "risks": "forget, and what shall stay: [forget, retain]",
            "groups": "layers, or parts",
        }
        for field in (name for name, lacks in lacking.items() if lacks):
            raise BadField(
                f"the run shall {settings.use[0]} by its G-effects, and what that takes is not measured",
                path=("diagnose", field),
                value=getattr(settings, field),
                allowed=allowed[field],
                fix=f"write diagnose.{field}",
            )

    @property
    def suite_section(self) -> dict[str, Any]:
        """All that makes the suite: its name, its settings and its data."""
        return _with_data(self.suite, self.data or None)

    def make_suite(self) -> Suite:
        """The suite with its settings."""
        return make_suite(self.suite_section)

    def make_method(self) -> Method:
        """Make the method with its settings; an objective becomes a method that trains it."""
        section = {key: value for key, value in self.method.items() if key != "mask"}
        made: Any = _plugin(METHODS, section)
        return ObjectiveMethod(objective=made) if isinstance(made, Objective) else made

    def make_localizer(self) -> Localizer | None:
        """Make the localizer that says which weights the method changes; None: every trained weight."""
        section = self.method.get("mask")
        made: Localizer | None = None if section is None else _plugin(LOCALIZERS, section)
        return made

    @property
    def method_title(self) -> str:
        """The method's name for a person."""
        title: str = METHODS.get(self.method["name"]).plugin.__name__
        return title

    def _mask_fits(self, method: Method) -> None:
        if self.make_localizer() is not None and (not method.can_be_masked or method.from_scratch):
            raise BadField(
                "the method cannot be restricted to some weights",
                path=("method", "mask"),
                value=self.method["mask"]["name"],
                allowed="null, or as the method an objective or an edit of the target model",
                fix="write method.mask: null",
            )

    def make_teacher(self) -> Teacher | ChatTeacher:
        """The teacher that writes the targets, with its settings."""
        made: Teacher | ChatTeacher = _plugin(TEACHERS, self.targets.section, "teacher")
        return made

    @property
    def folder(self) -> Path:
        """Where the run's folder is."""
        return Path(self.out) if self.out is not None else Path("runs") / self.name

    def dump(self, *, earlier: bool = False) -> str:
        """Return the recipe as YAML, every setting written out; `earlier`: under the earliest names."""
        values = self.earlier_dump() if earlier else self.model_dump(mode="json")
        return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)


def load_recipe(path: str | Path, overrides: tuple[str, ...] | list[str] = ()) -> Recipe:
    """Read a recipe from YAML; `overrides` are `dotted.key=value`, the value being YAML too.

    A recipe without a name has that of its file. Raises `InputError`, saying where and what is allowed.
    """
    path = Path(path)
    data, origins = parse(path, overrides)
    data.setdefault("name", path.stem)
    return make_recipe(data, origins)


def make_recipe(data: dict[str, Any], origins: Origins | None = None) -> Recipe:
    """A recipe from plain values. Raises `InputError`; `origins` says where each field was written."""
    known = origins or Origins({}, "the recipe")
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise known.placed(bad_field(error, Recipe)) from error
    except BadField as error:
        raise known.placed(error) from error


def make_suite(section: dict[str, Any]) -> Suite:
    """The suite of a recipe's section: its `name`, and its settings."""
    made: Suite = _plugin(SUITES, suite_section(section))
    return made


def suite_section(section: dict[str, Any]) -> dict[str, Any]:
    """The section, data included, with every setting of the suite written out."""
    return _resolved(SUITES, section, "suite")


def section_of(name: str, suite: Suite) -> dict[str, Any]:
    """The section that makes a suite as it is."""
    made: Any = suite
    return {"name": name, **made.model_dump(mode="json")}


def _with_data(suite: dict[str, Any], data: Any) -> dict[str, Any]:
    """The suite's section and its data in one."""
    if "data" in suite:
        raise BadField("the data has a section of its own", path=("suite", "data"), fix="write data: beside suite:")
    return suite if data in (None, {}) else {**suite, "data": data}


def recipe_schema() -> dict[str, Any]:
    """JSON Schema of a recipe; the sections of plug-ins offer every registered one."""
    schema = Recipe.model_json_schema()
    for field, registry in Recipe.plugins.items():
        choices = [_plugin_schema(registry, name, name_key(field)) for name in registry.names()]
        for choice in choices:
            schema.setdefault("$defs", {}).update(choice.pop("$defs", {}))
        if field == "method":
            _offer_masks(schema, choices)
        schema["properties"][field] = {"oneOf": choices, "description": schema["properties"][field]["description"]}
    train = schema["$defs"]["TrainSettings"]["properties"]
    combiners = [_plugin_schema(COMBINERS, name, "name") for name in COMBINERS.names()]
    train["combiner"] = {**train["combiner"], "anyOf": [*combiners, {"type": "null"}]}
    return schema


def _offer_masks(schema: dict[str, Any], methods: list[dict[str, Any]]) -> None:
    """Give the schema of each method that can be masked the section `mask`."""
    localizers = [_plugin_schema(LOCALIZERS, name, "name") for name in LOCALIZERS.names()]
    for each in localizers:
        schema.setdefault("$defs", {}).update(each.pop("$defs", {}))
    for method in methods:
        plugin = METHODS.get(method["properties"]["name"]["const"]).plugin
        if (ObjectiveMethod if issubclass(plugin, Objective) else plugin).can_be_masked:
            description = "Name of a registered localizer, and its settings: which weights the method may change."
            method["properties"]["mask"] = {"anyOf": [*localizers, {"type": "null"}], "description": description}


def _plugin_schema(registry: Registry[Any], name: str, key: str) -> dict[str, Any]:
    schema: dict[str, Any] = _settings_of(registry.get(name).plugin).model_json_schema()
    schema["properties"] = {key: {"const": name}, **schema.get("properties", {})}
    if key == "teacher":
        beside = TargetSettings.model_json_schema()["properties"]
        schema["properties"] |= {field: beside[field] for field in _OF_EVERY_TEACHER}
    unsaid = key == "teacher" and name == TargetSettings().teacher  # who writes where nobody is named
    schema["required"] = [*([] if unsaid else [key]), *schema.get("required", [])]
    return schema


def _settings_of(plugin: Any) -> type[BaseModel]:
    """The class of a plug-in's settings, which is mostly its own; a plug-in that is no model has none."""
    return plugin if issubclass(plugin, BaseModel) else Settings


def _plugin(registry: Registry[Any], section: dict[str, Any], key: str = "name") -> Any:
    return registry.get(section[key]).plugin(**{k: v for k, v in section.items() if k != key})


def _resolved_method(section: dict[str, Any]) -> dict[str, Any]:
    """The method's section with every setting written out, those of its mask among them if it has one."""
    rest = {key: value for key, value in section.items() if key != "mask"}
    mask = section.get("mask")
    resolved = _resolved(METHODS, rest, "method")
    if mask is None:
        return resolved
    if not isinstance(mask, dict):
        raise BadField(
            "a setting has a value that cannot be used",
            path=("method", "mask"),
            value=mask,
            allowed="a section: its settings, each on an indented line below it",
            fix=f"write {{name: {mask}}}" if isinstance(mask, str) else "write {name: gradient_saliency}",
        )
    return {**resolved, "mask": _resolved(LOCALIZERS, mask, "method", "mask")}


def _resolved(registry: Registry[Any], section: dict[str, Any], *field: str) -> dict[str, Any]:
    """The section with every setting of its plug-in written out; `field` is the path to it."""
    key = name_key(field[-1])
    name = section.get(key)
    if not isinstance(name, str):
        raise BadField(
            f"the {registry.kind} has no name",
            path=(*field, key),
            value=name,
            allowed=", ".join(registry.names()),
            fix=f"write {dotted((*field, key))}",
        )
    with at_field(*field, key):
        plugin = _settings_of(registry.get(name).plugin)
    try:
        made = plugin.model_validate({k: value for k, value in section.items() if k != key})
    except ValidationError as error:
        at = () if field == ("suite",) and error.errors()[0]["loc"][:1] == ("data",) else field
        of_others = {"targets": _OF_EVERY_TEACHER, "method": ("mask",)}.get(".".join(field), ())
        besides = (key, *of_others)
        raise bad_field(error, plugin, at, besides=besides) from error
    return {key: name, **made.model_dump(mode="json")}
