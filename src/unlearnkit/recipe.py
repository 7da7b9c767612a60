"""The recipe: every setting that decides a run, as one typed value.

A recipe is YAML with overrides. Its sections `suite`, `method` and `targets` hold the name of a registered plug-in and
its settings, which the plug-in's class validates. The section `data` belongs to the suite too: where rows come from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from annotated_types import Ge, Gt, Le, MinLen
from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from unlearnkit.core.plugin_section import PluginSection
from unlearnkit.core.settings import LARGEST_SEED, Place, Settings
from unlearnkit.core.yaml_source import BadField, Origins, at_field, bad_field, parse
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
from unlearnkit.training.combiner import COMBINERS, Combiner
from unlearnkit.training.settings import TrainSettings


class ModelSettings(Settings):
    """The model that must forget."""

    path: Place | None = None
    """Folder or Hub id; null for the suite's target model."""
    dtype: Dtype = "float32"
    """Data type of the weights, and thereby of the optimizer's state."""
    lora: LoraSettings | None = None
    """Train an adapter instead of the weights; null trains every weight."""
    merge: bool = False
    """Add the trained adapter to the weights before they are saved, so that the result loads without peft."""
    parameters: str | None = None
    """Regular expression: train only the weights whose name it matches; null for all. Not with an adapter."""

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        if self.lora is not None and self.parameters is not None:
            raise ValueError("Input should have either lora or parameters: an adapter replaces the trained weights")
        if self.merge and self.lora is None:
            raise ValueError("Input should have lora if it has merge: without an adapter there is nothing to merge")
        return self


class TargetSettings(Settings):
    """The teacher of methods that train on targets, and its settings.

    A target is a trace and a response that replace an answer.
    """

    model_config = ConfigDict(extra="allow")

    teacher: str = "template"
    """Registered teacher, which writes a reasoning trace and a response for each forget row."""
    retain_trace: RetainTrace = "own"
    """Trace of retain rows, for methods that train on targets: `own`, the row's own; `none`; `verdict`, the row's own
    with the verdict that the row is out of scope."""
    lift_model: Place | None = None
    """Model that does not know the answers, under which lift is measured: how much a trace helps it to give the answer.
    `retrained` for the suite's retrained model (`./retrained` for a folder of that name); a folder or Hub id for any
    other, which is weaker evidence; null: lift is not measured."""
    lift_at_most: Annotated[float, Ge(0)] | None = None
    """Maximum lift of a target, in nats per token of the answer; above it, a teacher that is a chat model is asked
    again. null: lift is measured and reported, and no target is rejected for it."""

    @model_validator(mode="after")
    def _refuse_limit_without_model(self) -> Self:
        if self.lift_at_most is not None and self.lift_model is None:
            raise ValueError("Input should have lift_model if it has lift_at_most: nothing else measures lift")
        return self


class EvalSettings(Settings):
    """How the result is measured."""

    max_new_tokens: Annotated[int, Gt(0)] | None = None
    """Maximum number of tokens of an output; null for the suite's default."""
    system_prompt: Annotated[str, MinLen(1)] | None = None
    """System message before every question; null for none. The references are measured without it."""
    gradients: bool = True
    """Whether gradient norms are measured for the suites whose membership attacks use them."""


class ReportSettings(Settings):
    """What the report shows."""

    show_forget_text: bool = False
    """Whether the report may contain secrets, and questions and outputs of the forget sets."""


SUITE = PluginSection[Suite](SUITES, ("suite",), own_sections=("data",))
METHOD = PluginSection[Method | Objective](METHODS, ("method",), others=("mask",))
MASK = PluginSection[Localizer](LOCALIZERS, ("method", "mask"))
COMBINER = PluginSection[Combiner](COMBINERS, ("train", "combiner"))
TARGETS = PluginSection[Teacher | ChatTeacher](
    TEACHERS,
    ("targets",),
    others=tuple(name for name in TargetSettings.model_fields if name != "teacher"),
    default=TargetSettings().teacher,
)


