"""The monitor's tables in dictionaries, and an outbox with a backlog."""

from collections import Counter

from tests.fakes.transaction import FakeTransaction


class FakeMonitorTransaction(FakeTransaction):
    """`monitor.ports.MonitorTransaction` in memory."""

    def __init__(self):
        super().__init__()
        self.activity = Counter()
        self.health = {}
        self.forgotten_before = None

    def count_event(self, source, event_type, occurred_at):
        self.activity[source, event_type] += 1

    def known_health(self):
        return {part: healthy for part, (healthy, _, _) in self.health.items()}

    def save_health(self, findings, checked_at):
        self.health = {finding.part: (finding.healthy, finding.detail, checked_at) for finding in findings}

    def forget_answers(self, before):
        self.forgotten_before = before
        return 0


class FakeOutbox:
    """Holds `backlog` messages."""

    def __init__(self, backlog=0):
        self.backlog = backlog
        self.sweeps = 0
        self.pruned = False

    def sweep(self, older_than=None, limit=500):
        self.sweeps += 1
        sent = min(limit, self.backlog)
        self.backlog -= sent
        return sent

    def prune(self, older_than=None):
        self.pruned = True
        return 0
