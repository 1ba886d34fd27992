"""What happened to somebody's access, for the log: who by number, never by address, and under which request."""

from typing import Any

import structlog
from litestar.connection import ASGIConnection

log = structlog.get_logger()


def note(connection: ASGIConnection[Any, Any, Any, Any], what: str, **about: int | str | None) -> None:
    """One line of the log, with the request's id and route. `what` is a constant to look for; whoever is signed in
    is the `account`, unless another is given."""
    scope: Any = connection.scope
    where = {"id": scope.get("request_id"), "route": scope.get("path_template")}
    log.info("access", what=what, **({"account": scope.get("account_id")} | where | about))
