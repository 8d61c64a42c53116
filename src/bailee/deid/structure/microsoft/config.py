"""A configuration file of Microsoft's anonymizer: read strictly, checked, its expressions parsed once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from bailee.core.entropy import Entropy, SystemEntropy
from bailee.core.errors import Invalid
from bailee.deid.structure.microsoft.errors import ConfigurationInvalid
from bailee.deid.structure.microsoft.fhirpath import Expression, parse
from bailee.deid.structure.microsoft.reach import GENERAL, plain_names, unreachable
from bailee.deid.structure.microsoft.tree import Number, json_text, parse_json

METHODS = ("keep", "redact", "dateshift", "cryptohash", "encrypt", "substitute", "perturb", "generalize")
SCOPES = ("resource", "file", "folder")
PARAMETERS = (
    *("dateShiftKey", "dateShiftScope", "dateShiftFixedOffsetInDays", "cryptoHashKey", "encryptKey", "customSettings"),
    *("enablePartialAgesForRedact", "enablePartialDatesForRedact", "enablePartialZipCodesForRedact"),
    "restrictedZipCodeTabulationAreas",
)
_REMARK = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)
_PATH = re.compile(r"([A-Z][a-zA-Z]*)?(\.)?(.*)", re.DOTALL)
_LOOKUP = re.compile(r"""(nodesByType|nodesByName)\(['|"]([A-Za-z0-9]+)['|"]\)(?:\.([A-Za-z0-9]+))?""")


@dataclass(frozen=True)
class Case:
    """One case of generalize: where the condition holds, the value."""

    condition: Expression
    value: Expression


@dataclass(frozen=True)
class Settings:
    """What belongs to a rule's method."""

    replace_with: Any = None
    span: float = 0.0
    proportional: bool = False
    round_to: int = 2
    cases: tuple[Case, ...] = ()
    keeps_others: bool = False


@dataclass(frozen=True)
class Rule:
    """One line of `fhirPathRules`. `method` is lower case; it may be one that does not exist."""

    number: int
    path: str
    method: str
    type: str  # "" for every type
    expression: Expression | None  # None: the path is only a type, and means the resource itself
    lookup: tuple[str, str, str] | None  # function, type or name, child or "": answered from an index
    settings: Settings
    plain: tuple[str, ...] = ()  # the names of a path that is nothing else

    @property
    def where(self) -> str:
        """Say which rule this is, for errors."""
        return f"rule {self.number}, {self.path}"

    def applies_to(self, resource_type: str) -> bool:
        """Tell whether the rule is tried on resources of a type."""
        return self.type in {"", resource_type} or self.type in GENERAL


@dataclass(frozen=True)
class Parameters:
    """Keys and switches. Keys that the file lacks are drawn at random, so that run cannot be repeated."""

    date_shift_key: str = field(repr=False)
    hash_key: str = field(repr=False)
    encrypt_key: str = field(repr=False)
    date_shift_scope: str = "resource"
    fixed_offset_days: int | None = None
    partial_ages: bool = False
    partial_dates: bool = False
    partial_zips: bool = False
    restricted_zips: tuple[str, ...] = ()


@dataclass(frozen=True)
class Configuration:
    """A checked configuration. `warnings` say what a reader of the file should know."""

    version: str
    skips_failures: bool
    rules: tuple[Rule, ...]
    parameters: Parameters
    warnings: tuple[str, ...]


def read_configuration(content: str | bytes, *, file: str = "", entropy: Entropy | None = None) -> Configuration:
    """Read and check a configuration file. Raises: ConfigurationInvalid, naming the rule or parameter."""
    warnings: list[str] = []
    document = _document(content, file, warnings)
    rules = document.get("fhirPathRules")
    if not isinstance(rules, list):
        raise ConfigurationInvalid("a configuration without fhirPathRules", where=file, remedy="Add a list of rules.")
    version = _version(document, warnings)
    read = tuple(_rule(number, rule, warnings) for number, rule in enumerate(rules, 1))
    parameters = _parameters(document.get("parameters") or {}, entropy or SystemEntropy(), warnings)
    known = {"fhirVersion", "processingErrors", "fhirPathRules", "parameters"}
    warnings += [f"unknown key ignored: {key}" for key in document if key not in known]
    skips = _choice(document, "processingErrors", ("raise", "skip")) == "skip"
    return Configuration(version, skips, read, parameters, tuple(warnings))


def _document(content: str | bytes, file: str, warnings: list[str]) -> Mapping[str, Any]:
    """Parse a file; remarks and a comma after the last item are let pass, as the original tool lets them."""
    try:
        document = parse_json(content)
    except Invalid as error:
        relaxed = _relaxed(content)
        if relaxed is None:
            raise ConfigurationInvalid("a configuration that is not valid JSON", where=error.where or file) from None
        warnings.append("the file is no strict JSON: remarks and last commas were passed over")
        document = relaxed
    if not isinstance(document, dict):
        raise ConfigurationInvalid("a configuration that is not a JSON object", where=file)
    return document


def _relaxed(content: str | bytes) -> Any:
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        for pattern in (_REMARK, _LAST_COMMA):
            text = pattern.sub(lambda found: found[1] or "", text)
        return parse_json(text)
    except (Invalid, UnicodeDecodeError):
        return None


def _version(document: Mapping[str, Any], warnings: list[str]) -> str:
    version = document.get("fhirVersion") or ""
    if not isinstance(version, str) or version.lower() not in {"", "r4", "stu3"}:
        raise ConfigurationInvalid("a fhirVersion that is not supported", remedy="Use R4 or Stu3.")
    if not version:
        warnings.append("fhirVersion is not given; R4 is assumed")
    if version.lower() == "stu3":
        warnings.append("rules for STU3 are applied to R4 resources; elements that R4 does not have match nothing")
    return version


def _choice(document: Mapping[str, Any], key: str, choices: tuple[str, ...]) -> str:
    value = document.get(key)
    if value is None:
        return choices[0]
    if not isinstance(value, str) or value.lower() not in choices:
        raise ConfigurationInvalid(f"{key} has a value that is not supported", remedy=f"Use {' or '.join(choices)}.")
    return value.lower()


def _rule(number: int, document: Any, warnings: list[str]) -> Rule:
    if not isinstance(document, dict) or not all(isinstance(document.get(key), str) for key in ("path", "method")):
        raise ConfigurationInvalid("a rule without path or method", where=f"rule {number}")
    path, method = document["path"], document["method"].lower()
    where = f"rule {number}, {path}"
    if method not in METHODS:
        warnings.append(f"{where}: the method is not known; a resource that reaches this rule is an error")
    found = _PATH.fullmatch(path)
    assert found is not None
    kind, rest = found[1] or "", found[3] or path
    lookup = _LOOKUP.fullmatch(path)
    _expression(path, where)
    expression = None if path == kind else _expression(rest, where)
    indexed = (lookup[1], lookup[2], lookup[3] or "") if lookup else None
    reason = unreachable(kind, expression, indexed)
    if reason:
        warnings.append(f"{where}: can match nothing, {reason}")
    names = plain_names(expression)
    plain = tuple(names) if names and names[0][:1].islower() else ()
    return Rule(number, path, method, kind, expression, indexed, _settings(method, document, where), plain)


def _expression(text: str, where: str) -> Expression:
    try:
        return parse(text)
    except (Invalid, RecursionError) as error:
        what = error.what if isinstance(error, Invalid) else "an expression that is nested too deeply"
        raise ConfigurationInvalid(f"FHIRPath: {what}", where=where) from None


def _settings(method: str, document: Mapping[str, Any], where: str) -> Settings:
    if method == "substitute":
        if "replaceWith" not in document:
            raise ConfigurationInvalid("substitute without replaceWith", where=where)
        return Settings(replace_with=document["replaceWith"])
    if method == "perturb":
        return _perturb_settings(document, where)
    if method == "generalize":
        keeps = _choice(document, "otherValues", ("redact", "keep")) == "keep"
        return Settings(cases=_cases(document, where), keeps_others=keeps)
    return Settings()


def _perturb_settings(document: Mapping[str, Any], where: str) -> Settings:
    span = _decimal(document.get("span"), where, "span")
    round_to = _decimal(document.get("roundTo", 2), where, "roundTo")
    if span < 0 or round_to != int(round_to) or not 0 <= round_to <= 28:
        raise ConfigurationInvalid(
            "perturb out of bounds", where=where, remedy="span is 0 or more, roundTo a whole number from 0 to 28."
        )
    proportional = _choice(document, "rangeType", ("fixed", "proportional")) == "proportional"
    return Settings(span=float(span), round_to=int(round_to), proportional=proportional)


def _decimal(value: Any, where: str, name: str) -> Decimal:
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ConfigurationInvalid(f"{name} is missing or no number", where=where)
    return number


def _cases(document: Mapping[str, Any], where: str) -> tuple[Case, ...]:
    cases = document.get("cases")
    try:
        cases = parse_json(cases) if isinstance(cases, str) and not isinstance(cases, Number) else cases
    except Invalid:
        cases = None
    if not isinstance(cases, dict):
        raise ConfigurationInvalid("generalize without cases", where=where, remedy="Give an object: condition → value.")
    texts = {key: value if isinstance(value, str) else json_text(value) for key, value in cases.items()}
    return tuple(Case(_expression(key, where), _expression(value, where)) for key, value in texts.items())


def _parameters(document: Any, entropy: Entropy, warnings: list[str]) -> Parameters:
    if not isinstance(document, dict):
        raise ConfigurationInvalid("parameters that are not an object")
    warnings += [f"unknown parameter ignored: {key}" for key in document if key not in PARAMETERS]
    if document.get("customSettings"):
        warnings.append("customSettings ignored: they are for methods that a site wrote itself")
    keys = {name: _key(document, name, entropy, warnings) for name in ("dateShiftKey", "cryptoHashKey", "encryptKey")}
    if len(keys["encryptKey"].encode()) not in {16, 24, 32}:
        raise ConfigurationInvalid("encryptKey of a wrong length", remedy="Use 16, 24 or 32 bytes of UTF-8.")
    restricted = document.get("restrictedZipCodeTabulationAreas") or []
    if not isinstance(restricted, list) or not all(isinstance(area, str) for area in restricted):
        raise ConfigurationInvalid("restrictedZipCodeTabulationAreas that are not a list of texts")
    return Parameters(
        keys["dateShiftKey"],
        keys["cryptoHashKey"],
        keys["encryptKey"],
        _choice(document, "dateShiftScope", SCOPES),
        _offset(document.get("dateShiftFixedOffsetInDays")),
        _flag(document, "enablePartialAgesForRedact"),
        _flag(document, "enablePartialDatesForRedact"),
        _flag(document, "enablePartialZipCodesForRedact"),
        tuple(str(area) for area in restricted),
    )


def _key(document: Mapping[str, Any], name: str, entropy: Entropy, warnings: list[str]) -> str:
    value = document.get(name)
    if value is not None and (not isinstance(value, str) or isinstance(value, Number)):
        raise ConfigurationInvalid(f"{name} is not a text")
    if value:
        return value
    warnings.append(f"{name} is not given: a random one is used, and this run cannot be repeated")
    return entropy.token_bytes(16).hex()


def _offset(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, Number) or not re.fullmatch(r"-?\d{1,9}", value):
        raise ConfigurationInvalid("dateShiftFixedOffsetInDays that is no whole number")
    return int(value)


def _flag(document: Mapping[str, Any], name: str) -> bool:
    value = document.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise ConfigurationInvalid(f"{name} is neither true nor false")
