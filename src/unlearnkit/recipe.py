"""The recipe: every setting that determines a run, as one typed value.

A recipe is written as YAML, and every field can be overridden on the command line. Each of the sections `suite`,
`method` and `targets` contains the name of a registered plug-in and the plug-in's settings, which the plug-in's class
validates. The section `data` also belongs to the suite, and specifies where the suite's rows come from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import yaml
from annotated_types import Ge, Gt, Le, MinLen
from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from unlearnkit.core.plugin_section import PluginSection
from unlearnkit.core.settings import LARGEST_SEED, Place, Settings
from unlearnkit.core.yaml_source import BadField, Origins, at_field, bad_field, parse
from unlearnkit.data.augment import AugmentSettings
from unlearnkit.data.vocabulary import REFERENCES
from unlearnkit.gradient_effect.settings import DiagnoseSettings
from unlearnkit.localization.base import LOCALIZERS, Localizer
from unlearnkit.methods.base import METHODS, Edit, Method
from unlearnkit.methods.objective import Objective
from unlearnkit.methods.objective_method import ObjectiveMethod
from unlearnkit.metrics.default_gates import DEFAULT
from unlearnkit.metrics.gates import Gate, current_gate
from unlearnkit.metrics.score_names import RENAMED_METRICS, rename_metrics
from unlearnkit.models.settings import Dtype, LoraSettings
from unlearnkit.runs.state import earlier_suite
from unlearnkit.suites.base import SUITES, Suite
from unlearnkit.targets.base import TEACHERS, Teacher
from unlearnkit.targets.llm_teacher import ChatTeacher
from unlearnkit.targets.retain_trace import RetainTrace
from unlearnkit.training.combiner import COMBINERS, Combiner
from unlearnkit.training.settings import TrainSettings

NEW_DATA_KEYS = frozenset({"columns", "ignore", "retain_held_out", "augment"})
"""Keys of `data` that the first version lacks."""


class ModelSettings(Settings):
    """The model that must forget, and the choice of weights to train."""

    path: Place | None = None
    """Folder or Hub id of the model; null: the suite's target model."""
    dtype: Dtype = "float32"
    """Data type of the weights. The optimizer's state has the same type."""
    lora: LoraSettings | None = None
    """Settings of a LoRA adapter. The adapter is trained instead of the model's own weights. Null: no adapter is
    trained."""
    merge: bool | None = None
    """Whether to merge the trained adapter into the weights before saving, so that the result loads without peft. Null:
    the adapter is merged, if there is one. False: only the adapter is saved. Without the adapter, the base model still
    answers as before."""
    parameters: str | None = None
    """Regular expression for the names of the weights to train; null: all weights are trained. This setting cannot be
    combined with `lora`."""

    @model_validator(mode="before")
    @classmethod
    def _forget_false_without_adapter(cls, data: Any) -> Any:
        """Remove `merge: false` from a recipe without an adapter.

        Earlier versions stored the field in every recipe.
        """
        if isinstance(data, dict) and data.get("lora") is None and data.get("merge") is False:
            return {key: value for key, value in data.items() if key != "merge"}
        return data

    @property
    def saves_adapter(self) -> bool:
        """Whether the result is saved as an adapter."""
        return self.lora is not None and self.merge is False

    def earlier_dump(self) -> dict[str, Any]:
        """Return all fields as JSON values.

        Earlier versions had no null in `merge`: by default, they saved the adapter.
        """
        return {**super().earlier_dump(), "merge": self.lora is not None and self.merge is not False}

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        if self.lora is not None and self.parameters is not None:
            raise ValueError("Input should have lora or parameters, not both: with lora, only the adapter is trained")
        if self.merge and self.lora is None:
            raise ValueError("Input should have lora if merge is true: without an adapter there is nothing to merge")
        return self


