"""Every gap between two effects, as the name of the trap in it."""

from collections.abc import Iterable


def _traps(role: str, effects: Iterable[str], *phases: str) -> tuple[str, ...]:
    return tuple(f"{role} {effect}:{phase}" for effect in effects for phase in phases)


# From the hour of the schedule to the audience on the queue. What is "after" inside a transaction is before its commit.
OPENING = (
    *_traps("keep", ("schedules.due",), "after"),
    *_traps("keep", ("runs.open",), "before", "amid", "after"),
    *_traps("keep", ("schedules.fired",), "amid", "after"),
    *_traps("work", ("runs.next_to_plan", "audiences.unread_cells", "audiences.keep_numbers"), "after"),
    *_traps("work", ("audiences.stage", "audiences.screen", "audiences.fan_out"), "amid", "after"),
    *_traps("work", ("runs.planned",), "amid", "after"),
    *_traps("work", ("audiences.refresh_statistics",), "before", "amid", "after"),
)

# From the audience to the run's opening: what its calls say is recorded.
PREPARER = (
    *_traps("work", ("runs.take_to_prepare",), "amid", "after"),
    *_traps("work", ("runs.to_tell",), "after"),
    *_traps("work", ("clips.claim", "clips.keep"), "before", "amid", "after"),
    *_traps("work", ("runs.prepared",), "before", "amid", "after"),
)

# From the claim to the answer on disk.
DISPATCHER = (
    *_traps("work", ("budgets.grant", "queue.claim"), "amid", "after"),
    *_traps("work", ("source.facts", "runs.wait_for"), "after"),
    *_traps("work", ("queue.write_ahead",), "before", "amid", "after"),
    *_traps("work", ("voice.send", "sms.send", "email.send"), "before", "amid", "after"),
    *_traps("work", ("queue.dispose", "queue.give_back"), "before", "amid", "after"),
    *_traps("work", ("budgets.note_trouble", "budgets.note_success"), "before", "after"),
)
RECORDER = (
    *_traps("work", ("attempts.apply",), "before", "amid", "after"),
    *_traps("work", ("attempts.store",), "before", "amid", "after"),
    *_traps("work", ("attempts.suppress", "replies.store", "replies.rest"), "before", "amid", "after"),
    *_traps("work", ("wake_ups.send",), "before", "after"),
)
# From the callback to what follows from it: the web side, and the worker's side that reads what it stored.
INBOX = (
    *_traps("web", ("attempts.message_of",), "before", "after"),
    *_traps("web", ("attempts.store",), "before", "amid", "after"),
    *_traps("web", ("wake_ups.send",), "before", "amid", "after"),
    *_traps("work", ("attempts.with_news",), "before", "amid", "after"),
)
KEEPER = (
    *_traps("keep", ("attempts.take_silent", "attempts.note_miss"), "amid", "after"),
    *_traps("keep", ("voice.look_up",), "after"),
    *_traps("keep", ("attempts.store",), "before", "amid", "after"),
    *_traps("keep", ("wake_ups.send",), "before", "after"),
)
CLOSING = _traps("keep", ("runs.move",), "before", "amid", "after")

EARLY = (*OPENING, *PREPARER)
RUNNING = (*DISPATCHER, *RECORDER, *INBOX, *KEEPER)
EVERY = (*EARLY, *RUNNING, *CLOSING)
