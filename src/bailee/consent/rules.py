"""One rule of consent, one record as a rule sees it, and whether the one covers the other.

Every criterion of a rule is a set, and an empty set means any. What is unknown about a record counts against
leaving: it is covered by a refusal and not by a permission.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from bailee.consent.labels import CATEGORY, WITHOUT_LABEL, is_high
from bailee.consent.purposes import covered_by, touched_by
from bailee.core.clock import iso_from_ms
from bailee.core.errors import Invalid
from bailee.core.grants import BEGINNING_MS, FOREVER_MS, IDENTIFIABILITIES, Ask, lies_in

Effect = Literal["permit", "deny"]
Layer = Literal["law", "admin", "patient"]
_EMPTY: frozenset[str] = frozenset()
_SETS = (
    "purposes",
    "recipients",
    "projects",
    "regions",
    "identifiability",
    "actions",
    "classes",
    "codes",
    "labels",
    "data",
)


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What may or may not leave, for whom and for what, and the exceptions inside it.

    Where an exception covers a record, it answers in the rule's place; among exceptions a refusal wins. Raises:
    Invalid for anything outside of the vocabulary: such a rule cannot be made. Units: milliseconds since the epoch.
    """

    id: str
    effect: Effect
    layer: Layer
    not_before: int = 0
    not_after: int = FOREVER_MS  # the first moment at which it no longer holds
    purposes: frozenset[str] = _EMPTY  # ActReason codes
    recipients: frozenset[str] = _EMPTY  # names by which a recipient may be meant
    projects: frozenset[str] = _EMPTY  # agreements or requests
    regions: frozenset[str] = _EMPTY
    identifiability: frozenset[str] = _EMPTY
    actions: frozenset[str] = _EMPTY
    classes: frozenset[str] = _EMPTY  # resource types, or "system|code" of a kind of document
    codes: frozenset[str] = _EMPTY  # "system|code"
    labels: frozenset[str] = _EMPTY  # see `labels`
    data: frozenset[str] = _EMPTY  # "instance:Type/id", "related:…", "dependents:…", "authoredby:…"
    data_from: int = BEGINNING_MS  # when what the record tells of happened
    data_until: int = FOREVER_MS
    exceptions: tuple[Rule, ...] = ()
    code: Literal["E-DENY", "E-INPUT", "E-OPTOUT", "E-OPTOUT-STALE"] = "E-DENY"  # reported where it refuses
    revision: str = ""
    artifact_sha256: str = ""  # the signed form that it rests on

    def __post_init__(self) -> None:
        """Refuse what decoding would refuse, for rules that are made in Python."""
        fits = (
            self.effect in {"permit", "deny"}
            and self.layer in {"law", "admin", "patient"}
            and not (self.layer == "law" and self.effect == "permit")
            and type(self.id) is str
            and self.id
            and self.identifiability <= IDENTIFIABILITIES
            and all(type(value) is int for value in (self.not_before, self.not_after, self.data_from, self.data_until))
            and all(type(getattr(self, name)) is frozenset for name in _SETS)
            and all(type(word) is str and word for name in _SETS for word in getattr(self, name))
        )
        if not fits:
            raise Invalid("a rule with something outside of its vocabulary", remedy="docs/consent.md lists the words.")


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One record as rules see it. None means unknown. Units: milliseconds since the epoch."""

    reference: str  # "Condition/17"
    type: str
    patients: tuple[str, ...]  # whose it is; none for what is nobody's, such as an Organization
    codes: frozenset[str] | None  # "system|code" that say what it is
    mentions: frozenset[str] | None  # every "system|code" in it
    labels: frozenset[str] | None
    happened: tuple[int, int] | None  # first moment, and the first after the last
    refers_to: frozenset[str] | None
    referred_by: frozenset[str] | None

    def __post_init__(self) -> None:
        """Hold the types, since a wrong one would compare as different and slip past a refusal."""
        sets = (self.codes, self.mentions, self.labels, self.refers_to, self.referred_by)
        fits = (
            type(self.reference) is str
            and type(self.type) is str
            and type(self.patients) is tuple
            and all(type(one) is str and one for one in self.patients)
            and all(one is None or (type(one) is frozenset and all(type(word) is str for word in one)) for one in sets)
            and (self.happened is None or (type(self.happened) is tuple and _is_window(self.happened)))
        )
        if not fits:
            raise Invalid("a record with something outside of its vocabulary", remedy="Pass None for what is unknown.")

    @property
    def categories(self) -> frozenset[str]:
        """Give the names of the sensitivity categories that it is known to belong to."""
        return frozenset(word.removeprefix(CATEGORY) for word in self.labels or () if word.startswith(CATEGORY))


class Outcome(msgspec.Struct, frozen=True):
    """What a rule says of a record: its effect, and the labels that a permission named."""

    effect: Effect
    labels: frozenset[str]


def outcome(rule: Rule, ask: Ask, item: Item, at_ms: int) -> Outcome | None:
    """Tell what a rule says of a record for an ask at a moment, or None if it says nothing. Pure."""
    if not applies(rule, ask, at_ms) or not covers(rule, item):
        return None
    if not rule.exceptions:
        return Outcome(rule.effect, rule.labels)
    found = [one for one in (outcome(inner, ask, item, at_ms) for inner in rule.exceptions) if one is not None]
    if not found:
        return Outcome(rule.effect, rule.labels)
    if any(one.effect == "deny" for one in found):
        return Outcome("deny", _EMPTY)
    return Outcome("permit", frozenset().union(*(one.labels for one in found)))


def applies(rule: Rule, ask: Ask, at_ms: int) -> bool:
    """Tell whether a rule speaks of this ask at this moment, whatever the record."""
    if not rule.not_before <= at_ms < rule.not_after:
        return False
    return _refuses_ask(rule, ask) if rule.effect == "deny" else _permits_ask(rule, ask)


def covers(rule: Rule, item: Item) -> bool:
    """Tell whether a rule speaks of this record, whatever the ask."""
    return _refuses_item(rule, item) if rule.effect == "deny" else _permits_item(rule, item)


def needs_record(rule: Rule) -> bool:
    """Tell whether a rule's own criteria, exceptions aside, depend on the record."""
    return bool(
        rule.classes
        or rule.codes
        or rule.labels
        or rule.data
        or rule.data_from > BEGINNING_MS
        or rule.data_until < FOREVER_MS
    )


