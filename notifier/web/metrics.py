"""Metrics of this process, in the ecosystem's conventions. No labels with personal data."""

from prometheus_client import Counter, Gauge

CALLBACKS = Counter("notifier_callbacks_total", "Requests of providers to our hooks.", ["channel", "hook", "result"])
IN_FLIGHT = Gauge("notifier_in_flight_attempts", "Attempts whose final word is not known yet.", ["channel"])
PAUSED = Gauge("notifier_channel_paused", "1 while nothing is sent on the channel.", ["channel"])
RUNS = Gauge("notifier_unfinished_runs", "Runs that are not finished, by state.", ["state"])
