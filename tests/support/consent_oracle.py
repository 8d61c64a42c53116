"""A second reading of the rules, over plain dictionaries, one question at a time; slow, and nothing of ours in it."""

from __future__ import annotations

from typing import Any

PARENT = {"CLINTRCH": "HRESCH", "HRESCH": "PurposeOfUse", "HMARKT": "PurposeOfUse"}


def chain(purpose: str) -> list[str]:
    found = [purpose]
    while found[-1] in PARENT:
        found.append(PARENT[found[-1]])
    return found


def inside(region: str, other: str) -> bool:
    return region == other or region.split("-", maxsplit=1)[0] == other


def answer_of_rule(rule: dict[str, Any], ask: dict[str, Any], item: dict[str, Any], now: int) -> str | None:
    """Say permit, deny, or None where the rule does not speak."""
    if now < rule["not_before"] or now >= rule["not_after"]:
        return None
    check = _denial if rule["effect"] == "deny" else _permission
    if not check(rule, ask, item):
        return None
    inner = [answer_of_rule(one, ask, item, now) for one in rule["exceptions"]]
    if "deny" in inner:
        return "deny"
    if "permit" in inner:
        return "permit"
    return str(rule["effect"])


def _denial(rule: dict[str, Any], ask: dict[str, Any], item: dict[str, Any]) -> bool:
    """Tell whether a refusal reaches this record: every criterion it has could be met."""
    tests = [
        not rule["purposes"]
        or any(one in chain(asked) or asked in chain(one) for one in rule["purposes"] for asked in ask["purposes"]),
        not rule["recipients"] or any(one in ask["aliases"] for one in rule["recipients"]),
        not rule["projects"] or ask["agreement"] in rule["projects"] or ask["request"] in rule["projects"],
        not rule["regions"] or any(inside(a, b) or inside(b, a) for a in rule["regions"] for b in ask["regions"]),
        not rule["identifiability"] or ask["identifiability"] in rule["identifiability"],
        not rule["actions"] or any(one in ask["actions"] for one in rule["actions"]),
        not rule["classes"] or item["type"] in rule["classes"] or meets(rule["classes"], item["mentions"]),
        not rule["codes"] or meets(rule["codes"], item["mentions"]),
        not rule["labels"] or item["labels"] is None or meets(rule["labels"], item["labels"] or {"confidentiality:N"}),
        not rule["data"] or any(_data(token, item, True) for token in rule["data"]),
        item["happened"] is None
        or not (item["happened"][0] >= rule["data_until"] or item["happened"][1] <= rule["data_from"]),
    ]
    record_free = not (rule["classes"] or rule["codes"] or rule["labels"] or rule["data"] or _timed(rule))
    return all(tests[:6]) and (record_free or all(tests[6:]))


def _permission(rule: dict[str, Any], ask: dict[str, Any], item: dict[str, Any]) -> bool:
    """Tell whether a permission surely holds for this record."""
    labels = item["labels"]
    known = labels or {"confidentiality:N"}
    return all(
        [
            not rule["purposes"]
            or all(any(one in chain(asked) for one in rule["purposes"]) for asked in ask["purposes"]),
            not rule["recipients"] or any(one in ask["aliases"] for one in rule["recipients"]),
            not rule["projects"] or ask["agreement"] in rule["projects"] or ask["request"] in rule["projects"],
            not rule["regions"] or all(any(inside(b, a) for a in rule["regions"]) for b in ask["regions"]),
            not rule["identifiability"] or ask["identifiability"] in rule["identifiability"],
            not rule["actions"] or "disclose" in rule["actions"],
            not rule["classes"]
            or item["type"] in rule["classes"]
            or (item["codes"] is not None and meets(rule["classes"], item["codes"])),
            not rule["codes"] or (item["codes"] is not None and meets(rule["codes"], item["codes"])),
            not rule["labels"]
            or (
                labels is not None
                and meets(rule["labels"], known)
                and (
                    "confidentiality:R" in rule["labels"]
                    or all(one in rule["labels"] for one in known if one.startswith("category:"))
                )
            ),
            not rule["data"]
            or (
                item["refers_to"] is not None
                and item["referred_by"] is not None
                and any(_data(token, item, False) for token in rule["data"])
            ),
            not _timed(rule)
            or (
                item["happened"] is not None
                and item["happened"][0] >= rule["data_from"]
                and item["happened"][1] <= rule["data_until"]
            ),
        ]
    )


def meets(ours: Any, theirs: Any) -> bool:
    return theirs is None or any(one in theirs for one in ours)


def _timed(rule: dict[str, Any]) -> bool:
    return rule["data_from"] > -(2**52) or rule["data_until"] < 2**52


def _data(token: str, item: dict[str, Any], unknown: bool) -> bool:
    meaning, reference = token.split(":", 1)
    if meaning == "instance":
        return reference == item["reference"]
    if meaning == "related":
        return reference == item["reference"] or (
            unknown if item["referred_by"] is None else reference in item["referred_by"]
        )
    found = unknown if item["refers_to"] is None else reference in item["refers_to"]
    return found or (meaning == "dependents" and reference == item["reference"])


def oracle(
    rules: list[dict[str, Any]], ask: dict[str, Any], item: dict[str, Any], now: int, grant: dict[str, Any]
) -> bool:
    """Decide: may it leave?"""
    if not 10 <= now < 1000 or item["type"] not in ask["types"]:
        return False
    answers = [(rule, answer_of_rule(rule, ask, item, now)) for rule in rules]
    if any(answer == "deny" for _, answer in answers):
        return False
    if grant["needs_permit"] and not any(answer == "permit" and rule["layer"] == "patient" for rule, answer in answers):
        return False
    if not grant["special"] and not grant["leaves_out"]:
        return True
    if item["labels"] is None:
        return False
    categories = {one.split(":")[1] for one in item["labels"] if one.startswith("category:")}
    if categories & set(grant["leaves_out"]):
        return False
    needed = categories & set(grant["special"])
    named = {
        label
        for rule, answer in answers
        if answer == "permit" and rule["layer"] == "patient"
        for label in _named(rule, ask, item, now)
    }
    return all(f"category:{one}" in named for one in needed)


def _named(rule: dict[str, Any], ask: dict[str, Any], item: dict[str, Any], now: int) -> set[str]:
    """Give the labels of the permission that answered: the innermost ones."""
    speaking = [one for one in rule["exceptions"] if answer_of_rule(one, ask, item, now) == "permit"]
    if not speaking:
        return set(rule["labels"])
    return {label for one in speaking for label in _named(one, ask, item, now)}
