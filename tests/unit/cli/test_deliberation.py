"""What is told of a verdict beside its tables."""

from rich.text import Text

from volexswarm.cli import deliberation

VERDICT = {
    "action": "hold",
    "size_frac": 0.0,
    "confidence": 0.07,
    "reason": "only research is for buy",
    "vetoed_by": [],
    "abstained": ["news-sentiment"],
    "dissent": [],
    "degraded_why": ["research: in place of openai:a-model: unreachable, no answer within 45 s", "risk: no opinion"],
    "votes": [],
    "arithmetic": [],
}


def test_each_voice_that_was_replaced_or_missing_has_a_line_of_its_own() -> None:
    lines = [str(line) for line in deliberation._verdict(VERDICT) if isinstance(line, Text)]
    assert lines[-2:] == [f"  degraded: {why}" for why in VERDICT["degraded_why"]]
    assert "  abstained: news-sentiment" in lines