class Reach(msgspec.Struct, frozen=True):
    """What a rule says of a patient before any record is seen."""

    whole: Effect | None  # of every record, or None
    depends: bool = False  # of some records, perhaps


SILENT = Reach(None)


def reach(rule: Rule, ask: Ask, at_ms: int) -> Reach:
    """Tell what a rule says of all of a patient's records at once. Agrees with `outcome` on every record."""
    if not applies(rule, ask, at_ms):
        return SILENT
    inner = [reach(one, ask, at_ms) for one in rule.exceptions]
    if any(one.whole == "deny" for one in inner):
        found = Reach("deny")
    elif any(one.depends for one in inner):
        found = Reach(None, depends=True)
    elif any(one.whole == "permit" for one in inner):
        found = Reach("permit")
    else:
        found = Reach(rule.effect)
    return Reach(None, depends=True) if needs_record(rule) else found


def has_refusal(rule: Rule) -> bool:
    """Tell whether a rule refuses anything anywhere in it."""
    return rule.effect == "deny" or any(has_refusal(one) for one in rule.exceptions)


def has_permission(rule: Rule) -> bool:
    """Tell whether a rule permits anything anywhere in it."""
    return rule.effect == "permit" or any(has_permission(one) for one in rule.exceptions)


def criteria_in_words(rule: Rule) -> list[str]:
    """Say a rule's own criteria, a line each; nothing for what is not limited."""
    lines = [f"{name}: {', '.join(sorted(getattr(rule, name)))}" for name in _SETS if getattr(rule, name)]
    if rule.not_before > 0 or rule.not_after < FOREVER_MS:
        lines.append(f"from {_moment(rule.not_before)} until {_moment(rule.not_after)}")
    if rule.data_from > BEGINNING_MS or rule.data_until < FOREVER_MS:
        lines.append(f"about what happened from {_moment(rule.data_from)} until {_moment(rule.data_until)}")
    return lines