class TargetSettings(Settings):
    """The teacher that writes the targets, and the teacher's settings.

    Only methods that train on targets use a teacher. A target consists of a reasoning trace and a response. The
    target replaces the row's answer in training.
    """

    model_config = ConfigDict(extra="allow")

    teacher: str = "template"
    """Name of a registered teacher. The teacher writes a reasoning trace and a response for each forget row."""
    retain_trace: RetainTrace = "own"
    """Reasoning trace of a retain row in training, for methods that train on targets. `own`: the trace in the row;
    `none`: no trace; `verdict`: the trace in the row, followed by the verdict that the row is out of scope."""
    lift_model: Place | None = None
    """Model that measures lift. Lift is how much a target's trace helps a model to predict the answer. The model that
    measures lift should not know the answers. `retrained`: the suite's retrained model (write `./retrained` for a
    folder named `retrained`); a folder or Hub id: another model, whose lift is weaker evidence; null: lift
    is not measured."""
    lift_at_most: Annotated[float, Ge(0)] | None = None
    """Maximum lift of a target, in nats per token of the answer. Lift is the amount by which a target's trace raises
    the log-probability of the answer. If the lift of a target exceeds the maximum, a chat-model teacher is asked to
    write the target again. Null: there is no maximum; lift is still measured with `lift_model` and reported."""

    @model_validator(mode="after")
    def _refuse_limit_without_model(self) -> Self:
        if self.lift_at_most is not None and self.lift_model is None:
            raise ValueError("Input should have lift_model if it has lift_at_most: lift is measured with lift_model")
        return self


class EvalSettings(Settings):
    """Settings for measuring the model after unlearning."""

    max_new_tokens: Annotated[int, Gt(0)] | None = None
    """Maximum number of tokens in an output; null for the suite's default."""
    system_prompt: Annotated[str, MinLen(1)] | None = None
    """System message before every question; null: no system message. The reference models are always measured without a
    system message."""
    gradients: bool = True
    """Whether to measure gradient norms, for suites whose membership attacks use gradient norms."""


