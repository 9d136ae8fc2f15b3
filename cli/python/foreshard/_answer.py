"""Answers: plain dicts that also know how notebooks and pandas show them."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Tuple

if TYPE_CHECKING:
    import pandas


def _flat(value: Dict[str, Any], prefix: str = "") -> Iterator[Tuple[str, Any]]:
    """Keys joined by dots, as the CSV of the command line has them."""
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _flat(inner, f"{prefix}{key}.")
        else:
            yield prefix + key, inner


class Answer(Dict[str, Any]):
    """The JSON of a command: a dict."""

    def rows(self) -> List[Dict[str, Any]]:
        """What a table has a row for: variants of compare, cases of score, plans of search, else the answer itself."""
        for rows in (self.get("variants"), self.get("cases"), self.get("search", {}).get("plans")):
            if isinstance(rows, list):
                return rows
        return [self]

    def to_dataframe(self) -> "pandas.DataFrame":
        """One row for each of rows(), one column for each key. Needs pandas."""
        import pandas

        return pandas.DataFrame([dict(_flat(row)) for row in self.rows()])

    def _repr_html_(self) -> str:
        said = self.get("verdict", {})
        lines = [f"<b>{html.escape(line)}</b>" for line in said.get("job", [])[:1]]
        lines += [html.escape(line) for line in said.get("text", [])]
        body = "".join(f"<p style='margin:2px 0'>{line}</p>" for line in lines)
        step = self.get("step")
        if isinstance(step, dict) and "breakdown_s" in step:
            cells = "".join(
                f"<tr><td style='text-align:left'>{html.escape(part.replace('_', ' '))}</td><td>{time:.3g} s</td>"
                f"<td>{time / step['time_s']:.1%}</td></tr>"
                for part, time in step["breakdown_s"].items()
                if time >= 0.0005 * step["time_s"]
            )
            body += f"<table>{cells}</table>"
        return body or f"<pre>{html.escape(repr(dict(self)))}</pre>"
