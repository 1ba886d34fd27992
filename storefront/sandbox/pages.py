"""Everything under /sandbox/: which page or JSON answer a path gets."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from storefront.sandbox import asgi, control, dashboard, faults, hosted
from storefront.sandbox.asgi import Answer, Request, as_json
from storefront.sandbox.errors import ApiError, refuse
from storefront.sandbox.render import page, see_other, style

if TYPE_CHECKING:
    from storefront.sandbox.sandbox import Sandbox


async def serve(sandbox: Sandbox, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
    """One request for a page, a form post, or the control API."""
    request = await asgi.read(scope, receive)
    if request is None:
        answer = page(413, "message.html", title="Too large", text="This request is too large.")
    else:
        try:
            answer = await _answer(sandbox, request)
        except ApiError as error:
            answer = as_json(error.status, {"error": error.error})
    await asgi.give(send, answer, head=scope["method"] == "HEAD")


async def _answer(sandbox: Sandbox, request: Request) -> Answer:
    method = "GET" if request.method == "HEAD" else request.method
    parts = request.path.strip("/").split("/")[1:]
    if method not in ("GET", "POST", "DELETE"):
        return page(405, "message.html", title="Not allowed", text="This page takes GET and POST only.")
    if method != "GET" and request.is_cross_site:
        return page(403, "message.html", title="Refused", text="This came from another site's page.")
    match (method, *parts):
        case ("GET", "style.css"):
            return style()
        case ("GET" | "POST", "pay", session_id):
            return await (hosted.show if method == "GET" else hosted.pay)(sandbox, request, session_id)
        case ("GET" | "POST", "pay", session_id, "authenticate"):
            return await (hosted.ask if method == "GET" else hosted.answer)(sandbox, request, session_id)
    if not request.is_local:
        return page(
            403, "message.html", title="Refused", text="The sandbox is steered from this machine only."
        )
    match (method, *parts):
        case ("GET",):
            return see_other("/sandbox/dashboard")
        case ("GET", "dashboard"):
            return await dashboard.show(sandbox)
        case ("POST", "dashboard", action):
            return await dashboard.act(sandbox, request, action)
        case ("GET", "log"):
            return await dashboard.log(sandbox)
        case (_, "faults"):
            return await _faults(sandbox, request, method)
        case ("GET", "clock"):
            return as_json(200, await sandbox.control("state"))
        case ("POST", "clock"):
            return as_json(200, await sandbox.control("clock", **_fields(request)))
        case ("GET", "control", "state"):
            return as_json(200, await sandbox.control("state"))
        case ("GET", "control", "deliveries"):
            return as_json(200, {"deliveries": await sandbox.store.read(dashboard.deliveries)})
        case ("POST", "control", action):
            return as_json(200, await sandbox.store.write(lambda b: control.act(b, action, _fields(request))))
    return page(404, "message.html", title="Not found", text="The sandbox has no such page.")


async def _faults(sandbox: Sandbox, request: Request, method: str) -> Answer:
    if method == "POST":
        fault = await sandbox.store.write(lambda books: faults.order(books, _fields(request)))
        return as_json(201, asdict(fault))
    if method == "DELETE":
        await sandbox.store.write(faults.clear)
    return as_json(200, {"faults": [asdict(fault) for fault in await sandbox.store.read(faults.listing)]})


def _fields(request: Request) -> dict[str, Any]:
    """The fields of a form or of a JSON object."""
    if not request.body:
        return {}
    try:
        if request.headers.get("content-type", "").startswith("application/json"):
            fields = json.loads(request.body)
        else:
            fields = dict(request.form())
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise refuse("Send a form or a JSON object.")
    return fields
