"""Short ways to run a configuration of Microsoft's anonymizer on a resource."""

import json

from bailee.core.clock import FixedClock, ms_from_iso
from bailee.core.entropy import SeededEntropy
from bailee.deid.structure.microsoft import Anonymizer, Scope, read_configuration

TODAY = FixedClock(ms_from_iso("2026-06-15"))
KEYS = {"dateShiftKey": "dummy", "cryptoHashKey": "123", "encryptKey": "1234567890123456"}


def rule(path, method, **settings):
    return {"path": path, "method": method} | settings


def configuration(*rules, errors="raise", **parameters):
    document = {
        "fhirVersion": "R4",
        "processingErrors": errors,
        "fhirPathRules": list(rules),
        "parameters": KEYS | parameters,
    }
    return read_configuration(json.dumps(document))


def anonymized(resource, *rules, linear_shift=True, scope=None, **options):
    """Run rules over a resource; the labels are left out unless `labels` is given."""
    labels = options.pop("labels", False)
    ready = Anonymizer(
        configuration(*rules, **options), clock=TODAY, entropy=SeededEntropy(b"test"), linear_shift=linear_shift
    )
    done = json.loads(ready.anonymize_text(json.dumps(resource), scope or Scope()))
    return done if labels else without_labels(done)


def without_labels(value):
    if isinstance(value, list):
        return [without_labels(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: without_labels(item) for key, item in value.items()}
    if set(kept.get("meta", {})) == {"security"}:
        del kept["meta"]
    return kept


def labels_of(resource):
    return [coding["code"] for coding in resource.get("meta", {}).get("security", [])]
