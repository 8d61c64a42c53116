"""Rules and grants as policies in Cedar: a third reading, which another engine evaluates.

Cedar skips a policy that fails, so every policy is checked against a schema, and any error in an answer is a refusal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from bailee.consent.rules import Item, Rule
from bailee.core.grants import Ask

PURPOSES = {"CLINTRCH": "HRESCH", "HRESCH": "PurposeOfUse", "HMARKT": "PurposeOfUse", "PurposeOfUse": None}
REGIONS = {"US-MN": "US", "US": None, "DE": None}
CATEGORIES = ("hiv", "substance-use", "psychotherapy")
SCHEMA = """
entity Purpose in [Purpose];
entity Region in [Region];
entity Partner;
entity Record = {
    reference: String, kind: String,
    knows_codes: Bool, codes: Set<String>, knows_mentions: Bool, mentions: Set<String>,
    knows_labels: Bool, labels: Set<String>, knows_time: Bool, first: Long, after: Long,
    knows_refers: Bool, refers: Set<String>, knows_referred: Bool, referred: Set<String>,
};
action release appliesTo {
    principal: [Partner], resource: [Record],
    context: {
        at: Long, purpose: Purpose, region: Region, aliases: Set<String>, agreement: String, request: String,
        identifiability: String, actions: Set<String>, kinds: Set<String>,
    },
};
"""
_TIMED = (-(2**53 - 1), 2**53 - 1)


def policies_of(rules: Iterable[Rule], grant: dict[str, Any]) -> str:
    """Write the policies of one patient under one grant."""
    said = list(rules)
    opened = "context.at >= 10 && context.at < 1000 && context.kinds.contains(resource.kind)"
    own = [one for one in said if one.layer == "patient"]
    permits = [permits_if(one) for one in own] if grant["needs_permit"] else ["true"]
    lines = [f"permit(principal, action, resource) when {{ {opened} && {text} }};" for text in permits]
    lines += [f"forbid(principal, action, resource) when {{ {denies_if(one)} }};" for one in said]
    if grant["special"] or grant["leaves_out"]:
        lines.append("forbid(principal, action, resource) when { !resource.knows_labels };")
    for name in sorted(grant["leaves_out"]):
        lines.append(f"forbid(principal, action, resource) when {{ {_has(name)} }};")
    for name in sorted(grant["special"]):
        named = " || ".join(["false", *(names_if(one, f"category:{name}") for one in own)])
        lines.append(f"forbid(principal, action, resource) when {{ {_has(name)} }} unless {{ {named} }};")
    return "\n".join(lines)


def request_of(ask: Ask, item: Item, at_ms: int) -> dict[str, Any]:
    """Write one question. The record is an entity of its own."""
    (purpose,), (region,) = ask.purposes, ask.regions
    return {
        "principal": 'Partner::"p"',
        "action": 'Action::"release"',
        "resource": f"Record::{_text(_name(item))}",
        "context": {
            "at": at_ms,
            "purpose": {"__entity": {"type": "Purpose", "id": purpose}},
            "region": {"__entity": {"type": "Region", "id": region}},
            "aliases": sorted(ask.aliases),
            "agreement": ask.agreement,
            "request": ask.request,
            "identifiability": ask.identifiability,
            "actions": sorted(ask.actions),
            "kinds": sorted(ask.types),
        },
    }


def entities_of(items: Iterable[Item]) -> list[dict[str, Any]]:
    """Write the hierarchies and the records."""
    found = [_node("Purpose", name, above) for name, above in PURPOSES.items()]
    found += [_node("Region", name, above) for name, above in REGIONS.items()]
    return found + [_record(item) for item in items]


def denies_if(rule: Rule) -> str:
    """Write when a rule refuses."""
    inner = " || ".join(["false", *(denies_if(one) for one in rule.exceptions)])
    own = _not_any(permits_if(one) for one in rule.exceptions) if rule.effect == "deny" else "false"
    return f"({_speaks(rule)} && (({inner}) || ({own})))"


def permits_if(rule: Rule) -> str:
    """Write when a rule permits."""
    return f"({_speaks(rule)} && {_unrefused(rule)} && ({_some_permit(rule)}))"


def names_if(rule: Rule, label: str) -> str:
    """Write when a rule permits and what permitted names a label: the rule, or those exceptions that answered for it."""
    inner = " || ".join(["false", *(names_if(one, label) for one in rule.exceptions)])
    silent = _not_any(permits_if(one) for one in rule.exceptions)
    own = silent if rule.effect == "permit" and label in rule.labels else "false"
    return f"({_speaks(rule)} && {_unrefused(rule)} && (({inner}) || ({own})))"


def _unrefused(rule: Rule) -> str:
    return f"({_not_any(denies_if(one) for one in rule.exceptions)})"


def _some_permit(rule: Rule) -> str:
    return " || ".join(["true" if rule.effect == "permit" else "false", *(permits_if(one) for one in rule.exceptions)])


def _not_any(texts: Iterable[str]) -> str:
    return f"!({' || '.join(['false', *texts])})"


def _speaks(rule: Rule) -> str:
    window = f"context.at >= {rule.not_before} && context.at < {rule.not_after}"
    parts = _refusal(rule) if rule.effect == "deny" else _permission(rule)
    return f"({' && '.join([window, *parts])})"


def _refusal(rule: Rule) -> list[str]:
    found = _of_ask(rule)
    if rule.purposes:
        found.append(
            _any(
                f"context.purpose in {_entity('Purpose', p)} || {_entity('Purpose', p)} in context.purpose"
                for p in rule.purposes
            )
        )
    if rule.regions:
        found.append(
            _any(
                f"context.region in {_entity('Region', r)} || {_entity('Region', r)} in context.region"
                for r in rule.regions
            )
        )
    if rule.actions:
        found.append(f"context.actions.containsAny({_set(rule.actions)})")
    if rule.classes:
        found.append(_any([_kind(rule), _meets("mentions", rule.classes)]))
    if rule.codes:
        found.append(_any([_meets("mentions", rule.codes)]))
    if rule.labels:
        found.append(_any([_meets("labels", rule.labels)]))
    if rule.data:
        found.append(_any(_token(token, unknown=True) for token in rule.data))
    if _is_timed(rule):
        found.append(
            f"(!resource.knows_time || (resource.first < {rule.data_until} && {rule.data_from} < resource.after))"
        )
    return found


def _permission(rule: Rule) -> list[str]:
    found = _of_ask(rule)
    if rule.purposes:
        found.append(_any(f"context.purpose in {_entity('Purpose', p)}" for p in rule.purposes))
    if rule.regions:
        found.append(_any(f"context.region in {_entity('Region', r)}" for r in rule.regions))
    if rule.actions:
        found.append(f'{_set(rule.actions)}.contains("disclose")')
    if rule.classes:
        found.append(_any([_kind(rule), f"resource.knows_codes && resource.codes.containsAny({_set(rule.classes)})"]))
    if rule.codes:
        found.append(f"(resource.knows_codes && resource.codes.containsAny({_set(rule.codes)}))")
    if rule.labels:
        others = [name for name in CATEGORIES if f"category:{name}" not in rule.labels]
        alone = "true" if "confidentiality:R" in rule.labels else _not_any(_has(name) for name in others)
        found.append(f"(resource.knows_labels && resource.labels.containsAny({_set(rule.labels)}) && {alone})")
    if rule.data:
        known = "resource.knows_refers && resource.knows_referred"
        found.append(f"({known} && {_any(_token(token, unknown=False) for token in rule.data)})")
    if _is_timed(rule):
        inside = f"{rule.data_from} <= resource.first && resource.after <= {rule.data_until}"
        found.append(f"(resource.knows_time && {inside})")
    return found


def _of_ask(rule: Rule) -> list[str]:
    found = []
    if rule.recipients:
        found.append(f"context.aliases.containsAny({_set(rule.recipients)})")
    if rule.projects:
        found.append(f"{_set(rule.projects)}.containsAny([context.agreement, context.request])")
    if rule.identifiability:
        found.append(f"{_set(rule.identifiability)}.contains(context.identifiability)")
    return found


def _token(token: str, *, unknown: bool) -> str:
    meaning, _, reference = token.partition(":")
    name = _text(reference)
    own = f"resource.reference == {name}"
    if meaning == "instance":
        return own
    knows, holds = ("knows_referred", "referred") if meaning == "related" else ("knows_refers", "refers")
    met = (
        f"resource.{holds}.contains({name})"
        if not unknown
        else f"!resource.{knows} || resource.{holds}.contains({name})"
    )
    return met if meaning == "authoredby" else f"{own} || {met}"


def _kind(rule: Rule) -> str:
    return f"{_set(rule.classes)}.contains(resource.kind)"


def _meets(field: str, words: frozenset[str]) -> str:
    return f"!resource.knows_{field} || resource.{field}.containsAny({_set(words)})"


def _has(category: str) -> str:
    return f'resource.labels.contains("category:{category}")'


def _any(texts: Iterable[str]) -> str:
    return f"({' || '.join(f'({text})' for text in texts)})"


def _is_timed(rule: Rule) -> bool:
    return (rule.data_from, rule.data_until) != _TIMED


def _set(words: Iterable[str]) -> str:
    return f"[{', '.join(_text(word) for word in sorted(words))}]"


def _text(word: str) -> str:
    return json.dumps(word)


def _entity(kind: str, name: str) -> str:
    return f"{kind}::{_text(name)}"


def _node(kind: str, name: str, above: str | None) -> dict[str, Any]:
    parents = [{"type": kind, "id": above}] if above else []
    return {"uid": {"type": kind, "id": name}, "attrs": {}, "parents": parents}


def _record(item: Item) -> dict[str, Any]:
    first, after = item.happened or (0, 0)
    labels = item.labels if item.labels is None or item.labels else frozenset({"confidentiality:N"})
    attrs: dict[str, Any] = {"reference": item.reference, "kind": item.type, "first": first, "after": after}
    attrs["knows_time"] = item.happened is not None
    for name, values in (
        ("codes", item.codes),
        ("mentions", item.mentions),
        ("labels", labels),
        ("refers", item.refers_to),
        ("referred", item.referred_by),
    ):
        attrs[name], attrs[f"knows_{name}"] = sorted(values or ()), values is not None
    return {"uid": {"type": "Record", "id": _name(item)}, "attrs": attrs, "parents": []}


def _name(item: Item) -> str:
    """Name a record by all that it is."""
    return hashlib.sha256(repr(item).encode()).hexdigest()
