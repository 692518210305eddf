"""What is refused, as application/problem+json (RFC 9457)."""

import json
from collections.abc import Mapping

from aiohttp import web

TYPE = "urn:notifier:problem:"
MEDIA = "application/problem+json"


def problem(
    status: int, name: str, title: str, detail: str, headers: Mapping[str, str] | None = None, **more: object
) -> web.Response:
    """An answer that says why. `name` is what a program may compare; `more` are its further members."""
    body = {"type": TYPE + name, "title": title, "status": status, "detail": detail, **more}
    return web.Response(
        status=status, body=json.dumps(body, ensure_ascii=False).encode(), content_type=MEDIA, headers=headers
    )
