"""The JSON shapes of Binance's answers and events, made from the engine's values."""

from datetime import UTC, datetime
from typing import Any

from simexchange.binance.errors import ApiError
from simexchange.engine.accounts import Balance, Transfer
from simexchange.engine.candles import INTERVALS, Candle
from simexchange.engine.filters import MarketRules
from simexchange.engine.market import AVERAGE_MINUTES, Market
from simexchange.engine.orders import Fill, Order, OrderType, Report, Side, Trade
from simexchange.engine.units import text

DAY_MINUTES = 1440
STP_MODE = "EXPIRE_MAKER"


def symbol_info(rules: MarketRules) -> dict[str, Any]:
    """One market in exchangeInfo."""
    quantity = {"minQty": text(rules.min_quantity), "stepSize": text(rules.step)}
    position = (
        [] if rules.max_position is None else [{"filterType": "MAX_POSITION", "maxPosition": text(rules.max_position)}]
    )
    highest, lowest = f"{rules.most_above_average}", f"{1 / rules.least_part_of_average:g}"
    return {
        "symbol": rules.symbol,
        "status": "TRADING",
        "baseAsset": rules.base,
        "baseAssetPrecision": 8,
        "quoteAsset": rules.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": [str(kind) for kind in OrderType],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": text(rules.tick),
                "maxPrice": text(rules.max_price),
                "tickSize": text(rules.tick),
            },
            {"filterType": "LOT_SIZE", **quantity, "maxQty": text(rules.max_quantity)},
            {"filterType": "MARKET_LOT_SIZE", **quantity, "maxQty": text(rules.max_market_quantity)},
            {
                "filterType": "TRAILING_DELTA",
                "minTrailingAboveDelta": rules.min_trailing_delta,
                "maxTrailingAboveDelta": rules.max_trailing_delta,
                "minTrailingBelowDelta": rules.min_trailing_delta,
                "maxTrailingBelowDelta": rules.max_trailing_delta,
            },
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": highest,
                "bidMultiplierDown": lowest,
                "askMultiplierUp": highest,
                "askMultiplierDown": lowest,
                "avgPriceMins": AVERAGE_MINUTES,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": text(rules.min_notional),
                "applyMinToMarket": True,
                "maxNotional": text(rules.max_notional),
                "applyMaxToMarket": False,
                "avgPriceMins": AVERAGE_MINUTES,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": rules.max_orders},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": rules.max_waiting_orders},
            *position,
        ],
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": STP_MODE,
        "allowedSelfTradePreventionModes": [STP_MODE],
    }