class Recipe(Settings):
    """Every setting that decides a run."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
    """Name of the run, and of its folder."""
    seed: Annotated[int, Ge(0), Le(LARGEST_SEED)] = 0
    """Seed of the row order, the wording of targets and newly initialized weights."""
    suite: dict[str, Any]
    """Name of a registered suite, and its settings."""
    data: dict[str, Any] = Field(default_factory=dict)
    """Source of the suite's rows, for a suite that does not make them itself."""
    model: ModelSettings = ModelSettings()
    method: dict[str, Any]
    """Name of a registered method, and its hyper-parameters."""
    targets: TargetSettings = TargetSettings()
    """Name of a registered teacher, and its settings, for methods that train on targets."""
    train: TrainSettings = TrainSettings()
    eval: EvalSettings = EvalSettings()
    diagnose: DiagnoseSettings = DiagnoseSettings()
    gates: tuple[str, ...] = ()
    """Thresholds that the result must meet: `forget.accuracy<=0.03`."""
    report: ReportSettings = ReportSettings()
    out: Place | None = None
    """The run's folder; null for `runs/<name>`."""

    @field_validator("name")
    @classmethod
    def _refuse_reference_name(cls, name: str) -> str:
        if name in REFERENCES:
            raise ValueError(f"Input should be another name: {name!r} is a model that methods are held against")
        return name

    @field_validator("gates")
    @classmethod
    def _parse_gates(cls, gates: tuple[str, ...]) -> tuple[str, ...]:
        """Check the gates, and replace earlier names of metrics."""
        for number, gate in enumerate(gates):
            with at_field("gates", number):
                Gate.parse(gate)
        return tuple(current_gate(gate, warn=False) for gate in gates)

    def earlier_dump(self) -> dict[str, Any]:
        """Dump as JSON values under the earliest names, gates included."""
        earlier = {name: old for old, name in RENAMED_METRICS.items()}
        return {**super().earlier_dump(), "gates": [rename_metrics(gate, earlier) for gate in self.gates]}

    @model_validator(mode="before")
    @classmethod
    def _resolve_plugins(cls, data: Any) -> Any:
        """Fill in the settings of plug-ins that were left out."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        if "suite" in data:
            data["suite"] = SUITE.resolve(_with_data(data["suite"], data.get("data")))
            data["data"] = data["suite"].pop("data", {})
            if "tokenizer" in data["data"] and isinstance(data.get("model"), dict):
                # Documents are cut by the tokens of the model itself, unless the recipe names another tokenizer.
                data["data"]["tokenizer"] = data["data"]["tokenizer"] or data["model"].get("path")
            settings = data.get("eval") or {}
            if isinstance(settings, dict) and settings.get("max_new_tokens") is None:
                longest = SUITES.get(data["suite"]["name"]).plugin.max_new_tokens
                data["eval"] = {**settings, "max_new_tokens": longest}
        if "method" in data:
            data["method"] = METHOD.resolve(data["method"])
            mask = data["method"].pop("mask", None)
            if mask is not None:
                data["method"]["mask"] = MASK.resolve(mask)
        train = data.get("train")
        if isinstance(train, dict) and train.get("combiner") is not None:
            data["train"] = {**train, "combiner": COMBINER.resolve(train["combiner"])}
        data["targets"] = TARGETS.resolve(data.get("targets", {}))
        return data

    @model_validator(mode="after")
    def _refuse_misfits(self) -> Self:
        """Refuse settings that do not fit those of other sections."""
        with at_field("method"):
            method = self.make_method()
            method.needs()
        with at_field("train"):
            self.train.total_steps(1, 1)
        if self.make_localizer() is not None and (not method.can_be_masked or method.from_scratch):
            raise _must_be_null(
                ("method", "mask"),
                self.method["mask"]["name"],
                "the method cannot be restricted to some weights",
                "a method that is an objective, or an edit of the target model",
            )
        combiner = self.train.make_combiner()
        if isinstance(method, ObjectiveMethod) and combiner is not None:
            from unlearnkit.training.combination import tasks_of  # imports torch, which other recipes do not need

            with at_field("train", "combiner"):
                tasks_of(combiner, method.objective)
        if not isinstance(method, ObjectiveMethod):
            every, allowed = self.diagnose.g_effect_every, "a method that is an objective"
            if combiner is not None:
                what = "only an objective has terms whose gradients can be combined"
                raise _must_be_null(("train", "combiner"), type(combiner).__name__, what, allowed)
            if every is not None:
                what = "only an objective has G-effects along its training"
                raise _must_be_null(("diagnose", "g_effect_every"), every, what, allowed)
        if self.train.trace_style == "added" and (isinstance(method, Edit) or self.model.lora is not None):
            what = "an edit adds no tokens to the model"
            if not isinstance(method, Edit):
                what = "an adapter has no embeddings for the tokens that are added"
            allowed = "think, plain; or a method that trains whole weights (model.lora: null)"
            raise _must_be_null(("train", "trace_style"), "added", what, allowed)
        if self.model.path is None and not SUITES.get(self.suite["name"]).plugin.has_models:
            what = "the suite has no target model of its own"
            raise BadField(what, path=("model", "path"), fix="write model.path: a folder or Hub id")
        return self

    @property
    def suite_section(self) -> dict[str, Any]:
        """Name, settings and data of the suite."""
        section: dict[str, Any] = _with_data(self.suite, self.data)
        return section

    def make_suite(self) -> Suite:
        """Create the suite with its settings."""
        return make_suite(self.suite_section)

    def make_method(self) -> Method:
        """Create the method with its settings.

        An objective becomes a method that trains it.
        """
        made = METHOD.make(self.method)
        return ObjectiveMethod(objective=made) if isinstance(made, Objective) else made

    def make_localizer(self) -> Localizer | None:
        """Create the localizer of the weights to change; None for all."""
        mask = self.method.get("mask")
        return None if mask is None else MASK.make(mask)

    def make_teacher(self) -> Teacher | ChatTeacher:
        """Create the teacher that writes the targets, with its settings."""
        return TARGETS.make(self.targets.model_dump())

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self.out) if self.out is not None else Path("runs") / self.name

    def dump(self, *, earlier: bool = False) -> str:
        """Return the recipe as YAML, with every setting.

        Args:
            earlier: whether to use the earliest names of fields and metrics.
        """
        values = self.earlier_dump() if earlier else self.model_dump(mode="json")
        return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)


def load_recipe(path: str | Path, overrides: tuple[str, ...] | list[str] = ()) -> Recipe:
    """Read a recipe from a YAML file.

    Args:
        path: the file. Its stem is the name of a recipe without one.
        overrides: each `dotted.key=value`; the value is YAML too.

    Raises:
        InputError: a field cannot be used; the message says where it was written and what is allowed.
    """
    path = Path(path)
    data, origins = parse(path, overrides)
    data.setdefault("name", path.stem)
    return make_recipe(data, origins)


def make_recipe(data: dict[str, Any], origins: Origins | None = None) -> Recipe:
    """Create a recipe from plain values.

    Args:
        data: the fields.
        origins: where each field was written, for errors.

    Raises:
        InputError: a field cannot be used.
    """
    known = origins or Origins({}, "the recipe")
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise known.placed(bad_field(error, Recipe)) from error
    except BadField as error:
        raise known.placed(error) from error


def make_suite(section: dict[str, Any]) -> Suite:
    """Create the suite of a section with its name, settings and data."""
    return SUITE.make(SUITE.resolve(section))


def suite_section(section: dict[str, Any]) -> dict[str, Any]:
    """Return a suite's section, data included, with every setting."""
    return SUITE.resolve(section)


