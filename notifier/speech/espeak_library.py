"""eSpeak NG 1.52 by ctypes: the edge to a C library that holds one voice at a time and exits on a bad path.

eSpeak NG is free software under the GPL, version 3 or later; it is loaded at run time and no part of this code.
"""

import ctypes
import io
import os
import re
import threading
from functools import cache
from pathlib import Path

import espeakng_loader
import numpy
import soundfile

RETRIEVE_SYNCHRONOUSLY = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples to the callback
DO_NOT_EXIT = 0x8000  # without it the library ends the process when its data are not good
UTF8 = 1
ENDS = 0
RATE, VOLUME = 1, 2  # espeak_PARAMETER
AMPLITUDE = 80
# Where one of these is missing, or the path is longer, the library ends the process instead of answering.
DATA = ("phontab", "phonindex", "phondata", "intonations", "cmn_dict", "en_dict")
LONGEST_PATH = 159  # bytes
STUMBLES = re.compile(r"\(en\)|@:")  # an English spelling; the sound for a character that it has not
SAMPLES = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class LibraryMissing(Exception):
    """The library or its data are not where they should be."""


class Library:
    """One per process. Its calls take one lock, and let other threads run meanwhile."""

    def __init__(self, library: Path, data: Path) -> None:
        _check(library, data)
        self._lock = threading.Lock()
        self._c = ctypes.CDLL(str(library))
        self._c.espeak_Info.restype = ctypes.c_char_p
        self._c.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._c.espeak_TextToPhonemes.argtypes = (ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int)
        self.rate = self._c.espeak_Initialize(RETRIEVE_SYNCHRONOUSLY, 0, os.fsencode(data), DO_NOT_EXIT)
        if self.rate <= 0:
            raise LibraryMissing("eSpeak NG does not start")
        self.version = self._c.espeak_Info(None).decode()
        self._heard: list[bytes] = []
        self._callback = SAMPLES(self._take)  # kept: C holds no reference
        self._c.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: str, words_a_minute: int) -> bytes:
        """The text as a WAV file, 16 bit mono. The same text gives other bytes from call to call."""
        with self._lock:
            self._set_up(voice, words_a_minute)
            self._heard = []
            said = text.encode() + b"\0"
            if self._c.espeak_Synth(said, len(said), 0, 1, 0, UTF8, None, None) != 0:
                raise LibraryMissing("eSpeak NG refuses to speak")
            self._c.espeak_Synchronize()
            samples = numpy.frombuffer(b"".join(self._heard), dtype=numpy.int16)
        wav = io.BytesIO()
        soundfile.write(wav, samples, self.rate, format="WAV", subtype="PCM_16")
        return wav.getvalue()

    def stumbles(self, text: str, voice: str) -> bool:
        """Whether there is a character in the text that the voice would spell in English, or not say at all."""
        return STUMBLES.search(self.phonemes(text, voice)) is not None

    def phonemes(self, text: str, voice: str) -> str:
        """How it would say the text."""
        with self._lock:
            self._set_up(voice, 0)
            buffer = ctypes.create_string_buffer(text.encode())
            at = ctypes.c_void_p(ctypes.addressof(buffer))
            said = []
            while at.value:
                said.append((self._c.espeak_TextToPhonemes(ctypes.byref(at), UTF8, 0) or b"").decode())
            return " ".join(said)

    def _set_up(self, voice: str, words_a_minute: int) -> None:
        if self._c.espeak_SetVoiceByName(voice.encode()) != 0:
            raise LibraryMissing(f"eSpeak NG has no voice {voice}")
        if words_a_minute:
            self._c.espeak_SetParameter(RATE, words_a_minute, 0)
            self._c.espeak_SetParameter(VOLUME, AMPLITUDE, 0)

    def _take(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: object) -> int:
        if samples and count > 0:
            self._heard.append(ctypes.string_at(samples, count * 2))
        return ENDS


def _check(library: Path, data: Path) -> None:
    missing = [file.name for file in (library, *(data / name for name in DATA)) if not file.is_file()]
    if missing:
        raise LibraryMissing(f"eSpeak NG is not complete: no {', '.join(missing)}")
    if len(os.fsencode(data)) > LONGEST_PATH:
        raise LibraryMissing(f"eSpeak NG takes no path longer than {LONGEST_PATH} bytes: {data}")


@cache
def library() -> Library:
    """The one of this process. Raises LibraryMissing."""
    return Library(Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path()))
