"""A view's tables as one CSV text: a line for each value, with the table, the row that it belongs to, and its column."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

COLUMNS = ("table", "row", "column", "value")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_csv(view: BaseModel) -> str:
    """The fields of a view and the rows of its lists. Texts that a spreadsheet would take for a formula are quoted."""
    paper = io.StringIO()
    writer = csv.writer(paper, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for name, value in view.model_dump(mode="json").items():
        rows = value if isinstance(value, list) else [value]
        for number, row in enumerate(rows, start=1):
            cells = row if isinstance(row, Mapping) else {"value": row}
            writer.writerows((name, number, column, _cell(cell)) for column, cell in cells.items())
    return paper.getvalue()


def _cell(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(FORMULA) or _is_number(value):
        return "" if value is None else value
    return f"'{value}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
