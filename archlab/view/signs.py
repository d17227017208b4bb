"""The signs that pictures use, and how each reads where only ASCII can be shown. Imports nothing heavy."""

from __future__ import annotations

import unicodedata

_PLAIN = {
    "✓": "v", "✗": "x", "★": "*", "↑": "^", "↓": "v", "▶": ">", "│": "|", "┃": "|", "─": "-", "━": "-", "├": "|",
    "└": "`", "·": "|", "•": "*", "≤": "<=", "≥": ">=", "≈": "~", "×": "x", "÷": "/", "±": "+-", "−": "-", "–": "-",
    "—": "-", "‑": "-", "µ": "u", "μ": "u", "…": "...", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "→": "->",
    "←": "<-", "↔": "<->", "⇒": "=>", "↪": "\\", "²": "^2", "ⁿ": "^n", "█": "#", "░": "-",
    "▏": "#", "▎": "#", "▍": "#", "▌": "|", "▋": "#", "▊": "#", "▉": "#", "¬": "!", "∞": "inf",
    "√": "sqrt", "ß": "ss", "§": "section ", "€": "EUR ", "£": "GBP ", "\u00a0": " ", "\u202f": " ",
}  # fmt: skip
_TRANSLATION = str.maketrans(_PLAIN)


def plain(text: str) -> str:
    """``text`` in ASCII: the signs used here as their nearest look, accents dropped, the unknown as ``?``."""
    if text.isascii():
        return text
    spelled = unicodedata.normalize("NFKD", text.translate(_TRANSLATION))
    return "".join(c for c in spelled if not unicodedata.combining(c)).encode("ascii", "replace").decode()


def shorten(text: str, width: int) -> str:
    """The words of ``text`` that fit in ``width`` characters, with an ellipsis where some are left out."""
    if len(text) <= width:
        return text
    cut = text[: max(0, width - 1)]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip(" ,;:–") + "…"
