"""Verify a ledger's export, or one proof, without the software that wrote it: one file, standard library and `cryptography`.

    bailee-verify EXPORT --keys POLICY [--retained NOTE ...] [--artifacts FOLDER]
    bailee-verify proof FILE --keys POLICY [--patient ID]

POLICY names the keys that you trust, in the form of c2sp.org/tlog-policy; get it from the hospital and the
witnesses, never from the export. Exit code 0 only if every check passes; docs/ledger.md says what each is.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

CHECKS = (
    "leaves are canonical",
    "leaves are contiguous and time does not go back",
    "every checkpoint has the root of its leaves",
    "checkpoints are signed, strictly written, and cover all leaves",
    "witnesses cosigned as the policy asks",
    "releases had their intent, agreement, request and consent",
    "the database's rows and the leaves say the same, both ways",
    "each patient's leaves form one chain without gaps",
    "documents and artefacts have the hashes that name them",
)
CHUNK, SKEW_MS, MOST_FINDINGS, LOG, WITNESS, ZEROS = 4 << 20, 60_000, 20, 1, 4, bytes(32)

# A leaf's one possible form: fields sorted, none empty, no blanks, no escapes but \" and \\ (all text is clean).
_TEXT = rb'"(?!")[^"\\\x00-\x1f]*+(?:\\["\\][^"\\\x00-\x1f]*+)*+"'
_PARTS = {"T": _TEXT, "L": rb"\[T(?:,T)*+\]", "H": rb'"[0-9a-f]{64}"', "Z": rb"(?:0|[1-9][0-9]{0,14})"}
_PARTS |= {"W": rb"[1-9][0-9]{0,14}", "B": rb'\{"id":T,"sha256":H\}', "C": rb'\{"bytes":Z,"patients":Z,"rows":Z\}'}
_PARTS |= {"P": rb'\{(?:"address":T,)?+"name":T(?:,"phone":T)?+\}', "S": rb'\{"sha256":H,"version":T\}'}
_FIELDS = (
    "action=T? actor=T actor_org=T? agreement=B? artifact_sha256=H? consent_size=W? counts=C? data=L? decision=T? "
    "deid_profile_sha256=H? identifiability=T? kind=T machine=T? objects=L? on_behalf_of=T? partner=P? prev_release=T? "
    "purpose=L? reasons=L? release=T? request=B? route=T? rules=L? software=S? subject_commitments_root=H? t_ms=Z until_ms=W?"
)


def _field(name: str, kind: str) -> bytes:
    value = _PARTS[kind[0]]
    for inner in "TZH":
        value = value.replace(inner.encode(), _PARTS[inner]) if kind[0] != inner else value
    value = rb"(?P<%s>%s)" % (name.encode(), value) if name in {"agreement", "kind", "release", "t_ms"} else value
    return rb'(?:"%s":%s,)%s' % (name.encode(), value, b"?+" if kind.endswith("?") else b"")


LEAF = re.compile(rb"\{" + b"".join(_field(*f.split("=")) for f in _FIELDS.split()) + rb'"v":1\}')
ROW = re.compile(rb"N N N ([0-9a-f]{64}) ([0-9a-f]{64}) N\n".replace(b"N", rb"(0|[1-9]\d{0,18})"))
AFTER = {"intent": [""], "disclosed": ["intent", "disclosed", "unknown"], "done": ["disclosed", "unknown"]}
AFTER |= {"failed": ["intent", "disclosed"], "unknown": ["intent", "disclosed"]}
PLAIN = {b"acc", b"dec", b"log"}  # access, decision, login: nothing follows from them
ENDED = {"suspended", "terminated", "revoked", "rejected", "expired"}


class BadInputError(Exception):
    """What was given cannot be read at all, or a note is not what it must be."""


Key = tuple[str, bytes, int, bytes]  # name, the four bytes that name it in signature lines, LOG or WITNESS, public key
Head = tuple[int, bytes, frozenset[str]]  # size, root, witnesses that cosigned: of a checkpoint that was verified


def _base64_bytes(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        content = b""
    if not content or base64.b64encode(content).decode() != text:
        raise BadInputError("base64 in another than its one form")
    return content


def _read_key(text: str) -> Key:
    name, key_id, encoded = [*text.split("+", 2), "", ""][:3]
    content = _base64_bytes(encoded)
    named = sha256(name.encode() + b"\n" + content).digest()[:4]
    if len(content) != 33 or content[0] not in {LOG, WITNESS} or named.hex() != key_id:
        raise BadInputError("not a verifier key")
    return name, named, content[0], content[1:]


def _check_signature(key: Key, body: str, signature: bytes) -> None:
    if key[2] == WITNESS:
        body, signature = f"cosignature/v1\ntime {int.from_bytes(signature[:8], 'big')}\n{body}", signature[8:]
    try:
        Ed25519PublicKey.from_public_bytes(key[3]).verify(signature, body.encode())
    except InvalidSignature:
        raise BadInputError("a signature that does not verify") from None


class Policy:
    """Whom to trust: logs, witnesses, and how many of them; an unknown line refuses it. Source: c2sp.org/tlog-policy."""

    def __init__(self, text: str) -> None:
        self.logs, self.witnesses, self.quorum = list[Key](), dict[str, Key](), ""
        self.groups: dict[str, tuple[int, list[str]]] = {}
        for line in text.split("\n"):
            match line.split():
                case ["log", key, *_]:
                    self.logs.append(_read_key(key))
                case ["witness", name, key, *_]:
                    self.witnesses[name] = _read_key(key)
                case ["group", name, count, *members]:
                    known = {"all": len(members), "any": 1}
                    self.groups[name] = (known[count] if count in known else int(count), members)
                case ["quorum", name]:
                    self.quorum = name
                case [word, *_] if not word.startswith("#"):
                    raise BadInputError("a policy with an unknown line")
        if not self.logs or not (self.quorum == "none" or self.quorum in self.groups | self.witnesses):
            raise BadInputError("a policy needs a `log` line and a `quorum` line (`quorum none` asks for no witness)")

    def met(self, cosigned: Iterable[str], name: str) -> bool:
        """Tell whether these witnesses are enough for a group, a witness, or none."""
        if name in self.groups:
            return sum(self.met(cosigned, member) for member in self.groups[name][1]) >= self.groups[name][0]
        return name == "none" or name in cosigned


def read_checkpoint(text: str, policy: Policy) -> Head:
    """Verify a checkpoint strictly: form, the log's signature, each known witness's. Raises: BadInputError."""
    body, blank, rest = text.rpartition("\n\n")
    lines = body.split("\n")
    if re.search("[\x00-\x09\x0b-\x1f\ud800-\udfff]", text) or not blank or not rest.endswith("\n") or len(lines) != 3:
        raise BadInputError("not a checkpoint")
    root, signers = _base64_bytes(lines[2]), set()
    if not re.fullmatch(r"0|[1-9][0-9]{0,15}", lines[1]) or len(root) != 32:
        raise BadInputError("not a checkpoint")
    known = [("", key) for key in policy.logs if key[0] == lines[0]] + list(policy.witnesses.items())
    for line in rest[:-1].split("\n"):
        signature = re.fullmatch(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)", line)
        data = _base64_bytes(signature[2]) if signature else b""
        if not signature or len(data) < 5:
            raise BadInputError("a signature line out of form")
        for name, key in known:
            if key[:2] == (signature[1], data[:4]):
                _check_signature(key, body + "\n", data[4:])
                signers.add(name)
    if "" not in signers:
        raise BadInputError("no signature of a log that the policy names")
    return (int(lines[1]), root, frozenset(signers - {""}))


class _Tree:
    def __init__(self) -> None:  # RFC 6962 §2.1, growing only; keeps at each height the node without right neighbour
        self.size, self._pending = 0, list[bytes]()

    def extend(self, packed: bytes) -> None:
        size, self.size, height = self.size, self.size + len(packed) // 32, 0
        while packed:
            if height == len(self._pending):
                self._pending.append(b"")
            packed = (self._pending[height] if size >> height & 1 else b"") + packed
            even = len(packed) // 64 * 64
            self._pending[height] = packed[even:]
            packed = b"".join([sha256(b"\x01" + packed[i : i + 64]).digest() for i in range(0, even, 64)])
            height += 1

    def root(self) -> bytes:
        root = b""
        for height, node in enumerate(self._pending):
            if self.size >> height & 1:
                root = sha256(b"\x01" + node + root).digest() if root else node
        return root or sha256(b"").digest()


def _root_from(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:  # RFC 9162 §2.1.3.2
    last, rest = size - 1, list(path)
    while last > 0:
        if index & 1 or index < last:
            sibling = rest.pop(0) if rest else b""
            leaf = sha256(b"\x01" + (sibling + leaf if index & 1 else leaf + sibling)).digest()
        index, last = index >> 1, last >> 1
    if rest or index:
        raise BadInputError("a path of another length than the tree asks for")
    return leaf


class Verifier:
    """The nine checks over one export; findings name places, never persons."""

    def __init__(self, export: Path, policy: Policy) -> None:
        self.export, self.policy, self.tree, self.time_ms = export, policy, _Tree(), 0
        self.findings: dict[int, list[str]] = {number: [] for number in range(1, 10)}
        self.checkpoints: dict[int, list[Head]] = {}
        self.live: dict[str, dict[str, str]] = {"agreement": {}, "request": {}}
        self.releases, self.subjects = dict[str, dict[str, Any]](), dict[int, dict[str, Any]]()
        self.artifacts = set[str]()

    def run(self, retained: list[Path], artifacts: Path | None) -> dict[str, Any]:
        """Run all checks and give the report."""
        started = time.perf_counter()
        for path in [*sorted((self.export / "checkpoints").iterdir()), *retained]:
            try:
                head = read_checkpoint(path.read_bytes().decode(errors="surrogateescape"), self.policy)
                self.checkpoints.setdefault(head[0], []).append(head)
                if path.name != str(head[0]) and path not in retained:
                    self._find(4, f"{path.name}: a checkpoint of another size")
            except BadInputError as error:
                self._find(4, f"{path.name}: {error}")
        with (self.export / "marks.ndjson").open("rb") as marks:
            self._leaves(marks)
            if marks.read(1):
                self._find(7, "rows without a leaf")
        last = max(self.checkpoints, default=-1)
        cosigned = [name for head in self.checkpoints.get(last, ()) for name in head[2]]
        if last != self.tree.size:
            self._find(4, f"{self.tree.size} leaves, and checkpoints for {max(last, 0)} of them")
        if not self.policy.met(cosigned, self.policy.quorum):
            self._find(5, "the newest checkpoint lacks cosignatures of witnesses that the policy names")
        with (self.export / "disclosures.txt").open("rb") as rows:
            self._subject_rows(rows)
        self._documents(artifacts)
        found = [
            {"check": n, "what": what, "findings": self.findings[n][:MOST_FINDINGS]} for n, what in enumerate(CHECKS, 1)
        ]
        report = {"ok": not any(self.findings.values()), "size": self.tree.size, "root": self.tree.root().hex()}
        counts = {"releases": len(self.releases), "checkpoints": len(self.checkpoints)}
        return report | counts | {"checks": found, "seconds": round(time.perf_counter() - started, 3)}

    def _find(self, check: int, what: str) -> None:
        self.findings[check].append(what)

    def _leaves(self, marks: BinaryIO) -> None:
        stops = sorted(self.checkpoints)
        for lines in self._chunks(self.export / "leaves.ndjson"):
            first = self.tree.size
            for seq, (line, leaf) in enumerate(zip(lines, map(LEAF.fullmatch, lines), strict=True), first):
                if not leaf:
                    self._find(1, f"leaf {seq} is not in canonical form")
                    continue
                agreement, kind, release, t_ms = leaf.group(1, 2, 3, 4)
                if int(t_ms) < self.time_ms - SKEW_MS:
                    self._find(2, f"leaf {seq} is older than the one before it")
                self.time_ms = int(t_ms)
                if release or agreement:
                    row = (seq, kind, t_ms, release or b'""', agreement[6:-77] if agreement else b'""')
                    if marks.readline() != b"[%d,%s,%s,%s,%s]\n" % row:
                        self._find(7, f"leaf {seq} and its row differ")
                if release or kind[1:4] not in PLAIN:
                    self._meaning(seq, json.loads(line))
            packed = b"".join([sha256(b"\x00" + line).digest() for line in lines])
            while stops and stops[0] <= first + len(lines):
                stop = stops.pop(0)
                self.tree.extend(packed[32 * (self.tree.size - first) : 32 * (stop - first)])
                if any(head[1] != self.tree.root() for head in self.checkpoints[stop]):
                    self._find(3, f"the first {stop} leaves have another root than the checkpoint says")
            self.tree.extend(packed[32 * (self.tree.size - first) :])
        for stop in stops:
            self._find(3, f"a checkpoint of {stop} leaves, and there are {self.tree.size}") if stop else None

    def _chunks(self, path: Path) -> Iterator[list[bytes]]:
        rest = b""
        with path.open("rb") as file:
            while block := file.read(CHUNK):
                whole, newline, rest = (rest + block).rpartition(b"\n")
                text = "" if whole.isascii() else whole.decode(errors="surrogateescape")
                if not unicodedata.is_normalized("NFC", text) or re.search("[\ud800-\udfff]", text):
                    self._find(1, "text that is not UTF-8 in form NFC")
                yield whole.split(b"\n") if newline else []
        if rest:
            self._find(2, "a last leaf without its end")

    def _meaning(self, seq: int, leaf: dict[str, Any]) -> None:
        group, _, deed = leaf["kind"].partition(".")
        bound = leaf.get(group)
        if "subject_commitments_root" in leaf:
            self.subjects[seq] = leaf
        if group in self.live and bound and deed in {"activated", "approved"}:
            self.live[group][bound["id"]] = bound["sha256"]
        elif group in self.live and bound and deed in ENDED:
            self.live[group].pop(bound["id"], None)
        if group == "release" and deed in AFTER:
            self._release(seq, deed, leaf)

    def _release(self, seq: int, deed: str, leaf: dict[str, Any]) -> None:
        terms = {name: leaf.get(name) for name in self.live}
        known = self.releases.setdefault(leaf.get("release", ""), {"terms": terms, "patients": 0, "state": ""})
        if known["state"] not in AFTER[deed] or known["terms"] != terms:
            self._find(6, f"leaf {seq}: {deed} after {known['state'] or 'nothing'}, or on other terms than before")
        for name, bound in terms.items() if deed in {"intent", "disclosed"} else ():
            if (bound or name == "agreement") and (not bound or self.live[name].get(bound["id"]) != bound["sha256"]):
                self._find(6, f"leaf {seq}: its {name} was not in force")
        patients = leaf.get("counts", {}).get("patients", 0)
        known["patients"] += patients * (deed == "disclosed")
        if deed in {"done", "unknown"} and patients != known["patients"]:
            self._find(6, f"leaf {seq}: another number of patients than its disclosures have")
        if (deed == "disclosed") != ("subject_commitments_root" in leaf):
            self._find(6, f"leaf {seq}: commitments are missing, or where none belong")
        if deed == "done":
            self.artifacts.add(leaf.get("artifact_sha256", ""))
        known["state"] = deed

    def _subject_rows(self, rows: Iterable[bytes]) -> None:
        chains: dict[bytes, tuple[int, frozenset[str]]] = {}  # last link of each patient → number, what was revoked
        for first, group in groupby(rows, lambda line: line.partition(b" ")[0]):
            seq, hashes = int(first) if first.isdigit() else -1, list[bytes]()
            leaf = self.subjects.pop(seq, {"kind": "", "subject_commitments_root": "", "counts": {"patients": 0}})
            scope = {leaf.get("agreement", {}).get("id", "*")}
            for row in map(ROW.fullmatch, group):
                if not row or int(row[2]) != len(hashes):
                    self._find(7, f"leaf {seq}, row {len(hashes)}: not in form, or out of place")
                    continue
                number, prev, mask = int(row[3]), bytes.fromhex(row[5].decode()), int(row[6])
                before, revoked = chains.pop(prev, (0, frozenset[str]()))
                if before != number - 1 or (number == 1) != (prev == ZEROS):
                    self._find(8, f"leaf {seq}, row {len(hashes)}: its chain has a gap or a fork")
                if leaf["kind"] == "release.disclosed" and revoked & (scope | {"*"}):
                    self._find(6, f"leaf {seq}: a patient had revoked consent before")
                body = bytes.fromhex(row[4].decode()) + number.to_bytes(8, "big") + prev + mask.to_bytes(8, "big")
                hashes.append(sha256(b"\x00" + body).digest())
                granted = frozenset[str]() if "*" in scope else revoked - scope
                changed = {"consent.revoked": revoked | scope, "consent.granted": granted}
                chains[hashes[-1]] = (number, changed.get(leaf["kind"], revoked))
            tree = _Tree()
            tree.extend(b"".join(hashes))
            if (tree.root().hex(), tree.size) != (leaf["subject_commitments_root"], leaf["counts"]["patients"]):
                self._find(8, f"leaf {seq} and its rows have different roots")
        for missing in self.subjects:
            self._find(7, f"leaf {missing} concerns patients and has no rows")

    def _documents(self, artifacts: Path | None) -> None:
        for path in (self.export / "documents").iterdir():
            if sha256(path.read_bytes()).hexdigest() != path.name:
                self._find(9, f"the document {path.name[:16]} was changed")
        for path in sorted(artifacts.rglob("manifest.json")) if artifacts else ():
            if sha256(path.read_bytes()).hexdigest() not in self.artifacts:
                self._find(9, f"{path.parent.name}: a manifest that no leaf names")
            for item in json.loads(path.read_bytes()).get("files", ()):
                file = path.parent / item["path"]
                if not file.is_file() or sha256(file.read_bytes()).hexdigest() != item["sha256"]:
                    self._find(9, f"{path.parent.name}: {item['path']} is missing or was changed")


def verify_proof(text: str, policy: Policy, patient: str | None = None) -> dict[str, Any]:
    """Verify one entry's proof offline, and open it with the salt that it carries. Source: c2sp.org/tlog-proof."""
    top, _, note = text.partition("\n\n")
    first, extra, index, *path = top.split("\n")
    place = re.fullmatch(r"index (0|[1-9][0-9]{0,15})", index)
    if first != "c2sp.org/tlog-proof@v1" or not extra.startswith("extra ") or not place:
        raise BadInputError("not a proof of this ledger")
    (size, head, cosigned), more = read_checkpoint(note, policy), json.loads(_base64_bytes(extra[6:]))
    hashed = sha256(b"\x00" + more["leaf"].encode()).digest()
    within = _root_from(hashed, int(place[1]), size, [_base64_bytes(item) for item in path]) == head
    if not within or not policy.met(cosigned, policy.quorum):
        raise BadInputError("the entry is not in the ledger, or too few witnesses cosigned")
    leaf = json.loads(more["leaf"])
    if "subject_commitments_root" not in leaf:
        return {"ok": True, "entry": leaf, "witnesses": sorted(cosigned)}
    own = more["subject"]
    salt, prev = bytes.fromhex(own["salt"]), bytes.fromhex(own["prev"])
    committed = sha256(b"bailee/subj/v1" + salt + (patient or more["patient"]).encode()).digest()
    body = committed + own["n"].to_bytes(8, "big") + prev + own["mask"].to_bytes(8, "big")
    siblings = [bytes.fromhex(item) for item in own["path"]]
    root = _root_from(sha256(b"\x00" + body).digest(), own["index"], leaf["counts"]["patients"], siblings)
    if root.hex() != leaf["subject_commitments_root"]:
        raise BadInputError("the entry does not concern this patient")
    data = [name for bit, name in enumerate(leaf.get("data", ())) if own["mask"] >> bit & 1]
    return {"ok": True, "entry": leaf, "data": data, "number": own["n"], "witnesses": sorted(cosigned)}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give its exit code: 0 all is well, 1 something is not, 2 the input cannot be read."""
    parser = argparse.ArgumentParser(prog="bailee-verify", description="Verify a ledger's export: or `proof FILE`.")
    parser.add_argument("what", nargs="+", help="the export's folder, or: proof FILE")
    parser.add_argument("--keys", type=Path, required=True, help="the policy: keys that you trust")
    parser.add_argument("--retained", type=Path, nargs="*", default=[], help="checkpoints that you kept from earlier")
    parser.add_argument("--artifacts", type=Path, help="folder of releases, to check their files too")
    parser.add_argument("--patient", help="with a proof: the patient's id, in place of the one that it carries")
    asked = parser.parse_args(arguments)
    try:
        policy = Policy(asked.keys.read_text())
        if asked.what[0] == "proof":
            report = verify_proof(Path(asked.what[-1]).read_text(), policy, asked.patient)
        else:
            report = Verifier(Path(asked.what[0]), policy).run(asked.retained, asked.artifacts)
    except (BadInputError, OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"bailee-verify: {error if isinstance(error, BadInputError | OSError) else 'damaged input'}\n")
        return 1 if isinstance(error, BadInputError) else 2
    sys.stdout.write(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
