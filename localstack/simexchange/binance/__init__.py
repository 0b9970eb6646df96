"""Binance spot's protocol around the engine: REST, market streams, the WebSocket API's user data. No rules of trading here."""
