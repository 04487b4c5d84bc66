"""Whether the service lives, and whether it can work."""

from typing import Any

from licensing import db
from licensing.api import fields
from licensing.api.kit import PlainBlueprint, Response
from licensing.api.request_refusals import NotReady, Unavailable
from licensing.queries import operating
from licensing.rules.permissions import NOBODY_IN_PARTICULAR, Actor

blp = PlainBlueprint("health", __name__, description="For whoever runs the service")


class HealthResponse(Response):
    """A sign of life."""

    status = fields.Text(max=16, description="`ok`", example="ok")


@blp.get("/livez")
@blp.needs(NOBODY_IN_PARTICULAR)
@blp.unlimited()
@blp.gives(200, HealthResponse)
def get_liveness(actor: Actor) -> dict[str, Any]:
    """Tell whether the process lives

    Asks nobody else; restart the process when it does not answer.
    """
    return {"status": "ok"}


@blp.get("/readyz")
@blp.needs(NOBODY_IN_PARTICULAR)
@blp.unlimited()
@blp.gives(200, HealthResponse)
@blp.refuses(NotReady, Unavailable)
def get_readiness(actor: Actor) -> dict[str, Any]:
    """Tell whether the service can work

    It can when the database answers, its schema is up to date, there is room on its disk, its clock
    is ours, and the scheduler and the dispatcher of this process are alive. Send no requests while
    it cannot; `troubles` says why.
    """
    return _ready()


def _ready() -> dict[str, Any]:
    with db.connection():
        troubles = list(operating.troubles())
    if troubles:
        raise NotReady(troubles)
    return {"status": "ok"}
