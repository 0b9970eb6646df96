"""Deliberation: six specialists give opinions on a frozen question, challenge each other, and code computes the verdict.

AutoGen runs the agents and their turns (`autogen_runner.py`, the only module that knows it, beside the clients in `models/`).
Time, budget, checkpoints, the choice of speakers and every number of the verdict are kept by the code here. No word of a model
moves money: what comes out is a `Ruling`, which goes through risk, compliance and, where policy asks, a person.
"""
