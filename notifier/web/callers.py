"""Who calls the API: by a key that is in use."""

from aiohttp import web

from notifier.clock import Clock
from notifier.storage.api_keys import ApiKeyStore
from notifier.web.problems import problem

BEARER = "bearer "


async def caller_of(request: web.Request, keys: ApiKeyStore, clock: Clock) -> str | None:
    """The name of the key that was sent, unless there is no such key any more."""
    given = request.headers.get("Authorization", "")
    key = given[len(BEARER) :].strip() if given.lower().startswith(BEARER) else ""
    return await keys.owner(key, clock.real_now())


def no_key() -> web.Response:
    return problem(
        401, "no-key", "No valid API key", "Send a key that is in use: Authorization: Bearer KEY.",
        {"WWW-Authenticate": 'Bearer realm="notifier"'},
    )  # fmt: skip