def _moment(at_ms: int) -> str:
    return {FOREVER_MS: "ever", BEGINNING_MS: "the beginning"}.get(at_ms) or iso_from_ms(at_ms)


def _refuses_ask(rule: Rule, ask: Ask) -> bool:
    return not (
        (rule.purposes and touched_by(rule.purposes).isdisjoint(ask.purposes))
        or (rule.recipients and rule.recipients.isdisjoint(ask.aliases))
        or (rule.projects and ask.agreement not in rule.projects and ask.request not in rule.projects)
        or (rule.identifiability and ask.identifiability not in rule.identifiability)
        or (rule.actions and rule.actions.isdisjoint(ask.actions))
        or (rule.regions and not _regions_touch(rule.regions, ask.regions))
    )


def _permits_ask(rule: Rule, ask: Ask) -> bool:
    return not (
        (rule.purposes and not ask.purposes <= covered_by(rule.purposes))
        or (rule.recipients and rule.recipients.isdisjoint(ask.aliases))
        or (rule.projects and ask.agreement not in rule.projects and ask.request not in rule.projects)
        or (rule.identifiability and ask.identifiability not in rule.identifiability)
        or (rule.actions and "disclose" not in rule.actions)
        or (rule.regions and not all(lies_in(region, rule.regions) for region in ask.regions))
    )


def _regions_touch(ours: frozenset[str], theirs: frozenset[str]) -> bool:
    return any(lies_in(region, ours) for region in theirs) or any(lies_in(region, theirs) for region in ours)


def _refuses_item(rule: Rule, item: Item) -> bool:
    if not needs_record(rule):
        return True
    return not (
        (rule.classes and item.type not in rule.classes and _apart(rule.classes, item.mentions))
        or (rule.codes and _apart(rule.codes, item.mentions))
        or (rule.labels and item.labels is not None and rule.labels.isdisjoint(item.labels or WITHOUT_LABEL))
        or (rule.data and not _data_touches(rule.data, item))
        or not _happened_touches(rule, item)
    )


def _permits_item(rule: Rule, item: Item) -> bool:
    if not needs_record(rule):
        return True
    return not (
        (rule.classes and item.type not in rule.classes and (item.codes is None or rule.classes.isdisjoint(item.codes)))
        or (rule.codes and (item.codes is None or rule.codes.isdisjoint(item.codes)))
        or (rule.labels and not _labels_permit(rule.labels, item.labels))
        or (rule.data and not _data_permits(rule.data, item))
        or not _happened_inside(rule, item)
    )


def _apart(ours: frozenset[str], theirs: frozenset[str] | None) -> bool:
    """Tell that sets surely have nothing in common; an unknown one may have."""
    return theirs is not None and ours.isdisjoint(theirs)


def _labels_permit(ours: frozenset[str], theirs: frozenset[str] | None) -> bool:
    """Permit where a label is shared and no category is left that the rule does not name."""
    if theirs is None or ours.isdisjoint(theirs or WITHOUT_LABEL):
        return False
    return is_high(ours) or all(word in ours for word in theirs if word.startswith(CATEGORY))


def _data_touches(data: frozenset[str], item: Item) -> bool:
    for token in data:
        meaning, _, reference = token.partition(":")
        if meaning != "authoredby" and reference == item.reference:
            return True
        if meaning == "related" and (item.referred_by is None or reference in item.referred_by):
            return True
        if meaning in {"dependents", "authoredby"} and (item.refers_to is None or reference in item.refers_to):
            return True
    return False


def _data_permits(data: frozenset[str], item: Item) -> bool:
    known = item.refers_to is not None and item.referred_by is not None
    return known and _data_touches(data, item)


def _happened_touches(rule: Rule, item: Item) -> bool:
    return item.happened is None or (item.happened[0] < rule.data_until and rule.data_from < item.happened[1])


def _happened_inside(rule: Rule, item: Item) -> bool:
    if rule.data_from <= BEGINNING_MS and rule.data_until >= FOREVER_MS:
        return True
    return item.happened is not None and rule.data_from <= item.happened[0] and item.happened[1] <= rule.data_until


def _is_window(value: tuple[object, ...]) -> bool:
    return len(value) == 2 and all(type(one) is int for one in value)
