"""A breach: from the patients concerned to duties and deadlines; thresholds and calendars, no letters and no storage.

Source: 45 CFR 164.400-414. Thresholds differ by one: the media from *more than* 500 residents of one State
(164.406(a)), the Secretary from 500 individuals in all (164.408(b)).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from bailee.core.clock import ms_from_iso
from bailee.core.errors import Invalid
from bailee.ledger.retention import days_later_ms

NOTICE_DAYS = 60
MEDIA_MORE_THAN = 500
SECRETARY_FROM = 500
SUBSTITUTE_FROM = 10
FACTORS = (
    "the nature and extent of the information",
    "who used it or to whom it was disclosed",
    "whether it was actually acquired or viewed",
    "how far the risk was mitigated",
)
NOT_PHI = frozenset({"safe-harbor", "expert-determination"})


class Incident(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happened, as far as it is known. Units: milliseconds since the epoch; ended_ms 0 while it goes on.

    `agent_discovered_ms` is when an agent knew of it, which counts as the hospital's own knowledge (164.404(a)(2));
    `factors` are the four answers of a risk assessment that found a low probability of compromise (164.402(2)).
    """

    id: str
    what: str
    discovered_ms: int
    began_ms: int
    ended_ms: int = 0
    agent_discovered_ms: int = 0
    safe_key: bool = False
    factors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.factors and (len(self.factors) != len(FACTORS) or not all(self.factors)):
            raise Invalid("a risk assessment without its four factors", remedy=f"Answer: {'; '.join(FACTORS)}.")
        if self.began_ms > self.discovered_ms:
            raise Invalid("a breach that was discovered before it began", remedy="Give both dates.")

    @property
    def known_ms(self) -> int:
        """Give the day from which deadlines run: the earliest that the hospital or its agent knew."""
        return min(self.discovered_ms, self.agent_discovered_ms or self.discovered_ms)


class Resident(msgspec.Struct, frozen=True, kw_only=True):
    """Where a patient is reached. `state` is the State or, outside of the United States, the country."""

    patient: str
    name: str = ""
    lines: tuple[str, ...] = ()
    city: str = ""
    state: str = ""
    postal_code: str = ""
    email: str = ""
    deceased: bool = False

    @property
    def reachable(self) -> bool:
        """Tell whether a letter can be addressed. Source: 164.404(d)(1)."""
        return bool(self.name and self.lines and self.city)


@dataclass(frozen=True)
class Affected:
    """One patient and what was exposed about them."""

    patient: str
    data: tuple[str, ...]
    releases: tuple[str, ...]


@dataclass(frozen=True)
class Duty:
    """Something to do: whom to tell, by when, how many it concerns, and by which rule."""

    who: str
    by_ms: int
    count: int
    citation: str
    how: str


@dataclass(frozen=True)
class Assessment:
    """What a breach asks for. `reason` says why nothing must be told, where that is so."""

    incident: Incident
    affected: tuple[Affected, ...]
    by_state: dict[str, int]
    unreachable: int
    duties: tuple[Duty, ...]
    reason: str = ""


def assess(
    incident: Incident,
    affected: Iterable[Affected],
    residents: dict[str, Resident],
    *,
    identifiability: Iterable[str] = (),
) -> Assessment:
    """Turn patients into duties. `identifiability` is that of the releases concerned: one for each.

    A patient whose State is not known counts under "unknown". Cost: O(patients).
    """
    people = tuple(affected)
    known = [residents.get(one.patient, Resident(patient=one.patient)) for one in people]
    by_state = dict(sorted(Counter(one.state or "unknown" for one in known).items()))
    unreachable = sum(not one.reachable for one in known)
    reason = _unsecured(incident, set(identifiability))
    duties = () if reason or not people else _duties(incident, len(people), by_state, unreachable)
    return Assessment(incident, people, by_state, unreachable, duties, reason)


def _unsecured(incident: Incident, forms: set[str]) -> str:
    """Say why the law asks for no notice, or nothing."""
    if forms and forms <= NOT_PHI:
        return "the data was de-identified: it is not protected health information (164.502(d)(2)); the agreement's duties remain"
    if incident.safe_key:
        return "the data was encrypted and its key is safe: it is not unsecured (164.402, guidance under 74 FR 19006)"
    if incident.factors:
        return "the risk assessment found a low probability of compromise (164.402(2)); keep it for six years"
    return ""


def _duties(incident: Incident, count: int, by_state: dict[str, int], unreachable: int) -> tuple[Duty, ...]:
    by = days_later_ms(incident.known_ms, NOTICE_DAYS)
    duties = [Duty("each individual", by, count, "164.404(b), (d)(1)", "first-class post, or email where agreed")]
    if unreachable:
        many = unreachable >= SUBSTITUTE_FROM
        how = "90 days on the web site or major media, with a toll-free number" if many else "another form of notice"
        citation = "164.404(d)(2)(ii)" if many else "164.404(d)(2)(i)"
        duties.append(Duty("those without a good address", by, unreachable, citation, how))
    for state, residents in by_state.items():
        if residents > MEDIA_MORE_THAN and state != "unknown":
            duties.append(Duty(f"prominent media in {state}", by, residents, "164.406", "a press release"))
    if count >= SECRETARY_FROM:
        duties.append(Duty("the Secretary", by, count, "164.408(b)", "the HHS breach portal, with the notices"))
    else:
        year_end = yearly_log_by_ms(incident.known_ms)
        duties.append(Duty("the Secretary", year_end, count, "164.408(c)", "the yearly log, on the HHS breach portal"))
    return tuple(duties)


def yearly_log_by_ms(discovered_ms: int) -> int:
    """Give the day by which a small breach is logged: 60 days after its year ends. Source: 164.408(c)."""
    year = datetime.fromtimestamp(discovered_ms / 1000, tz=UTC).year
    return days_later_ms(ms_from_iso(f"{year}-12-31"), NOTICE_DAYS)


def days_left(duty: Duty, now_ms: int) -> int:
    """Count the days until a deadline; negative once it is past. The day of the deadline itself counts as 0."""
    return timedelta(milliseconds=duty.by_ms - now_ms) // timedelta(days=1)


def merged(parts: Iterable[tuple[str, str, tuple[str, ...]]]) -> list[Affected]:
    """Fold (patient, release, types of data) into one row for each patient, in order of the patient."""
    data: dict[str, dict[str, None]] = {}
    releases: dict[str, dict[str, None]] = {}
    for patient, release, kinds in parts:
        data.setdefault(patient, {}).update(dict.fromkeys(kinds))
        releases.setdefault(patient, {}).setdefault(release)
    return [Affected(patient, tuple(data[patient]), tuple(releases[patient])) for patient in sorted(data)]
