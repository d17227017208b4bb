"""Draws a scenario to read: the lesson, the code of the designs side by side, the change request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.markdown import Heading, Markdown, MarkdownElement
from rich.syntax import Syntax
from rich.text import Text

from archlab.scenario import Knob, Workload
from archlab.view.folding import fold
from archlab.view.page import BAD, DIM, GOOD, HEAD, Fitted, Page, Picture, pad
from archlab.view.source_sections import align, explanation, sections

READABLE = 88
"""Columns: a longer line of prose is hard to follow."""

SIDE_BY_SIDE = ((200, 4), (150, 3), (80, 2))
"""At so many columns, so many designs beside each other."""

WIDEST_CODE = 240

NOT_COMPARED = ("imports", "DESIGN")
"""Parts that differ in every two designs, and that nobody compares them by."""

PROSE = "italic"


class _PlainHeading(Heading):
    """A heading at the left, without a box."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        self.text.stylize(HEAD)
        yield self.text if self.tag != "h1" else Text(self.text.plain.upper(), HEAD)


class _Markdown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {**Markdown.elements, "heading_open": _PlainHeading}


@dataclass(frozen=True)
class _Prose:
    markdown: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        markdown = Page(ascii=options.ascii_only).spell(self.markdown)
        theme = "ansi_dark"  # the terminal's own colours, on its own background
        yield Fitted(_Markdown(markdown, code_theme=theme, inline_code_theme=theme, hyperlinks=False), READABLE)


def lesson(markdown: str) -> RenderableType:
    """The text of ``lesson.md``."""
    return _Prose(markdown)


def knobs(turned: Sequence[Knob], workloads: Sequence[Workload] = ()) -> Picture:
    """The workloads and the knobs that they set, then each knob: its meaning, its range, and how to find one's own
    value."""
    return Picture(lambda page: [*_workloads(page, turned, workloads), *_knobs(page, turned)])


def _workloads(page: Page, turned: Sequence[Knob], workloads: Sequence[Workload]) -> Iterable[Text]:
    if workloads:
        yield Text()
        yield from page.wrap(page.text(("WORKLOADS", HEAD), ("  one alone: --workload NAME", DIM)))
    for workload in workloads:
        caption = workload.caption({k.name: workload.settings.get(k.name, k.default) for k in turned})
        yield from page.wrap(page.text((workload.name, HEAD), f": {caption}"), indent=2)
        said = [f"{knob.name} {workload.settings[knob.name]:,g}" for knob in turned if knob.name in workload.settings]
        said += [f"{name} {', '.join(f'{v:,g}' for v in values)}" for name, values in workload.along.items()]
        if said:
            yield from page.wrap((" · ".join(said), DIM), indent=4)


def _knobs(page: Page, turned: Sequence[Knob]) -> Iterable[Text]:
    if turned:
        yield Text()
        yield from page.wrap(page.text(("KNOBS", HEAD), ("  change one with --set KNOB=VALUE", DIM)))
    for knob in turned:
        span = f"{knob.low:,g} to {knob.high:,g} {knob.unit}; default {knob.default:,g}"
        assumed = " Assumed: archlab simulates this value; it is not measured." if knob.assumed else ""
        yield from page.wrap(page.text((knob.name, HEAD), f": {knob.says} ({span}).{assumed}"), indent=2)
        yield from page.wrap((f"how to find your value: {knob.read_from}", DIM), indent=4)


def code(designs: Sequence[tuple[str, str, str]], everything: bool = False) -> Picture:
    """(name, title, source) of designs, in panes; what has the same name stands on the same line.

    Of designs beside each other only the functions and values that differ are shown, unless ``everything`` is.
    """
    return Picture(lambda page: _code(page, designs, everything), WIDEST_CODE)


def change(request: str, diffs: Sequence[tuple[str, str, str]]) -> Picture:
    """(name, what it takes, unified diff) of every design for the same change request."""
    return Picture(lambda page: _change(page, request, diffs))


def _code(page: Page, designs: Sequence[tuple[str, str, str]], everything: bool) -> Iterable[Text]:
    beside = next((panes for columns, panes in SIDE_BY_SIDE if page.width >= columns), 1)
    beside = max(1, min(beside, len(designs)))
    for at in range(0, len(designs), beside):
        shown = designs[at : at + beside]
        # Where one stands alone it is compared with the first, which stands alone above it.
        compared = shown if len(shown) > 1 else [designs[0], *shown] if at else []
        yield from _panes(page, shown, set() if everything else _alike([source for _, _, source in compared]))
        yield Text()


