"""Consents as records of their own: stores, attributes, policies, artifacts, revisions, mappings of data to people.

The shape follows Google Cloud's Consent Management API, so that its users find their way, with what it lacks:
policies that deny and override, a preview, and a history that nobody can destroy. Times are milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bailee.consent.cel import check_rule, holds
from bailee.core.errors import Conflict, Invalid

MOST_POLICIES = 10
MOST_ATTRIBUTES = 200
MOST_LISTED = 100
LEAST_TTL_MS = 24 * 3600 * 1000

DataId = Annotated[str, Meta(min_length=1, max_length=512, pattern="^[^\\x00]+$")]
Name = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Attribute = Annotated[str, Meta(pattern="^[a-zA-Z_][a-zA-Z0-9_]{0,127}$")]
Value = Annotated[str, Meta(min_length=1, max_length=256)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
State = Literal["DRAFT", "ACTIVE", "REVOKED", "REJECTED"]


class Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The base of what is stored here."""


class ConsentStore(Form, frozen=True, kw_only=True):
    """A hospital's collection of consents, and how long one holds that does not say."""

    default_consent_ttl_ms: Annotated[int, Meta(ge=LEAST_TTL_MS)] | None = None
    enable_consent_create_on_update: bool = False
    labels: dict[Name, Value] = msgspec.field(default_factory=dict)


class AttributeDefinition(Form, frozen=True, kw_only=True):
    """A word about data (RESOURCE) or about an ask (REQUEST), and the values it may have."""

    category: Literal["RESOURCE", "REQUEST"]
    allowed_values: Annotated[tuple[Value, ...], Meta(min_length=1, max_length=500)]
    consent_default_values: tuple[Value, ...] = ()
    data_mapping_default_value: Value | None = None
    description: Annotated[str, Meta(max_length=1000)] = ""


class ResourceAttribute(Form, frozen=True, kw_only=True):
    """One attribute with its values: any of them, in a policy; exactly one, in a mapping."""

    attribute_definition_id: Attribute
    values: Annotated[tuple[Value, ...], Meta(min_length=1)]


class Policy(Form, frozen=True, kw_only=True):
    """Which data, for which asks: attributes are AND, values OR, none means all; `effect` DENY overrides."""

    authorization_rule: str
    resource_attributes: tuple[ResourceAttribute, ...] = ()
    effect: Literal["PERMIT", "DENY"] = "PERMIT"


class Signature(Form, frozen=True, kw_only=True):
    """Who signed, when, and the hash of the image of the signature; the image itself is kept elsewhere."""

    user_id: Name
    signature_time_ms: Annotated[int, Meta(ge=0)]
    image_sha256: Sha256 | None = None
    metadata: dict[Name, Value] = msgspec.field(default_factory=dict)


class ConsentArtifact(Form, frozen=True, kw_only=True):
    """The proof that somebody consented."""

    user_id: Name
    user_signature: Signature | None = None
    guardian_signature: Signature | None = None
    witness_signature: Signature | None = None
    consent_content_version: Annotated[str, Meta(max_length=256)] = ""
    screenshots_sha256: tuple[Sha256, ...] = ()
    metadata: dict[Name, Value] = msgspec.field(default_factory=dict)


class Consent(Form, frozen=True, kw_only=True):
    """One revision of a person's consent. A state that is not named is DRAFT."""

    user_id: Name
    policies: Annotated[tuple[Policy, ...], Meta(max_length=MOST_POLICIES)]
    consent_artifact: Name | None = None
    state: State = "DRAFT"
    expire_time_ms: Annotated[int, Meta(ge=0)] | None = None
    metadata: dict[Name, Value] = msgspec.field(default_factory=dict)


class UserDataMapping(Form, frozen=True, kw_only=True):
    """Which data is whose, and what it is."""

    data_id: DataId
    user_id: Name
    resource_attributes: tuple[ResourceAttribute, ...] = ()
    archived_ms: int | None = None


class Verdict(StrEnum):
    """What one consent says of one mapping."""

    NOT_APPLICABLE = "NOT_APPLICABLE"
    NO_MATCHING_POLICY = "NO_MATCHING_POLICY"
    NO_SATISFIED_POLICY = "NO_SATISFIED_POLICY"
    HAS_SATISFIED_POLICY = "HAS_SATISFIED_POLICY"
    HAS_SATISFIED_DENY_POLICY = "HAS_SATISFIED_DENY_POLICY"


