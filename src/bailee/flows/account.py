"""Account: answer a patient who asks what left about them, and write in the ledger that it was asked and answered."""

from __future__ import annotations

import pyarrow as pa

from bailee.agreements.terms import Agreement
from bailee.flows.hospital import Hospital
from bailee.ledger.accounting import Accounting, Study, account
from bailee.ledger.entries import Entry
from bailee.stores.sql.agreements import list_agreements
from bailee.stores.sql.database import read, write
from bailee.stores.sql.ledger_people import disclosures_of, last_delivered_ms, suspensions


def account_for(hospital: Hospital, patient: str, *, statutory: bool = False) -> Accounting:
    """Answer one patient's request for an accounting, and record it in the patient's own chain.

    `statutory` leaves out what 45 CFR 164.528(a)(1) exempts. A patient of whom nothing is known gets an empty answer.
    """
    asked_ms = hospital.clock.now_ms()
    with read(hospital.engine) as connection:
        answer = account(
            disclosures_of(connection, patient),
            asked_ms=asked_ms,
            suspensions=suspensions(connection),
            statutory=statutory,
            delivered_ms=last_delivered_ms(connection, patient),
            studies=[study_of(each.agreement) for each in list_agreements(connection)],
        )
    _record(hospital, patient, asked_ms)
    return answer


def study_of(terms: Agreement) -> Study:
    """Say what an agreement's research is, in its own words."""
    partner = terms.parties.partner
    return Study(
        agreement=terms.id,
        name=terms.title,
        description=terms.public.lay_summary,
        criteria=terms.scope.justification,
        sponsor=", ".join((*terms.public.funders, partner.name)),
        contact=f"{partner.address}, {partner.contact}",
    )


def _record(hospital: Hospital, patient: str, asked_ms: int) -> None:
    table = pa.table({"patient": pa.array([patient], pa.string())})
    with write(hospital.engine) as connection:
        for kind in ("accounting.requested", "accounting.delivered"):
            hospital.log.disclose(connection, Entry(t_ms=asked_ms, kind=kind, actor=hospital.actor), table)
    hospital.log.checkpoint()