class ReportSettings(Settings):
    """Settings of the report."""

    added: ClassVar[frozenset[str]] = frozenset({"show_names"})

    show_forget_text: bool = False
    """Whether the report may show secrets, and the questions and outputs of the forget sets."""
    show_names: bool = False
    """Whether the report may show the names of the subjects to forget. If false, subjects have numbers, and names in
    questions and outputs are withheld."""


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
    """Every setting that determines a run."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
    """Name of the run and of the run's folder."""
    seed: Annotated[int, Ge(0), Le(LARGEST_SEED)] = 0
    """Seed for the order of the rows, the wording of the targets, and newly initialized weights."""
    suite: dict[str, Any]
    """Name of a registered suite, and the suite's settings."""
    data: dict[str, Any] = Field(default_factory=dict)
    """Source of the suite's rows, for a suite that does not generate its own rows. The field `augment` belongs to every
    suite: the settings of scope augmentation (`AugmentSettings`), or null for no composed rows."""
    model: ModelSettings = ModelSettings()
    method: dict[str, Any]
    """Name of a registered method, and the method's hyperparameters."""
    targets: TargetSettings = TargetSettings()
    """Name of a registered teacher, and the teacher's settings, for methods that train on targets."""
    train: TrainSettings = TrainSettings()
    eval: EvalSettings = EvalSettings()
    diagnose: DiagnoseSettings = DiagnoseSettings()
    gates: tuple[str, ...] = (DEFAULT,)
    """Thresholds that the scores of the unlearned model must meet, for example `forget.accuracy<=0.03`. The entry
    `default` stands for gates on what the model still tells if its output is begun for it."""
    report: ReportSettings = ReportSettings()
    out: Place | None = None
    """The run's folder; null for `runs/<name>`."""

    @field_validator("name")
    @classmethod
    def _refuse_reference_name(cls, name: str) -> str:
        if name in REFERENCES:
            raise ValueError(f"Input should be a name other than {name!r}, which is reserved for a reference model")
        return name

    @field_validator("gates")
    @classmethod
    def _parse_gates(cls, gates: tuple[str, ...]) -> tuple[str, ...]:
        """Check the gates, and replace old metric names with current ones."""
        for number, gate in enumerate(gates):
            if gate.strip() != DEFAULT:
                with at_field("gates", number):
                    Gate.parse(gate)
        return tuple(current_gate(gate, warn=False) for gate in gates)

    def earlier_dump(self) -> dict[str, Any]:
        """Return the recipe as JSON values; renamed fields have their earlier names.

        Renamed metrics in the gates get their earlier names, too. TRU has its earlier setting `scope_weight`, which is
        now gone, with the value that has no effect. Keys of `data` that are new in this version are left out if they
        are empty, and so are new fields of the suite if they have the meaning of earlier versions.
        """
        earlier = {name: old for old, name in RENAMED_METRICS.items()}
        values = super().earlier_dump()
        data = {key: value for key, value in values["data"].items() if value or key not in NEW_DATA_KEYS}
        suite, method = earlier_suite(values["suite"]), values["method"]
        if method["name"] == "tru":
            method = {**method, "scope_weight": 0.0, **({"mask": method["mask"]} if "mask" in method else {})}
        gates = [rename_metrics(gate, earlier) for gate in self.gates]
        return {**values, "suite": suite, "data": data, "method": method, "gates": gates}

    @model_validator(mode="before")
    @classmethod
    def _resolve_plugins(cls, data: Any) -> Any:
        """Add the default of every plug-in setting that the recipe omits."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        if "suite" in data:
            own, augment = _without_augment(data.get("data"))
            data["suite"] = SUITE.resolve(_with_data(data["suite"], own))
            data["data"] = {**data["suite"].pop("data", {}), "augment": _augment_section(augment)}
            if "tokenizer" in data["data"] and isinstance(data.get("model"), dict):
                # Documents are split with the model's own tokenizer, unless the recipe names a tokenizer.
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
        """Raise an error if settings of different sections contradict each other."""
        with at_field("method"):
            method = self.make_method()
            method.needs()
        with at_field("train"):
            self.train.total_steps(1, 1)
        if self.make_localizer() is not None and (not method.can_be_masked or method.from_scratch):
            raise _must_be_null(
                ("method", "mask"),
                self.method["mask"]["name"],
                "this method cannot be restricted to a part of the weights",
                "unless the method is an objective or an edit of the target model",
            )
        combiner = self.train.make_combiner()
        if isinstance(method, ObjectiveMethod) and combiner is not None:
            from unlearnkit.training.combination import tasks_of  # imported here because it needs torch

            with at_field("train", "combiner"):
                tasks_of(combiner, method.objective)
        if not isinstance(method, ObjectiveMethod):
            every, allowed = self.diagnose.g_effect_every, "unless the method is an objective"
            if combiner is not None:
                what = "gradients can be combined only if the method is an objective, and this method is not"
                raise _must_be_null(("train", "combiner"), type(combiner).__name__, what, allowed)
            if every is not None:
                what = "G-effects can be measured during training only if the method is an objective"
                raise _must_be_null(("diagnose", "g_effect_every"), every, what, allowed)
        if self.train.trace_style == "added" and (isinstance(method, Edit) or self.model.lora is not None):
            what = "a method that edits weights cannot add the trace tokens to the model"
            if not isinstance(method, Edit):
                what = "an adapter cannot train embeddings for the added trace tokens"
            allowed = "think or plain; added needs a method that trains all weights, and model.lora: null"
            raise _must_be_null(("train", "trace_style"), "added", what, allowed)
        if self.model.path is None and not SUITES.get(self.suite["name"]).plugin.has_models:
            what = "the recipe names no model, and the suite provides none"
            raise BadField(what, path=("model", "path"), fix="set model.path to a folder or Hub id")
        return self

    @property
    def suite_section(self) -> dict[str, Any]:
        """The suite's name, settings and data."""
        section: dict[str, Any] = _with_data(self.suite, _without_augment(self.data)[0])
        return section

    @property
    def augment(self) -> AugmentSettings | None:
        """The settings of scope augmentation; None if no rows are composed."""
        section = self.data.get("augment")
        return None if section is None else AugmentSettings.model_validate(section)

    def make_suite(self) -> Suite:
        """Create the recipe's suite."""
        return make_suite(self.suite_section)

    def make_method(self) -> Method:
        """Create the recipe's method.

        If the recipe names an objective, an `ObjectiveMethod` that minimizes the objective is returned.
        """
        made = METHOD.make(self.method)
        return ObjectiveMethod(objective=made) if isinstance(made, Objective) else made

    def make_localizer(self) -> Localizer | None:
        """Create the localizer, which selects the weights that may change.

        Returns:
            The localizer; None if the recipe has no mask, so that all weights may change.
        """
        mask = self.method.get("mask")
        return None if mask is None else MASK.make(mask)

    def make_teacher(self) -> Teacher | ChatTeacher:
        """Create the teacher that writes the targets."""
        return TARGETS.make(self.targets.model_dump())

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self.out) if self.out is not None else Path("runs") / self.name

    def dump(self, *, earlier: bool = False) -> str:
        """Return the recipe as YAML, with every setting written out.

        Args:
            earlier: whether to write the earlier names of renamed fields and metrics instead of the current names.
        """
        values = self.earlier_dump() if earlier else self.model_dump(mode="json")
        return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)


