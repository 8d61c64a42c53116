"""Where patients are reached, from their FHIR Patient resources; tolerant, since an address may be missing or old."""

from __future__ import annotations

import json
from typing import Any

from bailee.ledger.breach import Resident


def resident_of(patient: str, resource: bytes) -> Resident:
    """Read name and address out of a Patient resource; what is not there stays empty.

    The official name and the home address come first; periods that ended come last.
    """
    document = json.loads(resource)
    name = _best(document.get("name"), "official")
    address = _best(document.get("address"), "home")
    country = str(address.get("country") or "US")
    abroad = country.upper() not in {"US", "USA", "UNITED STATES"}
    return Resident(
        patient=patient,
        name=str(name.get("text") or " ".join([*_texts(name.get("given")), str(name.get("family") or "")]).strip()),
        lines=tuple(_texts(address.get("line"))),
        city=str(address.get("city") or ""),
        state=country if abroad else str(address.get("state") or ""),
        postal_code=str(address.get("postalCode") or ""),
        email=next(
            (str(item.get("value")) for item in _items(document.get("telecom")) if item.get("system") == "email"), ""
        ),
        deceased=bool(document.get("deceasedBoolean") or document.get("deceasedDateTime")),
    )


def _best(values: Any, use: str) -> dict[str, Any]:
    def rank(item: dict[str, Any]) -> tuple[bool, bool]:
        ended = item.get("use") == "old" or bool((item.get("period") or {}).get("end"))
        return ended, item.get("use") != use

    return min(_items(values), key=rank, default={})


def _items(values: Any) -> list[dict[str, Any]]:
    return [item for item in values if isinstance(item, dict)] if isinstance(values, list) else []


def _texts(values: Any) -> list[str]:
    return [str(item) for item in values if isinstance(item, str)] if isinstance(values, list) else []
