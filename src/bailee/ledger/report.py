"""An accounting as lines: for the terminal and for spreadsheets; PDF and FHIR are in `pdf` and `balp`."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from bailee.core.clock import iso_from_ms
from bailee.ledger.accounting import Accounting, Disclosure, Study, exemption_of, grouped

COLUMNS = (
    "date",
    "recipient",
    "address",
    "phone",
    "what",
    "purpose",
    "legal route",
    "form",
    "agreement",
    "release",
    "state",
    "people in release",
    "need not be reported because",
    "ledger entry",
    "your entry no.",
)
PURPOSES = {
    "TREAT": "treatment",
    "HPAYMT": "payment",
    "HOPERAT": "health care operations",
    "HQUALIMP": "quality improvement",
    "HRESCH": "health research",
    "CLINTRCH": "clinical trial research",
    "PUBHLTH": "public health",
    "HMARKT": "marketing",
    "HSYSADMIN": "system administration",
    "LEGAL": "legal",
    "DUO:0000004": "any use",
    "DUO:0000006": "health, medical or biomedical research",
    "DUO:0000007": "research on a named disease",
    "DUO:0000011": "research on populations, origins or ancestry",
    "DUO:0000012": "only research of a named type",
    "DUO:0000015": "no development of methods alone",
    "DUO:0000016": "genetic studies only",
    "DUO:0000018": "not for profit, by non-profit organisations only",
    "DUO:0000019": "results must be published",
    "DUO:0000020": "collaboration with the hospital required",
    "DUO:0000021": "ethics approval required",
    "DUO:0000022": "only in named places",
    "DUO:0000024": "no publication before a date",
    "DUO:0000025": "limited in time",
    "DUO:0000026": "only by named users",
    "DUO:0000027": "only for a named project",
    "DUO:0000028": "only at named institutions",
    "DUO:0000029": "results go back to the hospital",
    "DUO:0000042": "general research",
    "DUO:0000043": "clinical care",
    "DUO:0000044": "no research on populations, origins or ancestry",
    "DUO:0000045": "by non-profit organisations only",
    "DUO:0000046": "not for commercial use",
}
STATES = {
    "done": "disclosed",
    "unknown": "counted as disclosed: the system stopped before the end was known",
    "disclosed": "under way",
}


def day(at_ms: int) -> str:
    """Write a day. Shape: 2026-11-27, UTC."""
    return iso_from_ms(at_ms)[:10]


def purpose_words(codes: Sequence[str]) -> str:
    """Say purposes in plain words; a code without words stays itself."""
    return ", ".join(PURPOSES.get(code, code) for code in codes)


def cells(disclosure: Disclosure) -> tuple[str, ...]:
    """Give a row's cells, in the order of COLUMNS."""
    exemption = exemption_of(disclosure)
    return (
        day(disclosure.at_ms),
        disclosure.partner,
        disclosure.address,
        disclosure.phone,
        ", ".join(disclosure.data),
        purpose_words(disclosure.purpose),
        disclosure.route,
        disclosure.identifiability,
        disclosure.agreement,
        disclosure.release,
        STATES[disclosure.state],
        str(disclosure.patients),
        f"{exemption.words} ({exemption.citation})" if exemption else "",
        str(disclosure.seq),
        str(disclosure.number),
    )


def csv_of(accounting: Accounting) -> str:
    """Write an accounting as CSV for people's spreadsheets: a cell that would run as a formula is made harmless."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(cell) for cell in cells(row)] for row in accounting.rows)
    return out.getvalue()


def text_of(accounting: Accounting) -> str:
    """Write an accounting for a terminal: repeats to one recipient for one purpose are folded."""
    rows = [("first", "last", "times", "recipient", "what", "purpose", "state")]
    for series in grouped(accounting.rows):
        first = series.first
        what, why = ", ".join(first.data), purpose_words(first.purpose)
        state = STATES[first.state].partition(":")[0]
        rows.append((day(first.at_ms), day(series.last_ms), str(series.count), first.partner, what, why, state))
    return "\n".join([*_aligned(rows), "", *notes_of(accounting)])


def notes_of(accounting: Accounting) -> list[str]:
    """Say what the reader must know beside the rows: period, what was left out, cost, deadline, how to check."""
    count = len(accounting.rows)
    notes = [
        f"{count} disclosure{'' if count == 1 else 's'} from {day(accounting.from_ms)} to {day(accounting.asked_ms)} (UTC)."
    ]
    notes += [
        f"{number} left out: they need not be reported under 45 CFR {citation}."
        for citation, number in sorted(accounting.left_out.items())
    ]
    for study in accounting.studies:
        notes.append(_research(accounting, study))
    cost = "free of charge" if accounting.free else "not the first in twelve months: a reasonable fee may be charged"
    notes.append(f"This accounting is {cost}. It is due by {day(accounting.answer_by_ms)}.")
    notes.append("Each entry has a proof that you can check yourself, without the hospital: bailee-verify proof FILE.")
    return notes


def _research(accounting: Accounting, study: Study) -> str:
    """Say of a study what 164.528(b)(4)(i) asks for, and which rows are its own: nobody has to guess."""
    rows = [row for row in accounting.rows if row.agreement == study.agreement]
    kinds = ", ".join(dict.fromkeys(kind for row in rows for kind in row.data))
    first, last = min(row.at_ms for row in rows), max(row.at_ms for row in rows)
    return (
        f"Research with 50 or more people: {study.name}. {study.description} Chosen were: {study.criteria} "
        f"Data: {kinds}; from {day(first)} to {day(last)}. Sponsor and researcher: {study.sponsor}, {study.contact}. "
        "Your data was in it, as the rows say. We will help you to contact them on request."
    )


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell[:1] in set("=+-@\t\r") else cell


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
