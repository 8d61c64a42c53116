"""What can go wrong with a configuration: in the file, or when a rule meets data."""

from __future__ import annotations

from bailee.core.errors import Invalid


class ConfigurationInvalid(Invalid):
    """The configuration cannot be carried out. `processingErrors: skip` does not help."""

    code = "E-MS-CONFIGURATION"


class ProcessingFailed(Invalid):
    """A rule failed on one resource; `processingErrors: skip` leaves an empty resource in its place."""

    code = "E-MS-PROCESSING"