STEPS: Mapping[tuple[str, str], str] = {
    ("activate", "DRAFT"): "ACTIVE",
    ("activate", "ACTIVE"): "ACTIVE",
    ("revoke", "ACTIVE"): "REVOKED",
    ("revoke", "REVOKED"): "REVOKED",
    ("reject", "DRAFT"): "REJECTED",
    ("reject", "REJECTED"): "REJECTED",
    ("patch", "DRAFT"): "DRAFT",
    ("patch", "ACTIVE"): "ACTIVE",
}
"""(call, state) → state; what is not here is refused. A state that stays is no new revision, `patch` aside."""


def step_consent(consent: Consent, call: str, *, artifact: str | None = None) -> Consent:
    """Take one step. Raises: Conflict where the state forbids it; Invalid if activation has no artifact."""
    to = STEPS.get((call, consent.state))
    if to is None:
        raise Conflict(f"cannot {call} a consent that is {consent.state}")
    proof = artifact or consent.consent_artifact
    if call == "activate" and not proof:
        raise Invalid("an activation without an artifact", remedy="Name the consentArtifact that proves it.")
    if to == consent.state:
        return consent
    return msgspec.structs.replace(consent, state=to, consent_artifact=proof)


def is_live(consent: Consent, at_ms: int) -> bool:
    """Tell whether a consent counts: ACTIVE and not expired. Expiry is no state, it is the time."""
    return consent.state == "ACTIVE" and not _has_expired(consent, at_ms)


def evaluate(
    consents: Mapping[str, Consent],
    mapping: UserDataMapping,
    request: Mapping[str, str],
    at_ms: int,
    *,
    drafts: frozenset[str] = frozenset(),
) -> dict[str, Verdict]:
    """Tell what each consent says of one mapping. `drafts` names drafts that count as well, for a preview."""
    return {
        name: _verdict(consent, mapping, request)
        for name, consent in sorted(consents.items())
        if consent.user_id == mapping.user_id
        and (is_live(consent, at_ms) or (name in drafts and _is_live_draft(consent, at_ms)))
    }


def is_consented(verdicts: Iterable[Verdict]) -> bool:
    """Decide over all consents: some permit, and none denies."""
    found = set(verdicts)
    return Verdict.HAS_SATISFIED_POLICY in found and Verdict.HAS_SATISFIED_DENY_POLICY not in found


def check_request(request: Mapping[str, str], definitions: Mapping[str, AttributeDefinition]) -> None:
    """Hold that an ask uses known attributes and values. Raises: Invalid."""
    for name, value in request.items():
        definition = definitions.get(name)
        if definition is None or definition.category != "REQUEST":
            raise Invalid("a request attribute that is not defined", remedy="Define it as a REQUEST attribute.")
        if value not in definition.allowed_values:
            raise Invalid("a value that the attribute does not allow", where=name, remedy="Use an allowed value.")


def check_consent(consent: Consent, definitions: Mapping[str, AttributeDefinition]) -> None:
    """Hold that a consent's policies use known attributes and values. Raises: Invalid."""
    requests = frozenset(name for name, one in definitions.items() if one.category == "REQUEST")
    for policy in consent.policies:
        check_rule(policy.authorization_rule, requests)
        check_attributes(policy.resource_attributes, definitions)
    if consent.state == "ACTIVE" and not consent.consent_artifact:
        raise Invalid("an active consent without an artifact", remedy="Name the consentArtifact that proves it.")


def check_mapping(mapping: UserDataMapping, definitions: Mapping[str, AttributeDefinition]) -> None:
    """Hold that a mapping says one known value for each attribute. Raises: Invalid."""
    check_attributes(mapping.resource_attributes, definitions)
    if any(len(one.values) != 1 for one in mapping.resource_attributes):
        raise Invalid("several values in a mapping", remedy="A mapping says one value for each attribute.")


