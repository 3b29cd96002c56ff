"""Refusal: what a caller of the registry asked for is not done, and why."""

from __future__ import annotations

from ...wire.errors import RemoteError


class Refusal(RemoteError):
    """A call that the registry refuses; becomes the HTTP answer `{"error": text, "field": field}`.

    The text begins with the field, since Agent99's agents log nothing else.
    """

    def __init__(self, status: int, text: str, field: str | None = None) -> None:
        super().__init__(text if field is None else f"{field} {text}")
        self.status = status
        self.text = text
        self.field = field

    def body(self) -> dict[str, str]:
        """Give the JSON body; `field` only when one part of the request is at fault."""
        return {"error": str(self)} if self.field is None else {"error": str(self), "field": self.field}


def unknown_agent(uuid: str) -> Refusal:
    """Refuse with Agent99's own words, which its clients log."""
    return Refusal(404, f"Agent with UUID {uuid} not found.")
