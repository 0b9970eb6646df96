"""The paper venue: an `ExchangeGateway` without an exchange. Prices and rules are a real venue's, fills and money are our own.

What fills an order is evidence: a quote that was good when the order came, or a public trade that was printed afterwards. Where
the evidence leaves a doubt (was there a queue before us?), the order does not fill.
"""
