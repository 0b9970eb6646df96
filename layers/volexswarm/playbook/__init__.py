"""The desk's playbook: which strategies there are, where each is in its life, and how those at work have fared.

What a strategy does with a candle is in strategies; asking them is signals' work.
"""
