"""Rules over a resource: in order, the first that reaches a node wins; nested resources each on their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bailee.core.clock import Clock, SystemClock, iso_from_ms
from bailee.core.entropy import Entropy, SystemEntropy
from bailee.deid.structure.microsoft import dates, methods
from bailee.deid.structure.microsoft.config import Configuration, Rule
from bailee.deid.structure.microsoft.errors import ConfigurationInvalid, ProcessingFailed
from bailee.deid.structure.microsoft.fhirpath import Misfit, evaluate
from bailee.deid.structure.microsoft.labels import Operation, add_labels
from bailee.deid.structure.microsoft.patients import Owners, owners_of
from bailee.deid.structure.microsoft.substitute import substitute
from bailee.deid.structure.microsoft.tree import (
    Element,
    document_of,
    hold_depth,
    parse_json,
    read_resource,
    text_of,
    text_of_tree,
)

Index = Mapping[str, list[Element]]
METHODS: dict[str, Callable[[Element, Rule, methods.Context], methods.Records]] = {
    "keep": methods.keep,
    "redact": methods.redact,
    "dateshift": methods.date_shift,
    "cryptohash": methods.crypto_hash,
    "encrypt": methods.encrypt,
    "generalize": methods.generalize,
    "perturb": methods.perturb,
    "substitute": substitute,
}
LINEAR_WARNING = (
    "the linear date shift gives itself away: one true date reveals the offset of every other resource; "
    "use it only to compare with the original tool"
)


@dataclass(frozen=True)
class Scope:
    """Where a resource lies: what dates are shifted by under the scopes `file` and `folder`."""

    file: str = ""
    folder: str = ""


class Anonymizer:
    """A configuration, ready to run. `linear_shift` is the original tool's date shift, which is not secure."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        linear_shift: bool = False,
    ) -> None:
        self.configuration = configuration
        self._entropy = entropy or SystemEntropy()
        at_ms = (clock or SystemClock()).now_ms()  # one moment for all that is treated: ages do not change on the way
        self._today, self._now = datetime.fromtimestamp(at_ms / 1000, tz=UTC).date(), iso_from_ms(at_ms)
        self._linear = linear_shift
        self.emptied = 0  # resources that failed, and were skipped
        self._by_type: dict[str, tuple[Rule, ...]] = {}
        self.warnings = (*configuration.warnings, *([LINEAR_WARNING] if linear_shift else []))

    def anonymize_text(self, content: str | bytes, scope: Scope | None = None) -> str:
        """Anonymize one resource as JSON text, on one line. Raises: as `anonymize`."""
        return text_of_tree(self._anonymized(parse_json(content), scope))

    def anonymize(self, document: Any, scope: Scope | None = None) -> dict[str, Any]:
        """Anonymize one resource (as `tree.parse_json` reads it) by all rules; numbers stay `tree.Number`.

        Raises: Invalid for input that is no R4 resource; ConfigurationInvalid where a rule cannot be carried out;
        ProcessingFailed where a rule fails on this resource and failures are not skipped.
        """
        hold_depth(document)
        return document_of(self._anonymized(document, scope))

    def _anonymized(self, document: Any, scope: Scope | None) -> Element:
        root = read_resource(document)
        try:
            _Run(self, root, scope or Scope()).visit(root)
        except ProcessingFailed:
            if not self.configuration.skips_failures:
                raise
            self.emptied += 1
            root = Element(root.slot)
            add_labels(root, {Operation.REDACT})
        prune(root)
        return root

    def rules_for(self, resource_type: str) -> tuple[Rule, ...]:
        """Give the rules that are tried on resources of a type, in order."""
        found = self._by_type.get(resource_type)
        if found is None:
            found = tuple(rule for rule in self.configuration.rules if rule.applies_to(resource_type))
            self._by_type[resource_type] = found
        return found

    def context(self, offset_days: Callable[[Element], int]) -> methods.Context:
        """Give what methods need."""
        return methods.Context(self.configuration.parameters, self._today, self._now, self._entropy, offset_days)

    def offset_days(self, node: Element, scope: Scope, owners: Owners) -> int:
        """Give a node's date offset. Units: days."""
        parameters = self.configuration.parameters
        if parameters.fixed_offset_days is not None:
            return parameters.fixed_offset_days
        prefix = {"file": scope.file, "folder": scope.folder}.get(parameters.date_shift_scope, "")
        if self._linear:
            return dates.linear_offset(prefix or _id_of(node.root), parameters.date_shift_key)
        return dates.keyed_offset(prefix or owners.whose(node), parameters.date_shift_key)


