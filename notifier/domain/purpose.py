"""Why a customer is contacted. Consent, hours and caps hang on it."""

from enum import StrEnum


class Purpose(StrEnum):
    SAFETY = "safety"
    SERVICE = "service"
    COLLECTION = "collection"
    SURVEY = "survey"