def public_trade(trade: Trade) -> dict[str, Any]:
    """A trade of /trades and /historicalTrades."""
    return {
        "id": trade.id,
        "price": text(trade.price),
        "qty": text(trade.quantity),
        "quoteQty": text(trade.price * trade.quantity // 10**8),
        "time": trade.time_ms,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def aggregate_trade(trade: Trade) -> dict[str, Any]:
    """A trade of /aggTrades. Every aggregate is one trade and has its id, so that gaps can be filled by trade id."""
    return {
        "a": trade.id,
        "p": text(trade.price),
        "q": text(trade.quantity),
        "f": trade.id,
        "l": trade.id,
        "T": trade.time_ms,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def trade_event(symbol: str, trade: Trade, now_ms: int) -> dict[str, Any]:
    """An event of @trade."""
    return {
        "e": "trade",
        "E": now_ms,
        "s": symbol,
        "t": trade.id,
        "p": text(trade.price),
        "q": text(trade.quantity),
        "T": trade.time_ms,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def aggregate_event(symbol: str, trade: Trade, now_ms: int) -> dict[str, Any]:
    """An event of @aggTrade."""
    return {"e": "aggTrade", "E": now_ms, "s": symbol, **aggregate_trade(trade)}


def kline(candle: Candle, interval: str) -> list[Any]:
    """A candle of /klines."""
    return [
        candle.start_ms,
        text(candle.open),
        text(candle.high),
        text(candle.low),
        text(candle.close),
        text(candle.volume),
        candle.start_ms + INTERVALS[interval] - 1,
        text(candle.quote_volume),
        candle.trades,
        text(candle.taker_volume),
        text(candle.taker_quote_volume),
        "0",
    ]


def kline_event(symbol: str, candle: Candle, interval: str, now_ms: int, *, closed: bool) -> dict[str, Any]:
    """An event of @kline_<interval>."""
    return {
        "e": "kline",
        "E": now_ms,
        "s": symbol,
        "k": {
            "t": candle.start_ms,
            "T": candle.start_ms + INTERVALS[interval] - 1,
            "s": symbol,
            "i": interval,
            "f": candle.first_id,
            "L": candle.last_id,
            "o": text(candle.open),
            "c": text(candle.close),
            "h": text(candle.high),
            "l": text(candle.low),
            "v": text(candle.volume),
            "n": candle.trades,
            "x": closed,
            "q": text(candle.quote_volume),
            "V": text(candle.taker_volume),
            "Q": text(candle.taker_quote_volume),
            "B": "0",
        },
    }


def book_ticker(market: Market) -> dict[str, str]:
    """Best bid and ask as of /ticker/bookTicker."""
    bid, ask = (market.book.best(side) or (0, 0) for side in (Side.BUY, Side.SELL))
    return {
        "symbol": market.rules.symbol,
        "bidPrice": text(bid[0]),
        "bidQty": text(bid[1]),
        "askPrice": text(ask[0]),
        "askQty": text(ask[1]),
    }


def book_ticker_event(market: Market) -> dict[str, Any]:
    """An event of @bookTicker. It carries neither a name nor a time, as on Binance."""
    best = book_ticker(market)
    return {
        "u": market.book.update_id,
        "s": market.rules.symbol,
        "b": best["bidPrice"],
        "B": best["bidQty"],
        "a": best["askPrice"],
        "A": best["askQty"],
    }


def levels(pairs: list[tuple[int, int]]) -> list[list[str]]:
    """Book levels as [price, quantity]."""
    return [[text(price), text(quantity)] for price, quantity in pairs]


def ticker_24h(market: Market, now_ms: int) -> dict[str, Any]:
    """/ticker/24hr: the last 1440 minutes."""
    day = _day(market, now_ms)
    last = market.tape.last
    best = book_ticker(market)
    change = day.close - day.open
    return {
        "symbol": market.rules.symbol,
        "priceChange": text(change),
        "priceChangePercent": f"{100 * change / day.open:.3f}" if day.open else "0.000",
        "weightedAvgPrice": text(day.quote_volume * 10**8 // day.volume if day.volume else 0),
        "prevClosePrice": text(day.open),
        "lastPrice": text(last.price if last else 0),
        "lastQty": text(last.quantity if last else 0),
        **{name: best[name] for name in ("bidPrice", "bidQty", "askPrice", "askQty")},
        "openPrice": text(day.open),
        "highPrice": text(day.high),
        "lowPrice": text(day.low),
        "volume": text(day.volume),
        "quoteVolume": text(day.quote_volume),
        "openTime": day.start_ms,
        "closeTime": now_ms,
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.trades,
    }


def ticker_event(market: Market, now_ms: int) -> dict[str, Any]:
    """An event of @ticker."""
    day = ticker_24h(market, now_ms)
    return {
        "e": "24hrTicker",
        "E": now_ms,
        "s": day["symbol"],
        "p": day["priceChange"],
        "P": day["priceChangePercent"],
        "w": day["weightedAvgPrice"],
        "x": day["prevClosePrice"],
        "c": day["lastPrice"],
        "Q": day["lastQty"],
        "b": day["bidPrice"],
        "B": day["bidQty"],
        "a": day["askPrice"],
        "A": day["askQty"],
        "o": day["openPrice"],
        "h": day["highPrice"],
        "l": day["lowPrice"],
        "v": day["volume"],
        "q": day["quoteVolume"],
        "O": day["openTime"],
        "C": day["closeTime"],
        "F": day["firstId"],
        "L": day["lastId"],
        "n": day["count"],
    }


def mini_ticker_event(market: Market, now_ms: int) -> dict[str, Any]:
    """An event of @miniTicker."""
    day = ticker_event(market, now_ms)
    return {"e": "24hrMiniTicker", **{name: day[name] for name in ("E", "s", "c", "o", "h", "l", "v", "q")}}


def order(found: Order) -> dict[str, Any]:
    """An order as of GET /order."""
    return {
        "symbol": found.symbol,
        "orderId": found.id,
        "orderListId": -1,
        "clientOrderId": found.client_id,
        "price": text(found.price),
        "origQty": text(found.quantity),
        "executedQty": text(found.filled),
        "origQuoteOrderQty": text(found.quote_quantity),
        "cummulativeQuoteQty": text(found.quote_filled),
        "status": str(found.status),
        "timeInForce": str(found.time_in_force),
        "type": str(found.type),
        "side": str(found.side),
        "stopPrice": text(found.stop_price),
        "icebergQty": text(0),
        "time": found.created_ms,
        "updateTime": found.updated_ms,
        "isWorking": not found.waiting,
        "workingTime": -1 if found.waiting else found.working_ms,
        "selfTradePreventionMode": STP_MODE,
        **_trailing(found),
    }


def placed(found: Order, fills: list[Fill]) -> dict[str, Any]:
    """The FULL answer to POST /order."""
    answer = order(found)
    for name in ("time", "updateTime", "isWorking", "icebergQty"):
        del answer[name]
    if not found.stop_price:
        del answer["stopPrice"]
    return {**answer, "transactTime": found.updated_ms, "fills": [_placed_fill(fill) for fill in fills]}


def acknowledged(found: Order, _: list[Fill]) -> dict[str, Any]:
    """The ACK answer to POST /order."""
    answer = placed(found, [])
    return {name: answer[name] for name in ("symbol", "orderId", "orderListId", "clientOrderId", "transactTime")}


def resulted(found: Order, _: list[Fill]) -> dict[str, Any]:
    """The RESULT answer to POST /order."""
    answer = placed(found, [])
    del answer["fills"]
    return answer


RESPONSES = {"ACK": acknowledged, "RESULT": resulted, "FULL": placed}


def cancelled(found: Order, request_id: str) -> dict[str, Any]:
    """The answer to DELETE /order: the order's own client id becomes origClientOrderId."""
    return {
        **placed(found, []),
        "origClientOrderId": found.client_id,
        "clientOrderId": request_id,
    }


def replaced(cancelled: dict[str, Any] | ApiError, placed: dict[str, Any] | ApiError | None) -> dict[str, Any]:
    """The answer to POST /order/cancelReplace: what became of both parts; `placed` is None when it was not attempted.

    Raises
    ------
    ApiError
        -2022 when nothing succeeded, -2021 when one part did; `data` says which.
    """
    data = {
        "cancelResult": _result(cancelled),
        "newOrderResult": "NOT_ATTEMPTED" if placed is None else _result(placed),
        "cancelResponse": cancelled.body if isinstance(cancelled, ApiError) else cancelled,
        "newOrderResponse": placed.body if isinstance(placed, ApiError) else placed,
    }
    succeeded = [part for part in (cancelled, placed) if isinstance(part, dict)]
    if not succeeded:
        raise ApiError(-2022, "Order cancel-replace failed.", 400, data=data)
    if len(succeeded) == 1:
        raise ApiError(-2021, "Order cancel-replace partially failed.", 409, data=data)
    return data


def _result(part: dict[str, Any] | ApiError) -> str:
    return "FAILURE" if isinstance(part, ApiError) else "SUCCESS"


def my_trade(fill: Fill) -> dict[str, Any]:
    """A fill of /myTrades."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": text(fill.price),
        "qty": text(fill.quantity),
        "quoteQty": text(fill.quote),
        "commission": text(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.time_ms,
        "isBuyer": fill.is_buyer,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def account(assets: dict[str, Balance], now_ms: int) -> dict[str, Any]:
    """/account."""
    return {
        "makerCommission": 10,
        "takerCommission": 10,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": "0.00100000",
            "taker": "0.00100000",
            "buyer": "0.00000000",
            "seller": "0.00000000",
        },
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": now_ms,
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": text(balance.free), "locked": text(balance.locked)}
            for asset, balance in sorted(assets.items())
        ],
        "permissions": ["SPOT"],
        "uid": 1,
        "simulated": True,
    }


def execution_report(report: Report, now_ms: int) -> dict[str, Any]:
    """A user's executionReport."""
    found, fill = report.order, report.fill
    cancelled_by_request = report.execution == "CANCELED"
    return {
        "e": "executionReport",
        "E": now_ms,
        "s": found.symbol,
        "c": report.request_id if cancelled_by_request else found.client_id,
        "S": str(found.side),
        "o": str(found.type),
        "f": str(found.time_in_force),
        "q": text(found.quantity),
        "p": text(found.price),
        "P": text(found.stop_price),
        "F": text(0),
        "g": -1,
        "C": found.client_id if cancelled_by_request else "",
        "x": report.execution,
        "X": str(found.status),
        "r": report.reason,
        "i": found.id,
        "l": text(fill.quantity if fill else 0),
        "z": text(found.filled),
        "L": text(fill.price if fill else 0),
        "n": text(fill.fee) if fill else "0",
        "N": fill.fee_asset if fill else None,
        "T": found.updated_ms,
        "t": fill.trade_id if fill else -1,
        "I": found.id,
        "w": found.is_open and not found.waiting,
        "m": fill.is_maker if fill else False,
        "M": False,
        "O": found.created_ms,
        "Z": text(found.quote_filled),
        "Y": text(fill.quote if fill else 0),
        "Q": text(found.quote_quantity),
        "V": STP_MODE,
        **({} if found.waiting else {"W": found.working_ms}),
        **({"d": found.trailing_delta} if found.trailing_delta else {}),
    }


def account_position(changed: dict[str, tuple[int, int]], now_ms: int) -> dict[str, Any]:
    """A user's outboundAccountPosition."""
    return {
        "e": "outboundAccountPosition",
        "E": now_ms,
        "u": now_ms,
        "B": [{"a": asset, "f": text(free), "l": text(locked)} for asset, (free, locked) in changed.items()],
    }


def balance_update(transfer: Transfer, now_ms: int) -> dict[str, Any]:
    """A user's balanceUpdate: funds came or went without an order."""
    return {
        "e": "balanceUpdate",
        "E": now_ms,
        "a": transfer.asset,
        "d": text(transfer.amount),
        "T": transfer.time_ms,
    }


def deposited(transfer: Transfer) -> dict[str, Any]:
    """A deposit of /capital/deposit/hisrec."""
    return {
        "id": str(transfer.id),
        "amount": text(transfer.amount),
        "coin": transfer.asset,
        "network": "SIMULATED",
        "status": 1,
        "address": "simulated",
        "addressTag": "",
        "txId": f"simulated-{transfer.id}",
        "insertTime": transfer.time_ms,
        "completeTime": transfer.time_ms,
        "transferType": 1,
        "confirmTimes": "1/1",
        "unlockConfirm": 1,
        "walletType": 0,
    }


def withdrawn(transfer: Transfer) -> dict[str, Any]:
    """A withdrawal of /capital/withdraw/history; its times are text and go to the second, as on Binance."""
    applied = datetime.fromtimestamp(transfer.time_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return {
        "id": str(transfer.id),
        "amount": text(-transfer.amount),
        "transactionFee": "0",
        "coin": transfer.asset,
        "network": "SIMULATED",
        "status": 6,
        "address": "simulated",
        "addressTag": "",
        "txId": f"simulated-{transfer.id}",
        "applyTime": applied,
        "completeTime": applied,
        "transferType": 1,
        "confirmNo": 1,
        "walletType": 0,
    }


def _trailing(found: Order) -> dict[str, Any]:
    return {"trailingDelta": found.trailing_delta} if found.trailing_delta else {}


def _placed_fill(fill: Fill) -> dict[str, Any]:
    return {
        "price": text(fill.price),
        "qty": text(fill.quantity),
        "commission": text(fill.fee),
        "commissionAsset": fill.fee_asset,
        "tradeId": fill.trade_id,
    }


def _day(market: Market, now_ms: int) -> Candle:
    minutes = market.candles.between("1m", None, now_ms, DAY_MINUTES)
    if not minutes:
        return Candle(now_ms, 0, 0, 0, 0)
    first = minutes[0]
    day = Candle(first.start_ms, first.open, first.high, first.low, first.close)
    for minute in minutes:
        day.add(minute)
    return day