def recipe_schema() -> dict[str, Any]:
    """Return the JSON Schema of recipes, which offers every registered plug-in."""
    schema = Recipe.model_json_schema()
    definitions, sections = schema["$defs"], schema["properties"]
    for field, section in (("suite", SUITE), ("method", METHOD), ("targets", TARGETS)):
        sections[field] = {"oneOf": section.schemas(definitions), "description": sections[field]["description"]}
    for teacher in sections["targets"]["oneOf"]:
        shared = definitions["TargetSettings"]["properties"]
        teacher["properties"] |= {field: shared[field] for field in TARGETS.others}
    none = {"type": "null"}
    masks = {
        "anyOf": [*MASK.schemas(definitions), none],
        "description": "Name of a registered localizer, and its settings: which weights the method may change.",
    }
    for method in sections["method"]["oneOf"]:
        plugin = METHODS.get(method["properties"]["name"]["const"]).plugin
        if (ObjectiveMethod if issubclass(plugin, Objective) else plugin).can_be_masked:
            method["properties"]["mask"] = masks
    definitions["TrainSettings"]["properties"]["combiner"]["anyOf"] = [*COMBINER.schemas(definitions), none]
    return schema


def _with_data(suite: Any, data: Any) -> Any:
    """Return the suite's section with its data, if there are any."""
    if not isinstance(suite, dict):
        return suite
    if "data" in suite:
        raise BadField(
            "the data has a section of its own", path=("suite", "data"), fix="write `data:` next to `suite:`, not in it"
        )
    return {**suite, "data": data} if data not in (None, {}) else suite


def _must_be_null(path: tuple[str, ...], value: object, what: str, allowed: str) -> BadField:
    fix = f"write {'.'.join(path)}: null"
    return BadField(what, path=path, value=value, allowed=f"null; {allowed}", fix=fix)