def _id_of(node: Element) -> str:
    first = node.first("id")
    return "" if first is None else text_of(first.value)


def child_resources(resource: Element) -> list[Element]:
    """Find the resources that lie directly in a resource, not those inside them."""
    if resource.type not in {"Bundle", "Parameters"}:
        return resource.named("contained")
    found, pending = [], list(reversed(resource.children))
    while pending:
        node = pending.pop()
        if node.is_resource:
            found.append(node)
        else:
            pending += reversed(node.children)
    return found


def prune(node: Element) -> None:
    """Remove nodes that hold nothing, from the leaves up; resources stay."""
    for child in list(node.children):
        prune(child)
        if not child.children and child.value is None and not child.is_resource:
            node.children.remove(child)


class _Run:
    """One outermost resource on its way through the rules."""

    def __init__(self, anonymizer: Anonymizer, root: Element, scope: Scope) -> None:
        self._rules_for = anonymizer.rules_for
        owners = owners_of(root)
        self._context = anonymizer.context(lambda node: anonymizer.offset_days(node, scope, owners))

    def visit(self, resource: Element) -> set[Operation]:
        """Process resources from the outermost in; give what was done in a resource and in those inside it."""
        done = self._process(resource)
        for inner in child_resources(resource):
            done |= self.visit(inner)
        if resource.name != "contained":
            add_labels(resource, done)
        return done

    def _process(self, resource: Element) -> set[Operation]:
        by_type, by_name = _indexes(resource)
        done: set[Operation] = set()
        for rule in self._rules_for(resource.type):
            if rule.method not in METHODS:
                raise ConfigurationInvalid("a method that does not exist", where=rule.where)
            for node in self._matches(rule, resource, by_type, by_name):
                done |= self._treat(node, rule)
        return done

    def _matches(self, rule: Rule, resource: Element, by_type: Index, by_name: Index) -> list[Element]:
        if rule.lookup is not None:
            function, wanted, child = rule.lookup
            nodes = (by_type if function == "nodesByType" else by_name).get(wanted, [])
            return [found for node in nodes for found in node.named(child)] if child else nodes
        if rule.expression is None:
            return [resource]
        if rule.plain:
            return _below(resource, rule.plain)
        try:
            found = evaluate(rule.expression, resource, now=self._context.now)
        except (Misfit, ArithmeticError):
            raise ConfigurationInvalid("an expression that does not fit a resource", where=rule.where) from None
        nodes = [item for item in found if isinstance(item, Element)]
        if len(nodes) != len(found):
            raise ConfigurationInvalid("an expression that gives values, not elements", where=rule.where)
        return nodes

    def _treat(self, node: Element, rule: Rule) -> set[Operation]:
        if node.touched:
            return set()
        done = set(METHODS[rule.method](node, rule, self._context))
        node.touched = True
        for child in list(node.children):
            if not child.is_resource:
                done |= self._treat(child, rule)
        return done


def _below(resource: Element, names: tuple[str, ...]) -> list[Element]:
    """Follow a plain path, as FHIRPath would."""
    found = [resource]
    for name in names:
        found = [child for node in found for child in node.children if child.name == name]
        if not found:
            break
    return found


def _indexes(resource: Element) -> tuple[dict[str, list[Element]], dict[str, list[Element]]]:
    """Index what lies below a resource by type and by name; a child resource is there, what it holds is not."""
    by_type: dict[str, list[Element]] = {}
    by_name: dict[str, list[Element]] = {}
    pending = list(reversed(resource.children))
    while pending:
        node = pending.pop()
        by_type.setdefault(node.type, []).append(node)
        by_name.setdefault(node.name, []).append(node)
        if not node.is_resource:
            pending += reversed(node.children)
    return by_type, by_name
