"""Recipe sections that contain the name and settings of a plug-in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from unlearnkit.core.registry import Registry
from unlearnkit.core.settings import Settings
from unlearnkit.core.yaml_source import BadField, at_field, bad_field, dotted, name_key

T = TypeVar("T")


@dataclass(frozen=True)
class PluginSection(Generic[T]):
    """A recipe section that selects and configures a plug-in of type `T`."""

    registry: Registry[Any]
    path: tuple[str, ...]
    """Path of the section in the recipe."""
    others: tuple[str, ...] = ()
    """Fields of the section that are not settings of the plug-in."""
    own_sections: tuple[str, ...] = ()
    """Names of plug-in settings that are not fields of this section, but separate top-level sections of the recipe."""
    default: str | None = None
    """Name of the plug-in to use if the section does not name a plug-in. If None, the section must name a
    plug-in."""

    @property
    def key(self) -> str:
        """Name of the field that contains the plug-in's name."""
        return name_key(self.path[-1])

    def settings(self, section: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of the section that are settings of the plug-in."""
        return {field: value for field, value in section.items() if field not in (self.key, *self.others)}

    def make(self, section: dict[str, Any]) -> T:
        """Create the plug-in that the section names, with the section's settings."""
        made: T = self.registry.get(section[self.key]).plugin(**self.settings(section))
        return made

    def resolve(self, section: Any) -> dict[str, Any]:
        """Return the section with all settings of its plug-in, including defaults.

        Raises:
            BadField: `section` is not a mapping, there is no plug-in of the given name, or a setting cannot be used.
        """
        if not isinstance(section, dict):
            raise BadField(
                "a setting has a value that cannot be used",
                path=self.path,
                value="null" if section is None else section,
                allowed="a section, i.e. settings on indented lines below the name of the section",
                fix=f"write the section as {{{self.key}: {section if isinstance(section, str) else 'NAME'}}}",
            )
        name = section.get(self.key, self.default)
        if not isinstance(name, str):
            raise BadField(
                f"the {self.registry.kind} has no name",
                path=(*self.path, self.key),
                value=name,
                allowed=", ".join(self.registry.names()),
                fix=f"add the field {dotted((*self.path, self.key))}",
            )
        with at_field(*self.path, self.key):
            plugin = _settings_class(self.registry.get(name).plugin)
        try:
            made = plugin.model_validate(self.settings(section))
        except ValidationError as error:
            first = error.errors()[0]["loc"]
            prefix = () if first and first[0] in self.own_sections else self.path
            raise bad_field(error, plugin, prefix, besides=(self.key, *self.others)) from error
        others = {field: section[field] for field in self.others if field in section}
        return {self.key: name, **made.model_dump(mode="json"), **others}

    def schemas(self, definitions: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the JSON Schema of the section for each registered plug-in.

        The definitions that the schemas refer to are added to `definitions`.
        """
        schemas = []
        for name in self.registry.names():
            schema = _settings_class(self.registry.get(name).plugin).model_json_schema()
            definitions.update(schema.pop("$defs", {}))
            schema["properties"] = {self.key: {"const": name}, **schema.get("properties", {})}
            schema["required"] = [*([] if name == self.default else [self.key]), *schema.get("required", [])]
            schemas.append(schema)
        return schemas


def _settings_class(plugin: Any) -> type[BaseModel]:
    """Return the class that validates the plug-in's settings.

    A plug-in that is not a pydantic model has no settings. For such a plug-in, the result is `Settings`.
    """
    return plugin if issubclass(plugin, BaseModel) else Settings
