"""What a breach makes a hospital write: letters to patients, the regulator's form, the list of patients.

A letter has the five parts of 45 CFR 164.404(c)(1), in plain words; without one of them none is written.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import msgspec

from bailee.core.errors import Invalid
from bailee.ledger.breach import Affected, Assessment, Incident, Resident
from bailee.ledger.report import day


class Notice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person must add to a letter, since no ledger knows it."""

    hospital: str
    what_happened: str
    your_steps: str  # how individuals can protect themselves
    our_steps: str  # what we do to investigate, to mitigate, and against another breach
    toll_free: str
    postal: str
    email: str = ""
    web: str = ""
    signed_by: str = ""

    def check(self) -> None:
        """Check that no part of a letter is missing. Raises: Invalid naming the parts."""
        missing = [
            name
            for name in ("hospital", "what_happened", "your_steps", "our_steps", "toll_free", "postal")
            if not str(getattr(self, name)).strip()
        ]
        if missing:
            raise Invalid(f"a notice without {', '.join(missing)}", remedy="164.404(c)(1) asks for all of them.")


def letter(notice: Notice, incident: Incident, person: Affected, resident: Resident) -> list[tuple[str, str]]:
    """Write one patient's letter as paragraphs, (style, text) for `pdf.document_pdf`."""
    notice.check()
    until = f" to {day(incident.ended_ms)}" if incident.ended_ms else ""
    whom = f"To the next of kin of {resident.name}" if resident.deceased else resident.name
    address = [
        *resident.lines,
        " ".join(part for part in (resident.city, resident.state, resident.postal_code) if part),
    ]
    ways = [f"telephone {notice.toll_free} (free of charge)", notice.email, notice.web, notice.postal]
    return [
        ("p", notice.hospital),
        *(("p", line) for line in (whom, *address) if line),
        ("h1", "Notice about your health information"),
        ("h2", "What happened"),
        (
            "p",
            f"{notice.what_happened} It happened from {day(incident.began_ms)}{until}. We learned of it on {day(incident.known_ms)}.",
        ),
        ("h2", "What information it was"),
        ("p", f"It concerned these parts of your record: {', '.join(person.data) or 'not known'}."),
        ("h2", "What you can do"),
        ("p", notice.your_steps),
        ("h2", "What we are doing"),
        ("p", notice.our_steps),
        ("h2", "How to reach us"),
        ("p", "; ".join(way for way in ways if way) + "."),
        *([("p", notice.signed_by)] if notice.signed_by else []),
    ]


def letters(notice: Notice, case: Assessment, residents: dict[str, Resident]) -> Iterator[list[tuple[str, str]]]:
    """Write the letters of all who can be reached by post, one at a time, in the order of the patients."""
    for person in case.affected:
        resident = residents.get(person.patient)
        if resident and resident.reachable:
            yield letter(notice, case.incident, person, resident)


def plain_text(story: list[tuple[str, str]]) -> str:
    """Write a letter's paragraphs as text."""
    return "\n".join(f"\n{text}" if style in {"h1", "h2"} else text for style, text in story) + "\n"


def regulator_form(case: Assessment, notice: Notice | None) -> dict[str, Any]:
    """Fill in what the HHS breach portal asks. Shape: JSON; what only a person knows is null."""
    incident = case.incident
    kinds = sorted({kind for person in case.affected for kind in person.data})
    return {
        "covered_entity": notice.hospital if notice else None,
        "breach_id": incident.id,
        "individuals_affected": len(case.affected),
        "by_state": case.by_state,
        "breach_start": day(incident.began_ms),
        "breach_end": day(incident.ended_ms) if incident.ended_ms else None,
        "discovery": day(incident.known_ms),
        "type_of_breach": None,
        "location_of_information": "releases to partners",
        "types_of_information": kinds,
        "description": incident.what,
        "safeguards_before": ["encryption"] if incident.safe_key else [],
        "notice_to_individuals_by": next((day(duty.by_ms) for duty in case.duties), None),
        "media_notice": sorted(duty.who.rpartition(" ")[2] for duty in case.duties if duty.citation == "164.406"),
        "substitute_notice": any(duty.citation.startswith("164.404(d)(2)") for duty in case.duties),
        "actions_taken": notice.our_steps if notice else None,
        "notice_not_required_because": case.reason or None,
    }


def patients_csv(case: Assessment, residents: dict[str, Resident]) -> str:
    """List the patients, for the hospital's eyes only."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("patient", "state", "letter can be posted", "data", "releases"))
    for person in case.affected:
        resident = residents.get(person.patient, Resident(patient=person.patient))
        posted = "yes" if resident.reachable else "no"
        row = (person.patient, resident.state, posted, "; ".join(person.data), "; ".join(person.releases))
        writer.writerow([f"'{cell}" if cell[:1] in set("=+-@\t\r") else cell for cell in row])
    return out.getvalue()


def summary(case: Assessment, now_ms: int) -> str:
    """Say in a screenful what happened, to how many, and what is due when."""
    from bailee.ledger.breach import days_left

    incident = case.incident
    lines = [
        f"Breach {incident.id}: {len(case.affected):,} patients, known since {day(incident.known_ms)}",
        "  by State: " + (", ".join(f"{state} {count:,}" for state, count in case.by_state.items()) or "nobody"),
    ]
    if case.reason:
        lines.append(f"  No notice is required: {case.reason}.")
    for duty in case.duties:
        left = days_left(duty, now_ms)
        lines.append(
            f"  by {day(duty.by_ms)} ({left} days left): tell {duty.who}, {duty.count:,} people; {duty.how} ({duty.citation})"
        )
    return "\n".join(lines)
