"""A message by a plan. What leaves is written at once; texts leave marks, since they are cleaned in bulk.

The output depends on the message, the plan, the keys and the persons only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from bailee.core.errors import Invalid
from bailee.deid.formats.identities import Identity
from bailee.deid.formats.passages import Passage
from bailee.deid.formats.persons import Ids, Person
from bailee.deid.formats.rules import Rule
from bailee.deid.formats.tally import FormatTally
from bailee.deid.hl7v2 import leaves
from bailee.deid.hl7v2.coded import coded_parts
from bailee.deid.hl7v2.memo import Known, Memo
from bailee.deid.hl7v2.observed import Observed, observed, text_of_file
from bailee.deid.hl7v2.people import Context, assigner_of, identities_of, identity_of
from bailee.deid.hl7v2.places import Draft
from bailee.deid.hl7v2.plan import Node, Plan
from bailee.deid.structure.zip3 import three_digits
from bailee.records.hl7v2.escapes import NULL, Delimiters
from bailee.records.hl7v2.message import Message, Segment
from bailee.records.hl7v2.tables import segments

Whose = tuple[int, Person]  # number of the person in the batch, person
_TEXTS = frozenset({"TX", "FT", "ST"})
_NEVER = frozenset({"pseudonym", "note", "value"})  # decided by more than the field
_LONG = 5  # digits from which on a number may be an identifier
_REMEMBERED = 200  # characters of a field that is remembered


class Engine:
    """A plan with its keys, ready to run. `pseudonym_of` tells the pseudonym of whoever has some identifiers."""

    def __init__(
        self, plan: Plan, ids: Ids, *, zip3: Iterable[str], pseudonym_of: Callable[[Sequence[Identity]], str]
    ) -> None:
        self.plan, self.ids, self.zip3, self.pseudonym_of = plan, ids, frozenset(zip3), pseudonym_of
        self._memos: dict[tuple[Delimiters, str], Memo] = {}

    def memo(self, delimiters: Delimiters, codec: str) -> Memo:
        """Give what is known of fields that messages with these delimiters had before."""
        return self._memos.setdefault((delimiters, codec), Memo())

    def __repr__(self) -> str:
        return f"Engine({self.plan.rules.name})"

    def draft(
        self, message: Message, codec: str, contexts: Sequence[Context], persons: Sequence[Whose], tally: FormatTally
    ) -> Draft:
        """Apply the plan to a message; `persons` are those of its contexts. The message itself stays as it is.

        Raises: Invalid if nothing of it would leave.
        """
        walk = _Walk(self, message, codec, tally)
        return walk.run(contexts, persons)


class _Walk:
    """One message on its way through."""

    def __init__(self, engine: Engine, message: Message, codec: str, tally: FormatTally) -> None:
        self.engine, self.plan, self.message, self.codec, self.tally = engine, engine.plan, message, codec, tally
        self.marks = message.delimiters
        self.draft = Draft(message.delimiters)
        self.memo = engine.memo(message.delimiters, codec)
        self.personal = False  # whether a value was decided by who the patient is
        self.row, self.person = -1, Person("", None, ninety=True)
        self.numbers: frozenset[str] = frozenset()
        self.group = -1  # the passage that OBX and NTE lines go on with
        self.observed = Observed("", "")

    def run(self, contexts: Sequence[Context], persons: Sequence[Whose]) -> Draft:
        starts = {context.first: whose for context, whose in zip(contexts, persons, strict=True)}
        self.numbers = frozenset().union(*(context.numbers for context in contexts))
        out = []
        for at, segment in enumerate(self.message.segments):
            if at in starts:
                self.row, self.person = starts[at]
            nodes = self.plan.segments.get(segment.name)
            if nodes is None:
                known = segment.name in segments()
                self.tally.dropped[f"segment {segment.name}" if known else "a segment that HL7 v2 does not have"] += 1
                continue
            out.append(self.marks.field.join(self.segment(segment, nodes)) + segment.end)
        if not out:
            raise Invalid("nothing of a message would leave", remedy="The profile lets none of its segments out.")
        self.draft.text = "".join(out)
        return self.draft

    def segment(self, segment: Segment, nodes: Mapping[int, Node]) -> list[str]:
        self.observed = observed(segment, self.marks) if segment.name == "OBX" else Observed("", "")
        if segment.name not in {"OBX", "NTE"} or (segment.name == "OBX" and self.observed.type not in _TEXTS):
            self.group = -1
        out = [segment.name]
        for number, raw in enumerate(segment.fields[1:], segment.first):
            if not raw:
                out.append(raw)
                continue
            node = nodes.get(number)
            if node is None:
                self.drop(f"{segment.name}, a field beyond the last")
                out.append("")
                continue
            out.append(self.remembered(node, raw) or node.required)
        return out if out == segment.fields else self.shortened(out)

    def remembered(self, node: Node, raw: str) -> str:
        """Decide a field, once for each different value: most depend on nothing else."""
        if len(raw) > _REMEMBERED or node.method in _NEVER:
            return self.field(node, raw)
        known = self.memo.get(node, raw)
        if known is not None:
            return known.again(self.draft, self.row, self.tally)
        outer, self.tally, self.personal = self.tally, FormatTally(), False
        first = len(self.draft.passages)
        done = self.field(node, raw)
        if not self.personal:
            self.memo.put(node, raw, Known.of(done, self.draft.passages[first:], first, self.tally))
        outer.add(self.tally)
        self.tally = outer
        return done

    # ---- fields -----------------------------------------------------------------------------------------------------

    def field(self, node: Node, raw: str) -> str:
        """Decide a field, repetition by repetition."""
        rule = node.rule
        if rule is None:
            return self.drop(node.path)
        if node.path in {"MSH-2", "FHS-2", "BHS-2"}:
            return raw  # the delimiters, which were checked when the message was read
        if rule.method == "value":
            return self.value(node, rule, raw)
        if rule.method == "pseudonym":
            return self.pseudonym(node, rule, raw)
        if rule.method == "note":
            return self.note(node, raw, grouped=node.path == "NTE-3")
        repeats = raw.split(self.marks.repeat)
        done = [self.composite(node, rule, each, self.marks.component, node.table) for each in repeats]
        return raw if done == repeats else self.trimmed(done, self.marks.repeat)

    def composite(self, node: Node, rule: Rule, raw: str, mark: str, table: str) -> str:
        """Decide one repetition, or one component: its parts stand between `mark`."""
        if not raw or raw == NULL:
            return raw
        if rule.unchecked:
            return raw
        parts = raw.split(mark) if mark else [raw]
        if rule.method == "inside":
            return self.inside(node, parts, mark)
        if rule.method == "coded":
            return self.coded(rule, parts, mark, table)
        if rule.method == "hash" and node.parts:
            return self.trimmed(self.identifier(node, rule, parts), mark)
        first = self.leaf(node, rule, parts[0])
        for part in parts[1:]:
            if part and rule.method != "remove":
                self.drop(f"{node.path}, a part beyond the last")
        return first

    def inside(self, node: Node, parts: list[str], mark: str) -> str:
        deeper = self.marks.sub if mark == self.marks.component else ""
        out = []
        for number, raw in enumerate(parts, 1):
            part = node.parts.get(number)
            if not raw:
                out.append("")
            elif part is None and number == 1 and not node.parts:
                out.append(self.drop(node.path))
            elif part is None:
                out.append(self.drop(f"{node.path}, a part beyond the last"))
            elif part.rule is None:
                out.append(self.drop(part.path))
            elif part.rule.method == "zip3":
                out.append(self.zip3(part.rule, raw, parts))
            else:
                out.append(self.composite(part, part.rule, raw, deeper, part.table))
        return mark.join(parts) if out == parts else self.trimmed(out, mark)

    # ---- methods ----------------------------------------------------------------------------------------------------

    def leaf(self, node: Node, rule: Rule, raw: str) -> str:
        """Decide one value."""
        if not raw or raw == NULL:
            return raw
        if rule.method == "remove":
            return self.removed(rule)
        said = self.said(raw)
        if rule.method in {"text", "note"}:
            return self.text(rule, said)
        match rule.method:
            case "keep":
                done = None if self.is_known_number(node, said) else leaves.keep(node, rule, said)
            case "code":
                done = leaves.code(node, rule, said)
            case "year" | "birth-year" | "shift":
                self.personal = self.personal or rule.method != "year"
                done = leaves.moment(rule, said.strip(), self.person)
            case "hash":
                done = self.engine.ids.text(said.strip(), "", length=int(rule.argument or 32))
            case "constant":
                done = rule.argument
            case _:
                done = None
        if done is None:
            return self.removed(rule)
        self.tally.rules[rule.path, "kept" if done == said else "changed"] += 1
        return raw if done == said else self.marks.escape_text(done)

    def text(self, rule: Rule, said: str) -> str:
        if rule.allows(said):
            self.tally.rules[rule.path, "kept"] += 1
            return self.marks.escape_text(said)
        self.tally.rules[rule.path, "changed"] += 1
        number = self.draft.open(Passage(self.row))
        return self.draft.mark(number, said)

    def coded(self, rule: Rule, parts: list[str], mark: str, table: str) -> str:
        said = [self.said(part) for part in parts]
        out, words = coded_parts(said, table)
        done = [self.marks.escape_text(part) for part in out]
        for at in words:
            done[at] = self.draft.mark(self.draft.open(Passage(self.row)), said[at])
        removed = sum(1 for was, now in zip(said, done, strict=True) if was and not now)
        self.tally.rules[rule.path, "removed" if removed else "kept"] += 1
        return self.trimmed(done, mark)

    def identifier(self, node: Node, rule: Rule, parts: list[str]) -> list[str]:
        """Hash a CX or an EI with who assigned it; its type stays if HL7 lists it."""
        value, authority = identity_of(node.type, [self.said(part) for part in parts], self.marks.sub)
        self.tally.rules[rule.path, "changed" if value else "removed"] += 1
        out = [self.engine.ids.text(value, authority)] if value else [""]
        kind = node.parts.get(5)
        if value and node.type == "CX" and len(parts) > 4 and kind and kind.rule:
            code = leaves.code(kind, kind.rule, self.said(parts[4]))
            out += ["", "", "", code or ""]
        return out

    def pseudonym(self, node: Node, rule: Rule, raw: str) -> str:
        """Write the pseudonym of whom the identifiers are, once: a patient's other numbers do not leave."""
        identities = identities_of([raw], self.marks, self.said, assigner_of(self.message))
        if not identities:
            return self.removed(rule)
        self.tally.rules[rule.path, "changed"] += 1
        whose = self.person.pseudonym if node.path == "PID-3" else self.engine.pseudonym_of(identities)
        return self.marks.component.join([whose, "", "", "", "PI"])

    def zip3(self, rule: Rule, raw: str, parts: list[str]) -> str:
        country = self.said(parts[5]).strip() if len(parts) > 5 else ""
        kept = three_digits(self.said(raw).strip(), self.engine.zip3) if country in rule.values else ""
        if not kept:
            return self.removed(rule)
        self.tally.rules[rule.path, "changed"] += 1
        return kept

    def is_known_number(self, node: Node, said: str) -> bool:
        """Tell whether a number is one of the message's ids or telephones that strayed into a place for numbers."""
        if node.type != "NM" or len(said) < _LONG:
            return False
        self.personal = True
        return said.strip() in self.numbers

    # ---- texts and observed values ----------------------------------------------------------------------------------

    def note(self, node: Node, raw: str, *, grouped: bool) -> str:
        """Hand a text out, in the pieces that delimiters make of it; lines of one group go on with one passage."""
        rule = node.rule
        assert rule is not None
        self.tally.rules[rule.path, "changed"] += 1
        if self.group < 0 or not grouped:
            number = self.draft.open(Passage(self.row))
            self.group = number if grouped else self.group
        else:
            number = self.group
        marks, out, glue = self.marks, [], "\n"
        for at, line in enumerate(raw.split(marks.repeat)):
            glue = "\n" if at or grouped else " "
            words = []
            for component in line.split(marks.component):
                pieces = component.split(marks.sub) if marks.sub else [component]
                made = []
                for piece in pieces:
                    made.append(piece if piece == NULL else self.draft.mark(number, self.said(piece), glue))
                    glue = " "
                words.append(marks.sub.join(made))
            out.append(marks.component.join(words))
        return marks.repeat.join(out)

    def value(self, node: Node, rule: Rule, raw: str) -> str:
        """Decide OBX-5 by the type that OBX-2 tells."""
        kind, unit = self.observed.type, self.observed.unit
        typed = self.plan.types.get(kind)
        if kind in _TEXTS:
            return self.note(node, raw, grouped=True)
        if kind == "ED":
            return self.file(rule, raw)
        if typed is None or typed.rule is None:
            return self.drop(f"{node.path}, a value of a type without a rule")
        out = []
        for each in raw.split(self.marks.repeat):
            done = self.composite(typed, typed.rule, each, self.marks.component, "")
            if kind in {"NM", "SN"} and rule.argument != "ages stay":
                done = self.marks.component.join(leaves.folded(part, unit) for part in done.split(self.marks.component))
            out.append(done)
        return self.trimmed(out, self.marks.repeat)

    def file(self, rule: Rule, raw: str) -> str:
        """Let a file out if it is readable text, cleaned; source, type, subtype, encoding and data are its parts."""
        parts = [self.said(part) for part in raw.split(self.marks.component)]
        found = text_of_file(parts)
        if found is None:
            return self.removed(rule)
        self.tally.rules[rule.path, "changed"] += 1
        number = self.draft.open(Passage(self.row))
        data = self.draft.mark(number, found.text, packed=found.packed)
        return self.marks.component.join(["", "TEXT", "", "Base64" if found.packed else "A", data])

    # ---- small things -----------------------------------------------------------------------------------------------

    def said(self, raw: str) -> str:
        return self.marks.unescape(raw, self.codec)

    def drop(self, where: str) -> str:
        self.tally.dropped[where] += 1
        return ""

    def removed(self, rule: Rule) -> str:
        self.tally.rules[rule.path, "removed"] += 1
        return ""

    def trimmed(self, parts: list[str], mark: str) -> str:
        return mark.join(self.shortened(parts))

    def shortened(self, parts: list[str]) -> list[str]:
        """Leave out what is empty at the end: how many there were tells what was removed."""
        while len(parts) > 1 and not parts[-1]:
            parts.pop()
        return parts
