"""A stand-in for the queue service, as a consumer sees it."""

from volexswarm.errors import Unavailable


class RecordedDeliveries:
    """Remembers what was postponed and buried; fails on demand."""

    def __init__(self, away=False):
        self.away = away
        self.postponed = []
        self.buried = []

    def postpone(self, queue_arn, delays):
        if self.away:
            raise Unavailable("queue service", "no answer")
        self.postponed += delays

    def bury(self, queue_arn, body, group, message_id, reason):
        if self.away:
            raise Unavailable("queue service", "no answer")
        self.buried.append((message_id, reason))
