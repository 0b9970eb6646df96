"""Policy analysts: each role's rules over the numbers of the testimonies. Offline; the same brief has the same answer.

They speak where no model is configured, and stand in for a model that fails. In a challenge they only ever give way towards
waiting.
"""

from volexswarm.deliberation.policies.table import speak

__all__ = ["speak"]
