"""Identifiers in paths, told from the words that stand in the same place."""

import re

from werkzeug.routing import BaseConverter

ID = "id"


class IdConverter(BaseConverter):
    """
    An identifier: any text but `preview`, which is what stands beside identifiers.

    So the path of a preview has the methods of the preview only. Whether there is such a thing is
    asked later, once it is known who wants to know.
    """

    part_isolating = True
    regex = "(?!preview$)[^/]+"


# What a path may have in place of a parameter; anything else names nothing.
VALUE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def pattern_of(rule: str) -> re.Pattern[str]:
    """What matches the paths that Flask leads to a rule, those with values that may be good."""
    value = rf"(?!preview(?:/|$)){VALUE.pattern}"
    return re.compile(re.sub(r"<(\w+)>", rf"(?P<\1>{value})", rule))


def routed(rule: str) -> str:
    """A rule with its identifiers told from words."""
    return re.sub(r"<(\w+_id)>", rf"<{ID}:\1>", rule)