def _alike(sources: Sequence[str]) -> set[str]:
    """The names of the parts that all of these have word for word, and of those that nobody compares designs by."""
    texts = [_texts(source) for source in sources]
    same = {name for name in texts[0] if all(other.get(name) == texts[0][name] for other in texts)} if texts else set()
    return {*same, *NOT_COMPARED}


def _texts(source: str) -> dict[str, str]:
    """The text of every part, by its name."""
    lines, texts = source.split("\n"), dict[str, str]()
    for part in sections(source):
        texts[part.name] = texts.get(part.name, "") + "\n".join(lines[part.first : part.last]).strip()
    return texts


def _panes(page: Page, designs: Sequence[tuple[str, str, str]], left_out: set[str]) -> Iterable[Text]:
    width = (page.width - 3 * (len(designs) - 1)) // len(designs)
    titles = [fold(page.text((name, HEAD), "  ", (title, DIM)), width) for name, title, _ in designs]
    yield from _beside(page, titles, width)
    yield page.text(("─" * page.width, DIM))
    parts = [sections(source) for _, _, source in designs]
    highlighted = [_highlight(page, source) for _, _, source in designs]
    explained = [_docstring(page, source, width) for _, _, source in designs]
    same: list[str] = []
    for row in align([[part.name for part in pane] for pane in parts]):
        name = next(pane[index].name for pane, index in zip(parts, row, strict=True) if index is not None)
        if name in left_out:
            same.append(name)
            continue
        columns: list[list[Text]] = []
        for pane, lines, prose, index in zip(parts, highlighted, explained, row, strict=True):
            if index is None:
                columns.append([])
            elif pane[index].name == "docstring" and prose:
                columns.append(prose)
            else:
                shown = lines[pane[index].first : pane[index].last]
                columns.append([folded for line in shown for folded in fold(line, width)])
        yield from _beside(page, columns, width)
    if same:
        named = ", ".join(dict.fromkeys(name for name in same if name not in NOT_COMPARED))
        also = f"The same in these designs: {named}. " if named else ""
        yield from page.wrap((f"{also}Add --all to see every line.", DIM))


def _beside(page: Page, columns: Sequence[Sequence[Text]], width: int) -> Iterable[Text]:
    for i in range(max(len(lines) for lines in columns)):
        line = Text()
        for n, lines in enumerate(columns):
            cell = lines[i] if i < len(lines) else Text()
            line.append_text(page.text((" │ ", DIM)) if n else Text()).append_text(pad(cell, width))
        yield line


def _highlight(page: Page, source: str) -> list[Text]:
    lines = Syntax("", "python", theme="ansi_dark").highlight(page.spell(source.expandtabs(4))).split("\n")
    return [Text("", "").append_text(line) for line in lines]


def _docstring(page: Page, source: str, width: int) -> list[Text]:
    """The module's docstring as prose that fills the pane: a line that is further in continues the one above it."""
    paragraphs: list[str] = []
    for line in (explanation(source) or "").split("\n"):
        if line.startswith(" ") and paragraphs and paragraphs[-1]:
            paragraphs[-1] += f" {line.strip()}"
        else:
            paragraphs.append(line.strip())
    if not any(paragraphs):
        return []
    paragraphs[0] = f'"""{paragraphs[0]}'
    pane = Page(width, page.ascii)
    lines = []
    for text in paragraphs:
        lead, colon, rest = text.partition(":")  # Good at: … Fails when: … Costs: …
        bold = colon and len(lead) <= 20
        lines += pane.wrap(page.text((lead + colon, f"{PROSE} {HEAD}"), (rest, PROSE)) if bold else (text, PROSE))
    return [*lines, page.text(('"""', PROSE)), Text()]


def _change(page: Page, request: str, diffs: Sequence[tuple[str, str, str]]) -> Iterable[Text]:
    yield from page.wrap(request, ("THE CHANGE  ", HEAD), 12)
    for name, takes, diff in diffs:
        yield Text()
        yield from page.heading(name, (takes, DIM))
        if not diff.strip():
            yield from page.wrap(("nothing to change", DIM), indent=2)
        for line in diff.rstrip("\n").split("\n") if diff.strip() else ():
            spelled = page.text((line.expandtabs(4), _colour(line)))
            yield from fold(spelled, page.width)


def _colour(line: str) -> str:
    if line.startswith(("+++", "---", "diff ")):
        return HEAD
    return GOOD if line.startswith("+") else BAD if line.startswith("-") else DIM if line.startswith("@@") else ""
