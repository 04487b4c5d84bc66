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


def routed(rule: str) -> str:
    """A rule with its identifiers told from words."""
    return re.sub(r"<(\w+_id)>", rf"<{ID}:\1>", rule)
