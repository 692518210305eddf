"""Sound as a telephone carries it: 8 kHz mono G.711 mu-law, levelled, without silence around it.

A clip is the bare bytes, so that joining is laying end to end; only what is served has a header.
"""

import io
import struct
from collections.abc import Sequence

import numpy
import soundfile
import soxr

from notifier.domain.speech import NotAudio

VERSION = "1"  # part of a clip's key: processed in another way, clips are made anew
RATE = 8000  # samples, and bytes, a second
SILENCE = b"\xff"  # mu-law zero
LONGEST = 60.0  # seconds; a clip is a line at most
SHORTEST = 0.05
LEVEL = -20.0  # dB of full scale, RMS of what is speech and not pause: engines differ by 10 dB
PEAK = 10 ** (-1 / 20)  # -1 dB of full scale
QUIET = -45.0  # dB below the loudest 20 ms: what is quieter is no speech
FRAME = RATE // 50
FADE = RATE // 200  # 5 ms: an edge that begins in the middle of a wave clicks
MU_LAW = 7  # WAVE_FORMAT_MULAW


def make_clip(encoded: bytes) -> bytes:
    """A clip of whatever libsndfile reads: WAV, MP3, FLAC. Raises NotAudio for what is no sound, silent or too long."""
    sound = _resampled(*_decoded(encoded))
    return _mu_law(_faded(_levelled(_trimmed(sound))))


def seconds(clip: bytes) -> float:
    return len(clip) / RATE


def join(pieces: Sequence[bytes | int]) -> bytes:
    """Clips, and pauses in milliseconds between them, as one WAV file."""
    body = b"".join(piece if isinstance(piece, bytes) else SILENCE * (piece * RATE // 1000) for piece in pieces)
    form = struct.pack("<HHIIHHH", MU_LAW, 1, RATE, RATE, 1, 8, 0)
    chunks = b"WAVE" + _chunk(b"fmt ", form) + _chunk(b"fact", struct.pack("<I", len(body))) + _chunk(b"data", body)
    return _chunk(b"RIFF", chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _decoded(encoded: bytes) -> "tuple[numpy.ndarray, int]":
    try:
        with soundfile.SoundFile(io.BytesIO(encoded)) as file:
            rate = file.samplerate
            samples = file.read(int(LONGEST * rate) + 1, dtype="float64", always_2d=True)  # silence packs 1:1000
    except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError) as error:
        raise NotAudio(f"{len(encoded)} bytes that are no sound") from error
    if not SHORTEST <= len(samples) / rate <= LONGEST:
        raise NotAudio(f"sound of {len(samples) / rate:.2f} s, which is no line of a call")
    mono = samples.mean(axis=1)
    if not numpy.isfinite(mono).all():
        raise NotAudio("sound with samples that are no numbers")
    return mono - mono.mean(), rate  # without an offset, which would pass for sound and click at the edges


def _resampled(mono: numpy.ndarray, rate: int) -> numpy.ndarray:
    sound: numpy.ndarray = soxr.resample(mono, rate, RATE)
    return sound


def _frames(sound: numpy.ndarray) -> numpy.ndarray:
    """The loudness of each 20 ms, in dB of full scale."""
    whole = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    loudness: numpy.ndarray = 10 * numpy.log10(numpy.square(whole, dtype="float64").mean(axis=1) + 1e-12)
    return loudness


def _trimmed(sound: numpy.ndarray) -> numpy.ndarray:
    loudness = _frames(sound)
    if not len(loudness) or loudness.max() < -60:
        raise NotAudio("silence")
    (speech,) = numpy.nonzero(loudness > loudness.max() + QUIET)
    return sound[max(0, speech[0] - 1) * FRAME : (speech[-1] + 2) * FRAME]


def _levelled(sound: numpy.ndarray) -> numpy.ndarray:
    """At the level of speech, and no sample clipped."""
    loudness = _frames(sound)
    speech = loudness[loudness > loudness.max() - 25]
    mean = 10 * numpy.log10((10 ** (speech / 10)).mean())
    return _limited(sound * 10 ** ((LEVEL - mean) / 20))


def _limited(sound: numpy.ndarray) -> numpy.ndarray:
    """Peaks are turned down for as long as they last, not the whole made quieter: a clip beside a louder one sounds
    like another voice. The gain of a frame suits its neighbours' peaks too, so that sliding from one to the next never
    exceeds what either bears."""
    whole = numpy.pad(sound, (0, -len(sound) % FRAME)).reshape(-1, FRAME)
    peaks = numpy.pad(numpy.abs(whole).max(axis=1), 1)
    around = numpy.maximum(numpy.maximum(peaks[:-2], peaks[1:-1]), peaks[2:])
    gains = numpy.minimum(1, PEAK / numpy.maximum(around, 1e-9))
    middles = numpy.arange(len(gains)) * FRAME + FRAME / 2
    limited: numpy.ndarray = sound * numpy.interp(numpy.arange(len(sound)), middles, gains)
    return limited


def _faded(sound: numpy.ndarray) -> numpy.ndarray:
    ramp = numpy.linspace(0, 1, FADE, dtype=sound.dtype)
    faded = sound.copy()
    faded[:FADE] *= ramp
    faded[-FADE:] *= ramp[::-1]
    return faded


def _mu_law(sound: numpy.ndarray) -> bytes:
    raw = io.BytesIO()
    soundfile.write(raw, sound, RATE, format="RAW", subtype="ULAW")
    return raw.getvalue()
