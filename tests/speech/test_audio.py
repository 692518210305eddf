"""What goes over the line: levelled, trimmed, never clipped, and joined without a click."""

import io
import math
import struct

import numpy
import pytest
import soundfile

from notifier.domain.speech import NotAudio
from notifier.sandbox.audio import wav_seconds
from notifier.speech.audio import LEVEL, PEAK, RATE, VERSION, join, make_clip, seconds
from notifier.speech.espeak_library import library

Samples = numpy.ndarray


def speech_like(length: float, loudness: float, rate: int = 22_050) -> Samples:
    """Syllables of a buzz with pauses between them. `loudness`: the peak."""
    time = numpy.arange(int(length * rate)) / rate
    buzz = sum(numpy.sin(2 * math.pi * 140 * n * time) / n for n in range(1, 12))
    syllables = numpy.clip(numpy.sin(2 * math.pi * 2.5 * time) + 0.3, 0, 1)
    sound = buzz * syllables
    return sound / numpy.abs(sound).max() * loudness


def encoded(samples: Samples, rate: int = 22_050, form: str = "WAV", subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=form, subtype=subtype)
    return file.getvalue()


def heard(clip: bytes) -> Samples:
    samples, rate = soundfile.read(io.BytesIO(join([clip])))
    assert rate == RATE
    return numpy.asarray(samples)


def level(clip: bytes) -> float:
    """RMS of what is not pause, in dB of full scale."""
    frames = heard(clip)[: len(clip) // 160 * 160].reshape(-1, 160)
    power = numpy.square(frames).mean(axis=1)
    return float(10 * numpy.log10(power[power > power.max() / 300].mean()))


@pytest.mark.parametrize("form", ["WAV", "MP3", "FLAC"])
@pytest.mark.parametrize("loudness", [0.01, 0.1, 0.99])
def test_quiet_and_loud_engines_end_at_one_level(loudness: float, form: str) -> None:
    clip = make_clip(encoded(speech_like(2, loudness), form=form))
    assert level(clip) == pytest.approx(LEVEL, abs=1)
    assert numpy.abs(heard(clip)).max() <= PEAK * 1.02  # mu-law's own steps


def test_peaks_are_turned_down_and_not_cut_off() -> None:
    sound = speech_like(2, 0.2)
    sound[20_000:20_040] = 0.99  # a pop far above the speech
    samples = heard(make_clip(encoded(sound)))
    assert numpy.abs(samples).max() <= PEAK * 1.02
    assert (numpy.abs(samples) > PEAK * 0.999).sum() < 20


def test_an_engine_and_another_sound_alike() -> None:
    spoken = library().speak("繳費期限是十二月五日", "cmn", 170)
    other = encoded(speech_like(2, 0.02), 24_000, "MP3")
    assert level(make_clip(spoken)) == pytest.approx(level(make_clip(other)), abs=1)


def test_an_offset_is_no_sound() -> None:
    silence = numpy.zeros(22_050)
    spoken = numpy.concatenate([silence, speech_like(1, 0.2), silence]) + 0.3
    samples = heard(make_clip(encoded(spoken)))
    assert len(samples) / RATE < 1.1
    assert abs(samples.mean()) < 0.005


def test_silence_around_is_cut_away_and_inside_is_kept() -> None:
    silence = numpy.zeros(22_050)
    spoken = numpy.concatenate([silence, speech_like(1, 0.5), silence, speech_like(1, 0.5), silence])
    assert 2.7 < seconds(make_clip(encoded(spoken))) < 3.1


def test_edges_do_not_click() -> None:
    samples = heard(make_clip(encoded(numpy.sin(numpy.arange(22_050) / 5) * 0.5)))
    assert abs(samples[0]) < 0.01
    assert abs(samples[-1]) < 0.01


def test_stereo_becomes_one_channel() -> None:
    sound = speech_like(1, 0.5)
    assert level(make_clip(encoded(numpy.stack([sound, sound], axis=1)))) == pytest.approx(LEVEL, abs=1)


@pytest.mark.parametrize(
    "nothing",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>are you a robot?</html>" * 50, id="a page"),
        pytest.param(encoded(numpy.zeros(22_050)), id="silence"),
        pytest.param(encoded(numpy.zeros(10)), id="ten samples"),
        pytest.param(encoded(speech_like(61, 0.5)), id="too long"),
        pytest.param(encoded(numpy.zeros(22_050 * 600, "int16"), form="FLAC"), id="hours of silence, packed"),
        pytest.param(encoded(numpy.full(22_050, 0.5)), id="an offset alone"),
        pytest.param(encoded(numpy.full(22_050, math.nan), subtype="FLOAT"), id="no numbers"),
        pytest.param(encoded(numpy.full(22_050, math.inf), subtype="FLOAT"), id="without end"),
        pytest.param(encoded(speech_like(1, 0.5))[:40], id="a header alone"),
    ],
)
def test_what_is_no_sound_is_refused(nothing: bytes) -> None:
    with pytest.raises(NotAudio):
        make_clip(nothing)


def test_clips_and_pauses_are_laid_end_to_end() -> None:
    one, two = make_clip(encoded(speech_like(1, 0.5))), make_clip(encoded(speech_like(0.5, 0.5)))
    wav = join([one, 250, two])
    assert wav_seconds(wav) == pytest.approx(seconds(one) + 0.25 + seconds(two), abs=0.001)
    samples, rate = soundfile.read(io.BytesIO(wav))
    assert (rate, len(samples)) == (RATE, len(one) + 2000 + len(two))
    assert not samples[len(one) : len(one) + 2000].any()


def test_the_header_is_a_mu_law_wav_with_its_fact() -> None:
    wav = join([b"\xff" * 801])
    assert struct.unpack_from("<4sI4s4sIHHIIHH", wav) == (
        b"RIFF", len(wav) - 8, b"WAVE", b"fmt ", 18, 7, 1, 8000, 8000, 1, 8,
    )  # fmt: skip
    assert wav[38:50] == b"fact" + struct.pack("<II", 4, 801)
    assert len(wav) % 2 == 0
    assert soundfile.info(io.BytesIO(wav)).subtype == "ULAW"


def portrait() -> list[float]:
    """What processing makes of syllables in silence with a pop among them: hundredths of a second, and the loudness of
    every tenth of one, dB; and of a tone: the loudness of its edges, a hundredth of a second each."""
    sound = numpy.pad(speech_like(1, 0.2), 8000)
    sound[12_000:12_040] = 0.99
    samples = heard(make_clip(encoded(sound)))
    tone = heard(make_clip(encoded(numpy.sin(numpy.arange(22_050) / 5) * 0.5)))
    parts = [*(samples[start : start + 800] for start in range(0, len(samples) - 800, 800)), tone[:80], tone[-80:]]
    return [len(samples) / RATE * 100, *(10 * math.log10(numpy.square(part).mean()) for part in parts)]


def test_processed_in_another_way_clips_are_made_anew() -> None:
    """Clips made by older processing would else be served beside new ones for ever."""
    assert portrait() == pytest.approx(PORTRAIT, abs=0.3), "raise audio.VERSION, and paint the portrait anew"
    assert VERSION == "1"


PORTRAIT = [106.0, -22.8, -20.3, -19.1, -60.2, -22.7, -20.1, -31.6, -60.2, -22.7, -20.1, -21.7, -21.8]
