"""An answer to "may this leave?": yes or no, the reason codes, and the sentences that each reader gets.

A code never changes its meaning and is never reused. The partner's sentence reveals nothing about a person, not
even that there is one; the patient's sentence has no jargon.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from bailee.core.errors import Denied
from bailee.core.reasons import plain_words

PERMIT = "P-PERMIT"
Audience = Literal["hospital", "partner", "patient"]


class Sentences(msgspec.Struct, frozen=True):
    """What a reason code says to a partner and to a patient, and what would mend it."""

    partner: str
    patient: str
    remedy: str


_NOT_NOW = "The hospital cannot give this now."
_KEPT = "Your data was not shared."
_UNFIT_RECORD = "A record could not be prepared."
_UNFIT = "The request does not fit the agreement."

SENTENCES: dict[str, Sentences] = {
    "P-PERMIT": Sentences(
        "Permitted.",
        "Your data may be shared for this purpose.",
        "",
    ),
    "E-INPUT": Sentences(
        _UNFIT,
        f"{_KEPT} Something in the request or in your directive could not be read, and then the answer is no.",
        "Complete or correct the input that is named, then ask again.",
    ),
    "E-VOCAB": Sentences(
        "The request uses a term that is not known here.",
        f"{_KEPT} The request used a word that the hospital does not know.",
        "Use a term of the vocabulary, or let the site add the term.",
    ),
    "E-UNMAPPED": Sentences(
        _NOT_NOW,
        f"{_KEPT} It was not certain whose record it is.",
        "Mend the record's reference to its patient, or the merge of two patients.",
    ),
    "E-AGREEMENT": Sentences(
        "There is no agreement in force.",
        f"{_KEPT} There is no valid agreement with the organisation that asked.",
        "Sign and activate the agreement, resume it, or renew its term.",
    ),
    "E-AGREEMENT-HASH": Sentences(
        "The agreement has changed since it was signed.",
        f"{_KEPT} The agreement was changed after it had been signed.",
        "Restore the signed text, or have both parties sign the new one.",
    ),
    "E-REQUEST": Sentences(
        "There is no approved request.",
        f"{_KEPT} Nobody has approved this request.",
        "Submit the request and have it approved, or renew its approval.",
    ),
    "E-REQUEST-HASH": Sentences(
        "The request has changed since it was approved.",
        f"{_KEPT} The request was changed after it had been approved.",
        "Submit the changed request for a new approval.",
    ),
    "E-SCOPE-FIELD": Sentences(
        "Something that was asked for is outside of the approved scope.",
        f"{_KEPT} More was asked for than had been approved.",
        "Ask for less, or have the scope extended.",
    ),
    "E-SCOPE-PURPOSE": Sentences(
        "The purpose is outside of the agreement.",
        f"{_KEPT} It was asked for a purpose that the agreement does not allow.",
        "Ask for a purpose that the agreement permits.",
    ),
    "E-SCOPE-REGION": Sentences(
        "A place of processing is outside of the agreed regions.",
        f"{_KEPT} It would have been processed in a place that was not agreed.",
        "Process in an agreed region, or have the region added.",
    ),
    "E-SCOPE-RECIPIENT": Sentences(
        "The recipient is not part of the agreement.",
        f"{_KEPT} The organisation that asked is not part of the agreement.",
        "Name a recipient of the agreement, or have this one added.",
    ),
    "E-SCOPE": Sentences(
        "Something that was asked for is outside of the agreement.",
        f"{_KEPT} More was asked for than had been agreed.",
        "Ask for less, or have the scope extended.",
    ),
    "E-SCOPE-COHORT": Sentences(
        _NOT_NOW,
        f"{_KEPT} You are not in the group that was agreed.",
        "Change the agreement's cohort, and have it signed again.",
    ),
    "E-MODIFIER": Sentences(
        _UNFIT_RECORD,
        f"{_KEPT} Something in this record could not be understood.",
        "Add a rule for the modifier to the profile, once somebody has said what it means.",
    ),
    "E-TEXT": Sentences(
        _UNFIT_RECORD,
        f"{_KEPT} A note could not be read with certainty.",
        "Mend the note's encoding, or leave notes out of the scope.",
    ),
    "E-LANGUAGE": Sentences(
        _UNFIT_RECORD,
        f"{_KEPT} A note is in a language that the system does not know.",
        "Leave this language out of the scope, or add it.",
    ),
    "E-SURVIVOR": Sentences(
        _UNFIT_RECORD,
        f"{_KEPT} Something that could name you was still in a note.",
        "Review the note, and add what was missed to the word lists or rules.",
    ),
    "E-ROUTE": Sentences(
        "The legal basis is missing or incomplete.",
        f"{_KEPT} No law or permission allows it.",
        "Complete the evidence of the legal route.",
    ),
    "E-IRB-EXPIRED": Sentences(
        "The review board's approval has expired.",
        f"{_KEPT} The approval of the review board had run out.",
        "Renew the review board's approval.",
    ),
    "E-DUA": Sentences(
        "The data use agreement is incomplete.",
        f"{_KEPT} The contract on how the data may be used was not complete.",
        "Complete or renew the data use agreement (45 CFR 164.514(e)(4)).",
    ),
    "E-AUTHZ-DEFECTIVE": Sentences(
        "The authorization is not valid.",
        f"{_KEPT} The form that would allow it is not complete or no longer valid.",
        "Obtain a complete authorization (45 CFR 164.508(b)(2), (c)).",
    ),
    "E-DENY": Sentences(
        _NOT_NOW,
        f"{_KEPT} Your choice, a rule of the hospital, or a law says no.",
        "Only whoever made the rule can change it; a permission elsewhere does not outweigh it.",
    ),
    "E-NOCONSENT": Sentences(
        _NOT_NOW,
        f"{_KEPT} It would need your permission, and you have not given it.",
        "Ask the patient for permission for this purpose.",
    ),
    "E-SPECIAL": Sentences(
        _NOT_NOW,
        f"{_KEPT} This kind of record is specially protected and needs your specific permission.",
        "Ask the patient for permission that names this kind of record, or leave the category out of the scope.",
    ),
    "E-OPTOUT": Sentences(
        _NOT_NOW,
        f"{_KEPT} You opted out in the register.",
        "Only the patient can change the entry in the register.",
    ),
    "E-OPTOUT-STALE": Sentences(
        _NOT_NOW,
        f"{_KEPT} The register of opt-outs could not be checked.",
        "Load the register again.",
    ),
    "E-DEID-PROFILE": Sentences(
        "The de-identification profile is not the approved one.",
        f"{_KEPT} The method that removes your name was not the approved one.",
        "Use the approved profile, or have this one approved.",
    ),
    "E-OUTPUT-RISK": Sentences(
        "The output cannot be released as it is.",
        f"{_KEPT} The risk that somebody could be recognised was too high.",
        "Narrow the scope, coarsen the elements that are named, or raise the group size.",
    ),
    "E-DIFFERENCING": Sentences(
        "The output cannot be released beside an earlier one.",
        f"{_KEPT} Together with an earlier release, somebody could have been recognised.",
        "Change the cohort by more people, or release the earlier cohort again.",
    ),
    "E-CLOCK": Sentences(
        _NOT_NOW,
        f"{_KEPT} The system could not tell the time.",
        "Set the machine's clock and try again.",
    ),
    "E-AUDIT-DOWN": Sentences(
        _NOT_NOW,
        f"{_KEPT} The log could not be written, and without it nothing is shared.",
        "Restore the ledger's store and try again.",
    ),
    "E-INTERNAL": Sentences(
        _NOT_NOW,
        f"{_KEPT} The system made an error, and then the answer is no.",
        "Report the error; the log names its place.",
    ),
}


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """An answer with its grounds. Everything that leaves needs one that permits."""

    permit: bool
    reasons: tuple[str, ...]  # codes; `E-DENY:<rule>` names its rule
    rules: tuple[str, ...] = ()  # ids of the rules that decided
    obligations: tuple[str, ...] = ()
    details: tuple[str, ...] = ()  # for the hospital: which term, and what would mend it; never a value of a record

    def __post_init__(self) -> None:
        """Hold that a permit says so and a refusal says why."""
        if self.permit is not (self.reasons == (PERMIT,)):
            raise AssertionError("a decision whose reasons do not fit its answer")

    def raise_if_denied(self, what: str) -> None:
        """Turn a refusal into an error; `what` is the sentence that it begins with. Raises: Denied."""
        if not self.permit:
            raise Denied(what, reasons=self.reasons, remedy=" ".join(self.words("hospital")))

    def words(self, audience: Audience) -> tuple[str, ...]:
        """Say the reasons in plain words, one sentence or two per reason."""
        if audience == "hospital":
            return self.details or tuple(_full(code) for code in self.reasons)
        return tuple(dict.fromkeys(getattr(sentences_of(code), audience) for code in self.reasons))


def sentences_of(code: str) -> Sentences:
    """Give a code's sentences; a code that has none yet gets those of an error inside, which say nothing."""
    return SENTENCES.get(kind_of(code), SENTENCES["E-INTERNAL"])


def kind_of(code: str) -> str:
    """Give a reason's code without the rule that it names."""
    return code.partition(":")[0]


def permit(*, rules: tuple[str, ...] = (), obligations: tuple[str, ...] = ()) -> Decision:
    """Answer yes."""
    return Decision(permit=True, reasons=(PERMIT,), rules=rules, obligations=obligations)


def refuse(*findings: tuple[str, str], rules: tuple[str, ...] = ()) -> Decision:
    """Answer no, for each (code, detail); an empty detail gets the code's own sentences."""
    codes = tuple(dict.fromkeys(code for code, _ in findings))
    details = tuple(dict.fromkeys(f"{code}: {detail or _full(code)}" for code, detail in findings))
    return Decision(permit=False, reasons=codes, rules=rules, details=details)


def _full(code: str) -> str:
    return f"{plain_words(code)} {sentences_of(code).remedy}".strip()
