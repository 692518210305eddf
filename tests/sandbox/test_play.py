"""Clips: fetched, measured, cached."""

import struct
from hashlib import sha256

from aiohttp import web
from twilio.twiml.voice_response import VoiceResponse

from notifier.sandbox.audio import wav_seconds

from .conftest import TO, Application, Carrier, Hook

MULAW, PCM = 7, 1


def wav(seconds: float, *, format_: int = MULAW, extra: bytes = b"") -> bytes:
    width = 1 if format_ == MULAW else 2
    sound = bytes(int(8000 * seconds) * width)
    head = struct.pack("<HHIIHH", format_, 1, 8000, 8000 * width, width, 8 * width)
    chunks = b"fmt " + struct.pack("<I", len(head)) + head + extra + b"data" + struct.pack("<I", len(sound)) + sound
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


async def played_twice(carrier: Carrier, application: Application, headers: dict[str, str]) -> list[Hook]:
    """Two calls, one after the other, that play the same clip; the requests for it."""

    def clip(hook: Hook) -> web.Response:
        if hook.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304, headers=headers)
        return web.Response(body=wav(2), content_type="audio/x-wav", headers=headers)

    application.documents["/clip.wav"] = clip
    response = VoiceResponse()
    response.play("clip.wav")
    url = application.says("/words", response)
    await carrier.behaves({}, {})
    for _ in range(2):
        await carrier.call(url=url)
        entries = await carrier.settled()
    assert [heard["seconds"] for entry in entries for heard in entry["heard"]] == [2, 2]
    return application.at("/clip.wav")


async def test_a_clip_is_heard_and_measured(carrier: Carrier, application: Application) -> None:
    sound = wav(3.5)
    application.documents["/clip.wav"] = lambda _: web.Response(body=sound, content_type="audio/basic")
    response = VoiceResponse()
    response.play("/clip.wav?key=abc", loop=2)
    await carrier.behaves({"hang_up_after": 5})
    await carrier.call(url=application.says("/words", response))
    [entry] = await carrier.settled()
    url = f"{application.url}/clip.wav?key=abc"
    digest = sha256(sound).hexdigest()
    assert entry["heard"] == [
        {"kind": "play", "url": url, "at": 0.0, "seconds": 5.0, "of": 7.0, "sha256": digest, "bytes": len(sound)}
    ]


async def test_a_fresh_clip_is_not_fetched_again(carrier: Carrier, application: Application) -> None:
    assert len(await played_twice(carrier, application, {"Cache-Control": "public, max-age=31536000, immutable"})) == 1


async def test_what_was_fetched_and_how_often_is_shown(carrier: Carrier, application: Application) -> None:
    await played_twice(carrier, application, {"Cache-Control": "no-store"})
    sound = wav(2)
    assert (await carrier.control("GET", "/clips"))["clips"] == [
        {
            "url": f"{application.url}/clip.wav",
            "requests": 2,
            "bytes": len(sound),
            "sha256": sha256(sound).hexdigest(),
            "seconds": 2.0,
        }
    ]


async def test_a_stale_clip_is_asked_for_by_its_tag(carrier: Carrier, application: Application) -> None:
    first, second = await played_twice(carrier, application, {"ETag": '"1"'})
    assert (first.headers.get("If-None-Match"), second.headers["If-None-Match"]) == (None, '"1"')


async def test_a_missing_clip_is_an_error_and_a_silence(carrier: Carrier, application: Application) -> None:
    application.documents["/clip.wav"] = lambda _: web.Response(status=404)
    response = VoiceResponse()
    response.play("/clip.wav")
    response.say("Still here.")
    await carrier.behaves({})
    await carrier.call(url=application.says("/words", response))
    [entry] = await carrier.settled()
    assert entry["errors"] == [{"code": 11200, "message": "no clip: HTTP 404", "url": f"{application.url}/clip.wav"}]
    assert [heard["words"] for heard in entry["heard"]] == ["Still here."]


async def test_many_listeners_share_one_fetch(carrier: Carrier, application: Application) -> None:
    headers = {"Cache-Control": "max-age=60"}
    application.documents["/clip.wav"] = lambda _: web.Response(body=wav(1), headers=headers)
    response = VoiceResponse()
    response.play("/clip.wav")
    url = application.says("/words", response)
    await carrier.people(everyone={"calls": {}})
    for n in range(10):
        await carrier.call(url=url, to=f"{TO[:-1]}{n}")
    entries = await carrier.settled()
    assert all(entry["heard"] for entry in entries)
    assert len(application.at("/clip.wav")) == 1


def test_seconds_of_wav_files() -> None:
    assert wav_seconds(wav(1.5)) == 1.5
    assert wav_seconds(wav(1.5, format_=PCM)) == 1.5
    assert wav_seconds(wav(2, extra=b"LIST" + struct.pack("<I", 3) + b"abc\0")) == 2
    assert wav_seconds(wav(2)[:-8000]) == 1
    assert wav_seconds(b"ID3") is None
    assert wav_seconds(b"RIFF\0\0\0\0WAVE") is None
