"""Compliance: flags and their answers, reports, and the audit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.api.endpoint import Call, Input, Resource
from chalicelib.api.envelope import CSV, Text
from chalicelib.api.inputs import Cursor, Limit, Moment, Reason, key_of
from chalicelib.api.spreadsheet import to_csv
from chalicelib.runtime import wiring
from volexswarm.errors import InvalidInput, NotFound
from volexswarm.security.roles import Permission
from volexswarm.views.audit import AuditEntry
from volexswarm.views.compliance import Flag, FlagState, Report, ReportPeriod
from volexswarm.views.shape import Page, View

resource = Resource(__name__)
blueprint = resource.blueprint

PERIODS: tuple[ReportPeriod, ...] = ("daily", "monthly")


class FlagsOf(Input):
    """A page of flags, newest first."""

    state: FlagState | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class Answer(Input):
    """Why a flag is escalated or cleared."""

    reason: Reason


class FlagAnswered(View):
    """What the flag is by now."""

    id: str
    rule: str
    subject: str
    state: FlagState


class ReportOf(Input):
    """Which day or month of market time, and in what form."""

    date: Annotated[
        str, Field(pattern=r"^\d{4}-\d{2}(-\d{2})?$", description="a day as 2026-01-05, or for a month 2026-01")
    ]
    format: Literal["json", "csv"] = "json"


class AuditOf(Input):
    """A page of the audit, newest first."""

    since: Moment | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


@resource.route("GET", "/compliance/flags", Page[Flag], permission=Permission.COMPLIANCE_READ, query=FlagsOf)
def flags(call: Call[FlagsOf, Any, Any]) -> Page[Flag]:
    """Flags, newest first."""
    return wiring.compliance_reader().flags(call.query.state, call.query.limit, call.query.cursor)


@resource.route(
    "POST",
    "/compliance/flags/{flag}/escalate",
    FlagAnswered,
    permission=Permission.COMPLIANCE_WRITE,
    body=Answer,
    failures=(409,),
)
def escalate(call: Call[Any, Answer, Any], flag: str) -> FlagAnswered:
    """Put an open flag before whoever is above."""
    escalated = wiring.flag_desk().escalate(key_of("flag", flag), actor=call.caller.username, reason=call.body.reason)
    return FlagAnswered(id=escalated.id, rule=escalated.rule, subject=escalated.subject, state=escalated.state)


@resource.route(
    "POST",
    "/compliance/flags/{flag}/clear",
    FlagAnswered,
    permission=Permission.COMPLIANCE_WRITE,
    body=Answer,
    failures=(409,),
)
def clear(call: Call[Any, Answer, Any], flag: str) -> FlagAnswered:
    """Close the matter of a flag."""
    cleared = wiring.flag_desk().clear(key_of("flag", flag), actor=call.caller.username, reason=call.body.reason)
    return FlagAnswered(id=cleared.id, rule=cleared.rule, subject=cleared.subject, state=cleared.state)


@resource.route(
    "GET",
    "/compliance/reports/{period}",
    Report,
    permission=Permission.COMPLIANCE_READ,
    query=ReportOf,
    texts=(CSV,),
)
def report(call: Call[ReportOf, Any, Any], period: str) -> Report | Text:
    """What happened in a day or a month of market time.

    Orders, values, fees, decisions, refusals by check, flags, and the policies by which was decided. `period` is daily or
    monthly.
    """
    known = next((name for name in PERIODS if name == period), None)
    if known is None:
        raise NotFound("report", f"{period}: there are {', '.join(PERIODS)}")
    since, until = _span(known, call.query.date)
    found = wiring.compliance_reader().report(known, since, until)
    if call.query.format == "json":
        return found
    return Text(to_csv(found), CSV, f"{known}-{call.query.date}.csv")


def _span(period: ReportPeriod, text: str) -> tuple[datetime, datetime]:
    """The day or the month that a date lies in, in UTC."""
    try:
        day = date.fromisoformat(text if len(text) > len("2026-01") else f"{text}-01")
        if period == "monthly":
            first = day.replace(day=1)
            after = (first + timedelta(days=31)).replace(day=1)
        elif text == day.isoformat():
            first, after = day, day + timedelta(days=1)
        else:
            raise InvalidInput("date", text, "a day as 2026-01-05")
    except (ValueError, OverflowError) as error:
        raise InvalidInput("date", text, "a day that there is, as 2026-01-05") from error
    midnight = datetime.min.time()
    return datetime.combine(first, midnight, UTC), datetime.combine(after, midnight, UTC)


@resource.route("GET", "/audit", Page[AuditEntry], permission=Permission.AUDIT_READ, query=AuditOf)
def audit(call: Call[AuditOf, Any, Any]) -> Page[AuditEntry]:
    """Who did what that governs trading, and why, newest first.

    Halts, switches of the mode, policies, flags, circuit breakers, differences that were settled, trades that people asked for,
    cancellations.
    """
    return wiring.audit_reader().audit(call.query.since, call.query.limit, call.query.cursor)
