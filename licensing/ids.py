"""The one source of identifiers."""

from uuid_utils import uuid7


def new(prefix: str) -> str:
    """A new identifier: `<prefix>_` and 32 hexadecimal digits that sort by the time."""
    return f"{prefix}_{uuid7().hex}"


def milliseconds_of(id: str) -> int:
    """When an identifier was made, in milliseconds since 1970, by the clock of the machine."""
    return int(id.rpartition("_")[2][:12], 16)
