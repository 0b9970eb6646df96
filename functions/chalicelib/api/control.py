"""The kill switch and the mode of trading."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.endpoint import Call, Input, Resource
from chalicelib.api.inputs import LINE, Reason
from chalicelib.runtime import wiring
from volexswarm.control.mode_switch import Wanted
from volexswarm.security.roles import Permission
from volexswarm.views.control import Control, Halt, Halting, Resumption, TradingMode
from volexswarm.views.shape import Mode

resource = Resource(__name__)
blueprint = resource.blueprint


class HaltRequest(Input):
    """Why trading is stopped, and whether what is held is to be sold."""

    reason: Reason
    flatten: bool = False


class ResumeRequest(Input):
    """Why trading may go on."""

    reason: Reason


class ModeRequest(Input):
    """A mode, and why. `cap` (valuation currency) and `confirm` (the code of the first answer) for real money, and only then."""

    mode: Mode
    reason: Reason
    cap: Annotated[Decimal, Field(gt=0, max_digits=30, decimal_places=18, allow_inf_nan=False)] | None = None
    confirm: Annotated[str, Field(min_length=1, max_length=64), LINE] | None = None


@resource.route("GET", "/control", Control, permission=Permission.SYSTEM_READ)
def control(_: Call[Any, Any, Any]) -> Control:
    """What governs trading: mode, books, cap, and the halt in force if there is one."""
    return wiring.control_reader().control()


@resource.route("POST", "/halt", Halting, permission=Permission.TRADE_HALT, body=HaltRequest)
def halt(call: Call[Any, HaltRequest, Any]) -> Halting:
    """Stop all trading at once: the kill switch.

    From this answer on no order is sent any more; open ones are canceled, protective ones too. With `flatten`, what the account
    holds is sold at market. Halting again changes nothing, except that `flatten` is added. `GET /control` says when it is
    settled.
    """
    halted = wiring.kill_switch().halt(actor=call.caller.username, reason=call.body.reason, flatten=call.body.flatten)
    return Halting(halt=Halt(**halted.halt.__dict__), repeated=halted.repeated)


@resource.route(
    "POST", "/resume", Resumption, permission=Permission.SYSTEM_CONTROL, body=ResumeRequest, failures=(409,)
)
def resume(call: Call[Any, ResumeRequest, Any]) -> Resumption:
    """Lift the halt, once it is settled."""
    lifted = wiring.kill_switch().resume(actor=call.caller.username, reason=call.body.reason)
    return Resumption(halt_id=lifted.id, resumed_by=call.caller.username, reason=call.body.reason)


@resource.route(
    "POST", "/mode", TradingMode, permission=Permission.SYSTEM_CONTROL, body=ModeRequest, failures=(409, 428)
)
def mode(call: Call[Any, ModeRequest, Any]) -> TradingMode:
    """Switch the mode of trading.

    Real money needs a cap and a second word: the first answer is 428 with a code in `details.confirmation`, good once and for
    five minutes; send the same again with it as `confirm`.
    """
    wanted = call.body
    after = wiring.mode_switch().switch(
        Wanted(wanted.mode, call.caller.username, wanted.reason, wanted.cap, wanted.confirm)
    )
    return TradingMode(**after.__dict__, simulated=after.mode != "live")
