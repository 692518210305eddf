"""Cases of the utility, as the stories of supply dates and reconnections need them."""

from datetime import datetime, timedelta
from typing import Any

from tests.acceptance.crowd import number
from tests.events.kit import happen
from tests.house import DISTRICT, House

DUTY_PHONE = "07-338-9999"
DUTY_NUMBER = "+88673389999"


async def settle_office(house: House) -> None:
    """The sections of the district, and its crew on duty."""
    await house.source.execute(
        "insert into billing.office (district, section, phone, duty_email, duty_phone)"
        " select $1, section, phone, 'duty@example.com', $2"
        " from (values ('業務組', '07-338-0101'), ('設計組', '07-338-0102')) v(section, phone)",
        DISTRICT, DUTY_PHONE,
    )  # fmt: skip


async def case(house: House, n: int = 1, **cells: Any) -> str:
    """A case, four days late, with two new days to offer unless the cells say otherwise. Answers its number."""
    case_no = f"S2026{n:05d}"
    made: dict[str, Any] = {
        "case_no": case_no,
        "kind": "new",
        "applicant_name": "測試客戶",
        "mobile": number(n),
        "district": DISTRICT,
        "accepted_at": house.clock.now() - timedelta(days=60),
        "agreed_on": house.today - timedelta(days=4),
        "stage": "施工",
        "stage_since": house.clock.now() - timedelta(days=12),
        "delay_reason": "管線單位尚未同意路證",
        "proposed_dates": [house.today + timedelta(days=7), house.today + timedelta(days=14)],
        "section": "設計組",
        "section_phone": "07-338-0102",
    } | cells  # fmt: skip
    columns = ", ".join(made)
    values = ", ".join(f"${place}" for place in range(1, len(made) + 1))
    await house.source.execute(
        f"insert into billing.supply_application ({columns}) values ({values})",
        *made.values(),
    )
    return case_no


async def change(house: House, case_no: str, **cells: Any) -> None:
    changes = ", ".join(f"{name} = ${place}" for place, name in enumerate(cells, 2))
    await house.source.execute(
        f"update billing.supply_application set {changes} where case_no = $1",
        case_no,
        *cells.values(),
    )


async def delayed(house: House, case_no: str) -> None:
    await happen(house, ("case.delayed", case_no))


async def reconnected(house: House, n: int = 1, at: datetime | None = None, **cells: Any) -> str:
    """A reconnection that is done, and the event that says so."""
    at = at or house.clock.now()
    asked = {"kind": "reconnection", "agreed_on": None, "proposed_dates": [], "section": "業務組"}
    case_no = await case(house, n, accepted_at=at - timedelta(hours=2), completed_at=at, **(asked | cells))
    await happen(house, ("case.completed", case_no))
    return case_no


async def outcome(house: House, case_no: str, campaign: str) -> list[tuple[Any, Any, Any]]:
    """What became of each telling about the case: outcome, reason, what it is held for."""
    rows = await house.app.pool.fetch(
        "select n.outcome, n.reason, n.held from notifier.notification n join notifier.audience a"
        " on a.notification_id = n.id where a.subject = $1 and a.campaign = $2 order by n.id",
        case_no, campaign,
    )  # fmt: skip
    return [tuple(row) for row in rows]


async def replies(house: House) -> list[dict[str, Any]]:
    return [dict(row) for row in await house.app.pool.fetch("select * from notifier.reply order by id")]


async def outbox(house: House) -> list[dict[str, Any]]:
    return [
        dict(row) for row in await house.app.pool.fetch("select type, subject, data from notifier.outbox order by id")
    ]


async def comes(house: House, query: str, *values: Any, within: float = 30) -> None:
    """Until the query of our database says true."""

    async def holds() -> bool:
        return bool(await house.app.pool.fetchval(query, *values))

    await house.until_soon(holds, within=within)


async def until_clock(house: House, moment: datetime) -> None:
    """Until the clock of the house has come to the moment."""

    async def is_past() -> bool:
        return house.clock.now() >= moment

    await house.until_soon(is_past, within=60)


async def all_over(house: House, tellings: int = 1) -> None:
    """Until so many notifications have ended or are held, and nothing is in flight."""
    await comes(
        house,
        "select count(*) filter (where outcome is not null or held is not null) >= $1"
        " and bool_and(outcome is not null or held is not null) and not exists (select from notifier.in_flight)"
        " and not exists (select from notifier.receipt where applied_at is null) from notifier.notification",
        tellings,
    )
