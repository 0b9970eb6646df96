"""Looks for strategies that may be worth a trial: searches every template on every market, and ranks them by what they did on
candles that the search had not seen.

What is found becomes a draft of the playbook. Nothing is put to work here.
"""
