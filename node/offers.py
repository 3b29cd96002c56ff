"""What an agent offers: its capabilities, each with the attributes that it tells of it.

A program gives names, or names with attributes; the command line writes `translate,version=2.1,tags=fr,tags=de`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from ..nat.relay.offer import RESERVED_PREFIX
from ..wire.attributes import HINT, Value, checked
from ..wire.errors import ConfigError

Capabilities: TypeAlias = Iterable[str] | Mapping[str, Mapping[str, object]]
Offers: TypeAlias = dict[str, dict[str, Value]]

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def offers_of(capabilities: Capabilities) -> Offers:
    """Return capabilities in lower case, each with its attributes; raises ConfigError that names the one at fault."""
    given = (
        capabilities if isinstance(capabilities, Mapping) else {capability: {} for capability in capabilities}
    )
    for capability in given:
        if capability.lower().startswith(RESERVED_PREFIX):
            raise ConfigError(
                "capability", f"{capability!r} is for nodes to use", f"a name without {RESERVED_PREFIX}"
            )
    return {capability.lower(): checked_of(capability, given[capability]) for capability in given}


def checked_of(capability: str, attributes: Mapping[str, object]) -> dict[str, Value]:
    """Return the attributes of one capability as they are published; an error says whose they are."""
    try:
        return checked(attributes)
    except ConfigError as error:
        raise ConfigError(f"{capability}: {error.field}", error.problem, error.hint) from None


def parse_offer(text: str) -> tuple[str, dict[str, object]]:
    """Read a capability as the command line writes it; a name given twice makes a list. Raises ConfigError."""
    capability, *assignments = (part.strip() for part in text.split(","))
    if not capability or "=" in capability:
        raise ConfigError(
            "capability", f"{text!r} does not begin with its name", "as in translate,version=2.1"
        )
    attributes: dict[str, object] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise ConfigError(capability, f"{assignment!r} is no NAME=VALUE", HINT)
        before = attributes.get(name)
        if name == "tags" or before is not None:
            attributes[name] = [*(before if isinstance(before, list) else [before] if before else []), value]
        else:
            attributes[name] = _value(name, value)
    return capability, attributes


def _value(name: str, text: str) -> object:
    if name == "version" or not NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)