def load_recipe(path: str | Path, overrides: tuple[str, ...] | list[str] = ()) -> Recipe:
    """Read a recipe from a YAML file.

    Args:
        path: the YAML file. If the recipe has no `name`, the file's name without its suffix is used.
        overrides: values for single fields, each as `dotted.key=value`, where the value is YAML.

    Raises:
        InputError: a field is invalid. The message says where the field was set and which values are allowed.
    """
    path = Path(path)
    data, origins = parse(path, overrides)
    data.setdefault("name", path.stem)
    return make_recipe(data, origins)


def make_recipe(data: dict[str, Any], origins: Origins | None = None) -> Recipe:
    """Create a recipe from plain values.

    Args:
        data: the recipe's fields.
        origins: the place where each field was set, for error messages.

    Raises:
        InputError: a field is invalid.
    """
    known = origins or Origins({}, "the recipe")
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        raise known.placed(bad_field(error, Recipe)) from error
    except BadField as error:
        raise known.placed(error) from error


def make_suite(section: dict[str, Any]) -> Suite:
    """Create a suite from a recipe section with name, settings and data."""
    return SUITE.make(SUITE.resolve(section))


def suite_section(section: dict[str, Any]) -> dict[str, Any]:
    """Return a suite's recipe section, with `data` and all defaults."""
    return SUITE.resolve(section)


def recipe_schema() -> dict[str, Any]:
    """Return the JSON Schema of recipes, including every registered plug-in."""
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
        "description": "Name of a registered localizer, and the localizer's settings. The localizer selects the "
        "weights that the method may change.",
    }
    for method in sections["method"]["oneOf"]:
        plugin = METHODS.get(method["properties"]["name"]["const"]).plugin
        if (ObjectiveMethod if issubclass(plugin, Objective) else plugin).can_be_masked:
            method["properties"]["mask"] = masks
    definitions["TrainSettings"]["properties"]["combiner"]["anyOf"] = [*COMBINER.schemas(definitions), none]
    return schema


def _without_augment(data: Any) -> tuple[Any, Any]:
    """Split the section `data` into the suite's part and the field `augment`."""
    if not isinstance(data, dict):
        return data, None
    return {key: value for key, value in data.items() if key != "augment"}, data.get("augment")


def _augment_section(section: Any) -> dict[str, Any] | None:
    """Return the field `data.augment` with all defaults."""
    if section is None:
        return None
    try:
        return AugmentSettings.model_validate(section).model_dump(mode="json")
    except ValidationError as error:
        raise bad_field(error, AugmentSettings, ("data", "augment")) from error


def _with_data(suite: Any, data: Any) -> Any:
    """Return the section `suite`, with a nonempty section `data` added."""
    if not isinstance(suite, dict):
        return suite
    if "data" in suite:
        raise BadField(
            "the section `data` is inside the section `suite`",
            path=("suite", "data"),
            fix="move `data:` to the top level of the recipe, next to `suite:`",
        )
    return {**suite, "data": data} if data not in (None, {}) else suite


def _must_be_null(path: tuple[str, ...], value: object, what: str, allowed: str) -> BadField:
    fix = f"set {'.'.join(path)}: null"
    return BadField(what, path=path, value=value, allowed=f"null, {allowed}", fix=fix)
