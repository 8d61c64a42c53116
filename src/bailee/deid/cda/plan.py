"""A profile checked against the classes of CDA R2, and which of its rules decides an element or an attribute."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from bailee.deid.formats.rules import Rule, RuleSet, rules_from_text, shipped_rules
from bailee.records.cda.model import DATA_TYPES, classes, types

KIND: Final = "ccda"
METHODS: Final = frozenset(
    [
        "inside",
        "copy",
        "remove",
        "mask",
        "keep",
        "code",
        "coded",
        "number",
        "date",
        "unit",
        "year",
        "birth-year",
        "shift",
        "zip3",
        "id",
        "pseudonym",
        "address",
        "text",
        "words",
        "narrative",
        "file",
        "name",
        "link",
    ]
)
_PATH: Final = re.compile(r"([A-Za-z][\w.]*)?(?:\.((?:sdtc:)?[A-Za-z]\w*)|@((?:sdtc:|xsi:)?[A-Za-z]+))?", re.ASCII)
_PARTS: Final = frozenset(
    [
        "delimiter",
        "country",
        "state",
        "county",
        "city",
        "postalCode",
        "houseNumber",
        "houseNumberNumeric",
        "direction",
        "streetName",
        "streetNameBase",
        "streetNameType",
        "additionalLocator",
        "unitID",
        "unitType",
        "careOf",
        "censusTract",
        "streetAddressLine",
        "deliveryAddressLine",
        "deliveryInstallationType",
        "deliveryInstallationArea",
        "deliveryInstallationQualifier",
        "deliveryMode",
        "deliveryModeIdentifier",
        "buildingNumberSuffix",
        "postBox",
        "precinct",
        "useablePeriod",
    ]
)


@dataclass(frozen=True, repr=False)
class Plan:
    """A profile, ready."""

    rules: RuleSet
    _met: dict[tuple[str, str], Rule | None] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Plan({self.rules.name})"

    def element(self, owner: str, name: str, kind: str) -> Rule | None:
        """Give the rule for an element of a class: its own, its type's, or the one for all; None: it does not leave."""
        key = (f"{owner}.{name}", kind)
        if key not in self._met:
            self._met[key] = self._first(key[0], kind, "*")
        return self._met[key]

    def attribute(self, kind: str, name: str) -> Rule | None:
        """Give the rule for an attribute: of the type's, or of all types'."""
        key = (f"{kind}@{name}", "")
        if key not in self._met:
            self._met[key] = self._first(key[0], f"@{name}")
        return self._met[key]

    def _first(self, *paths: str) -> Rule | None:
        return next((self.rules.rules[path] for path in paths if path in self.rules.rules), None)


@cache
def shipped_plan(name: str) -> Plan:
    """Give one of Bailee's own profiles. Raises: UserError if there is none of that name."""
    return Plan(shipped_rules(KIND, name, METHODS, wrong_path))


def plan_from_text(text: str, *, name: str, file: str) -> Plan:
    """Make a plan of a site's own profile. Raises: UserError naming file and line for what CDA does not have."""
    return Plan(rules_from_text(text, KIND, METHODS, wrong_path, name=name, file=file))


def wrong_path(path: str) -> str:
    """Tell what is wrong with a rule's path; "" if CDA has such a thing."""
    if path == "*":
        return ""
    whole = path in types() or path in classes()
    owner, element, attribute = (path, None, None) if whole else _parted(path)
    if owner is None and attribute is None:
        return f"{path} is no path: write Patient, Patient.name, TS, TS@value or @classCode"
    if owner and owner not in types() and owner not in classes():
        return f"CDA has no class or data type {owner}"
    if element and element not in (_PARTS if owner == "AD" else classes().get(owner or "", {})):
        return f"{path}: {owner} has no element {element}"
    return ""


def _parted(path: str) -> tuple[str | None, str | None, str | None]:
    owner, _, attribute = path.partition("@")
    if attribute:
        return owner or None, None, attribute
    owner, _, element = path.rpartition(".")
    return (owner, element, None) if _PATH.fullmatch(path) and owner else (None, None, None)


def is_data_type(kind: str) -> bool:
    """Tell a data type from a class of acts, roles and entities."""
    return kind in DATA_TYPES or kind not in classes()