def check_attributes(attributes: Sequence[ResourceAttribute], definitions: Mapping[str, AttributeDefinition]) -> None:
    """Hold that resource attributes are defined, once each, with allowed values. Raises: Invalid."""
    names = [one.attribute_definition_id for one in attributes]
    if len(set(names)) != len(names):
        raise Invalid("the same attribute twice", remedy="Put its values into one.")
    for one in attributes:
        definition = definitions.get(one.attribute_definition_id)
        if definition is None or definition.category != "RESOURCE":
            raise Invalid("a resource attribute that is not defined", remedy="Define it as a RESOURCE attribute.")
        if not set(one.values) <= set(definition.allowed_values):
            raise Invalid("a value that the attribute does not allow", remedy="Use an allowed value.")


def check_definition_change(before: AttributeDefinition, after: AttributeDefinition) -> None:
    """Hold that a definition only grows, since consents rest on it. Raises: Conflict."""
    if before.category != after.category:
        raise Conflict("an attribute's category cannot change")
    if not set(before.allowed_values) <= set(after.allowed_values):
        raise Conflict("allowed values can be added and not removed")


def with_defaults(mapping: UserDataMapping, definitions: Mapping[str, AttributeDefinition]) -> UserDataMapping:
    """Fill in what a mapping does not say from its store's definitions."""
    said = {one.attribute_definition_id for one in mapping.resource_attributes}
    more = tuple(
        ResourceAttribute(attribute_definition_id=name, values=(one.data_mapping_default_value,))
        for name, one in sorted(definitions.items())
        if one.category == "RESOURCE" and one.data_mapping_default_value is not None and name not in said
    )
    return msgspec.structs.replace(mapping, resource_attributes=(*mapping.resource_attributes, *more))


def with_default_values(consent: Consent, definitions: Mapping[str, AttributeDefinition]) -> Consent:
    """Narrow permissions that do not speak of an attribute to its default values; refusals stay as wide as they are."""
    return msgspec.structs.replace(consent, policies=narrowed(consent.policies, definitions))


def narrowed(policies: tuple[Policy, ...], definitions: Mapping[str, AttributeDefinition]) -> tuple[Policy, ...]:
    """Narrow policies that permit as `with_default_values` does."""
    defaults = {
        name: one for name, one in definitions.items() if one.category == "RESOURCE" and one.consent_default_values
    }
    return tuple(_narrowed(policy, defaults) for policy in policies)


def _narrowed(policy: Policy, defaults: Mapping[str, AttributeDefinition]) -> Policy:
    said = {one.attribute_definition_id for one in policy.resource_attributes}
    if policy.effect == "DENY":
        return policy
    more = tuple(
        ResourceAttribute(attribute_definition_id=name, values=one.consent_default_values)
        for name, one in sorted(defaults.items())
        if name not in said
    )
    return msgspec.structs.replace(policy, resource_attributes=(*policy.resource_attributes, *more))


def _is_live_draft(consent: Consent, at_ms: int) -> bool:
    return consent.state == "DRAFT" and not _has_expired(consent, at_ms)


def _has_expired(consent: Consent, at_ms: int) -> bool:
    return consent.expire_time_ms is not None and consent.expire_time_ms <= at_ms


def _verdict(consent: Consent, mapping: UserDataMapping, request: Mapping[str, str]) -> Verdict:
    if mapping.archived_ms is not None:
        return Verdict.NOT_APPLICABLE
    matching = [policy for policy in consent.policies if matches(policy, mapping)]
    if not matching:
        return Verdict.NO_MATCHING_POLICY
    said = {(policy.effect, holds(policy.authorization_rule, request)) for policy in matching}
    if ("DENY", True) in said or ("DENY", None) in said:  # a refusal that cannot be evaluated refuses
        return Verdict.HAS_SATISFIED_DENY_POLICY
    return Verdict.HAS_SATISFIED_POLICY if ("PERMIT", True) in said else Verdict.NO_SATISFIED_POLICY


def matches(policy: Policy, mapping: UserDataMapping) -> bool:
    """Tell whether a policy is about this data. Data that lacks an attribute matches a refusal, no permission."""
    known = {one.attribute_definition_id: one.values[0] for one in mapping.resource_attributes}
    for one in policy.resource_attributes:
        value = known.get(one.attribute_definition_id)
        if value is None:
            if policy.effect == "PERMIT":
                return False
        elif value not in one.values:
            return False
    return True
