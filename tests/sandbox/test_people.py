"""The crowd: the same every time, in the shares its table gives."""

from collections import Counter

from notifier.sandbox.people import CallOutcome, Crowd, MessageOutcome, draw_behaviour, draw_fate, is_bad_number

NUMBERS = [f"+8869{n:08d}" for n in range(4000)]


def test_behaviour_depends_on_seed_number_and_nth_alone() -> None:
    forwards = {number: draw_behaviour(7, number, 0) for number in NUMBERS[:200]}
    backwards = {number: draw_behaviour(7, number, 0) for number in reversed(NUMBERS[:200])}
    assert forwards == backwards
    assert forwards != {number: draw_behaviour(8, number, 0) for number in NUMBERS[:200]}
    assert forwards != {number: draw_behaviour(7, number, 1) for number in NUMBERS[:200]}


def test_a_number_out_of_service_stays_so() -> None:
    bad = [number for number in NUMBERS if is_bad_number(7, number)]
    assert 20 < len(bad) < 60
    assert {draw_behaviour(7, number, nth).outcome for number in bad for nth in range(3)} == {CallOutcome.BAD_NUMBER}
    assert {draw_fate(7, number, 0).outcome for number in bad} == {MessageOutcome.UNDELIVERED}


def test_shares_of_calls() -> None:
    people = [draw_behaviour(7, number, 0) for number in NUMBERS]
    outcomes = Counter(person.outcome for person in people)
    assert 0.70 < outcomes[CallOutcome.ANSWERS] / len(people) < 0.80
    assert set(outcomes) == set(CallOutcome)
    first_keys = Counter(person.keys[0].digit for person in people if person.keys)
    assert first_keys.most_common(1)[0][0] == "1"
    assert set(first_keys) == set("17890*")
    assert all(person.hang_up_after for person in people if person.outcome is CallOutcome.ANSWERS)


def test_shares_of_messages() -> None:
    outcomes = Counter(draw_fate(7, number, 0).outcome for number in NUMBERS)
    assert 0.90 < outcomes[MessageOutcome.DELIVERED] / len(NUMBERS) < 0.95
    assert set(outcomes) == set(MessageOutcome)


def test_everyone_can_be_scripted_and_let_go_again() -> None:
    crowd = Crowd(7)
    crowd.script({"everyone": {"calls": {"outcome": "busy"}}})
    assert crowd.behaviour(NUMBERS[0], 0).outcome is CallOutcome.BUSY
    crowd.script({"everyone": {"calls": None}})
    assert crowd.behaviour(NUMBERS[0], 0) == draw_behaviour(7, NUMBERS[0], 0)
