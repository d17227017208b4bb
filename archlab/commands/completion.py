"""Completion in bash, zsh and fish: what can follow on a command line, and the script that makes a shell ask for it.

A shell asks by starting ``archlab`` with two environment variables: which shell it is, and the line up to the cursor.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from archlab.scenario import Scenario, ScenarioError, UsageError

SHELL, LINE = "_ARCHLAB_COMPLETE", "_ARCHLAB_LINE"
"""The environment variables: the shell that asks, and the line up to the cursor."""
BREAKS = "_ARCHLAB_BREAKS"
"""The characters at which bash begins a new word: it replaces only what stands behind the last of them."""

Suggestion = tuple[str, str]
"""A word that can stand here, and what it means (perhaps empty)."""

BASH = r"""_archlab_completion() {
    local IFS=$'\n'
    COMPREPLY=($(_ARCHLAB_COMPLETE=bash _ARCHLAB_LINE="${COMP_LINE:0:COMP_POINT}" _ARCHLAB_BREAKS="$COMP_WORDBREAKS" \
        "$1" 2>/dev/null))
    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    return 0
}
complete -o bashdefault -o default -F _archlab_completion archlab
"""
ZSH = r"""#compdef archlab
_archlab() {
    local line word tab=$'\t'
    local -a closed open
    for line in ${(f)"$(_ARCHLAB_COMPLETE=zsh _ARCHLAB_LINE="${words[1,CURRENT]}" ${words[1]} 2>/dev/null)"}; do
        word=${line%%$tab*}
        line="${word//:/\\:}:${line#*$tab}"
        if [[ $word == *= ]]; then open+=("$line"); else closed+=("$line"); fi
    done
    (( $#closed )) && _describe 'archlab' closed
    (( $#open )) && _describe 'archlab' open -S ''
    (( $#closed + $#open )) || _files
}
# zsh loads this file as the function _archlab, which is then the one above; whoever sources it wants it registered.
if [[ $funcstack[1] == _archlab ]]; then _archlab "$@"; else compdef _archlab archlab; fi
"""
FISH = r"""function __archlab_complete
    set -l line (commandline -cp | string collect)
    set -l found (_ARCHLAB_COMPLETE=fish _ARCHLAB_LINE=$line archlab 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete --command archlab --no-files --arguments '(__archlab_complete)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def answer(command: Any) -> None:
    """Prints what can follow on the line that the shell hands over, one suggestion a line. Never fails: a shell that
    asks has no place for an error. ``command`` is the whole program, as Typer makes it."""
    shell, line = os.environ.get(SHELL, ""), os.environ.get(LINE, "")
    # What is typed may name what cannot be loaded or read: then there is nothing to suggest.
    with contextlib.suppress(Exception):
        done, begun = split(line)
        behind = _replaced_behind(begun, os.environ.get(BREAKS, "")) if shell == "bash" else 0
        for word, meaning in suggestions(command, done, begun):
            print(word[behind:] if shell == "bash" else f"{word}\t{meaning}")


def split(line: str) -> tuple[list[str], str]:
    """The whole words of a line without the first, and the word that is being typed (empty behind a space)."""
    words = [re.sub(r"\\(.)|['\"]", r"\1", word) for word in re.findall(r"(?:\\.|'[^']*'?|\"[^\"]*\"?|\S)+", line)]
    begun = "" if not words or re.search(r"(?<!\\)\s$", line) else words.pop()
    return words[1:], begun


def _replaced_behind(begun: str, breaks: str) -> int:
    return max((begun.rfind(sign) + 1 for sign in "=:" if sign in breaks), default=0)


def suggestions(command: Any, done: Sequence[str], begun: str) -> Iterator[Suggestion]:
    """What can stand behind the words ``done`` and begins with ``begun``."""
    if done and not done[0].startswith("-"):
        if done[0] not in command.commands:
            return
        command, done = command.commands[done[0]], done[1:]
    elif not begun.startswith("-"):
        yield from _beginning(begun, [(name, sub.get_short_help_str(80)) for name, sub in command.commands.items()])
        return
    options = {spelling: option for option in _options(command) for spelling in option.opts}
    named = _positional(done, options)
    name, joined, value = begun.partition("=")
    if joined and name in options:  # --set=page_rows=… in one word
        yield from ((f"{name}={word}", meaning) for word, meaning in _values(options[name], named, value))
    elif done and done[-1] in options and not options[done[-1]].is_flag:
        yield from _values(options[done[-1]], named, begun)
    elif begun.startswith("-"):
        listed = [(max(option.opts, key=len), option.help or "") for option in _options(command)]
        yield from _beginning(begun, [*listed, ("--help", "Show what it takes.")])
    else:
        arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
        if len(named) < len(arguments):
            yield from _values(arguments[len(named)], named, begun)


def _beginning(begun: str, words: Iterable[Suggestion]) -> Iterator[Suggestion]:
    for word, meaning in words:
        if word.startswith(begun):
            yield word, " ".join(meaning.split())


def _options(command: Any) -> list[Any]:
    return [parameter for parameter in command.params if parameter.param_type_name == "option"]


def _positional(done: Sequence[str], options: Mapping[str, Any]) -> list[str]:
    """The words that are neither an option nor its value."""
    valued = {spelling for spelling, option in options.items() if not option.is_flag}
    return [word for before, word in zip(("", *done), done, strict=False) if word[:1] != "-" and before not in valued]


def _values(parameter: Any, named: Sequence[str], begun: str) -> Iterator[Suggestion]:
    """What an option or an argument can be, as far as archlab knows it; ``named`` are the arguments before it."""
    asked = named[0] if named else ""
    if parameter.name == "turned":
        yield from _beginning(begun, _turned(asked) if "=" in begun else _knobs(asked))
    elif parameter.name in VALUES:
        yield from _beginning(begun, VALUES[parameter.name](asked))


def _scenarios(_: str) -> Iterable[Suggestion]:
    from archlab.catalog import names

    yield from ((name, "") for name in names.known())
    for folder in sorted(Path.cwd().iterdir()):
        file = folder / "__init__.py"
        if file.is_file() and b"SCENARIO" in file.read_bytes():
            yield f"./{folder.name}", "a scenario in this folder"


def _scenario(asked: str) -> Scenario | None:
    """The scenario whose knobs and designs are meant; of a copy its original: to complete a word runs no code that
    somebody left in a folder."""
    from archlab.catalog import by_name

    if asked.startswith(".") or os.sep in asked:
        from archlab.catalog.copies import copied_from

        origin = copied_from(Path(asked).expanduser())
        return by_name(origin.original) if origin else None
    if asked.isdecimal():  # a run's number
        asked = next((scenario for number, scenario, _ in _recorded() if number == int(asked)), "")
    try:
        return by_name(asked)
    except (UsageError, ScenarioError):
        return None


def _designs(asked: str) -> Iterable[Suggestion]:
    scenario = _scenario(asked)
    return [(design.name, design.title) for design in scenario.designs] if scenario else []


def _workloads(asked: str) -> Iterable[Suggestion]:
    scenario = _scenario(asked)
    return [(workload.name, scenario.caption(workload, {})) for workload in scenario.workloads] if scenario else []


def _knobs(asked: str) -> Iterable[Suggestion]:
    """``page_rows=``, and behind it the values that the scenario itself uses."""
    scenario = _scenario(asked)
    for knob in scenario.knobs if scenario else ():
        yield f"{knob.name}=", f"{knob.says}, {knob.low:g} to {knob.high:g} {knob.unit}"


def _turned(asked: str) -> Iterable[Suggestion]:
    """``page_rows=1000``: the values that the scenario itself uses, and the ends of the range."""
    scenario = _scenario(asked)
    for knob in scenario.knobs if scenario else ():
        said = {knob.low: ["lowest"], knob.high: ["highest"], knob.default: ["default"]}
        for workload in scenario.workloads if scenario else ():
            if knob.name in workload.settings:
                said.setdefault(workload.settings[knob.name], []).append(workload.name)
        for value, where in sorted(said.items()):
            yield f"{knob.name}={value:.12g}", ", ".join(where)


def _runs(_: str) -> Iterable[Suggestion]:
    return [(str(number), f"{scenario}, {started}") for number, scenario, started in _recorded()]


def _recorded() -> list[tuple[int, str, str]]:
    """The last runs, newest first: number, scenario and when. It waits for nobody and makes no file."""
    import sqlite3

    from archlab.store.opening import DATABASE, data_folder

    file = data_folder() / DATABASE
    if not file.is_file():
        return []
    with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=0.05)) as record:
        query = "SELECT id, scenario, substr(started, 1, 16) FROM runs ORDER BY id DESC LIMIT 30"
        return record.execute(query).fetchall()


def _scenarios_and_runs(asked: str) -> Iterable[Suggestion]:
    yield from _scenarios(asked)
    yield from _runs(asked)


def _words(_: str) -> Iterable[Suggestion]:
    from archlab.view.vocabulary import WORDS

    return [(word.name, "") for word in WORDS]


VALUES: dict[str, Callable[[str], Iterable[Suggestion]]] = {
    "name": _scenarios,
    "original": _scenarios,
    "design": _designs,
    "workload": _workloads,
    "run_id": _runs,
    "asked": _scenarios_and_runs,
    "word": _words,
}
"""By the name of a parameter: what it can be."""


def show(shell: str) -> None:
    """Prints the script for a shell. Raises UsageError for one that is not supported."""
    print(SCRIPTS[_supported(shell)], end="")


def install(shell: str) -> None:
    """Writes the script where the shell looks for it, and says where."""
    name = _supported(shell)
    home = Path.home()
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    file, start, line = {
        "bash": (home / ".bash_completions/archlab.sh", ".bashrc", "source ~/.bash_completions/archlab.sh"),
        "zsh": (home / ".zfunc/_archlab", ".zshrc", "fpath+=~/.zfunc; autoload -Uz compinit; compinit"),
        "fish": (config / "fish/completions/archlab.fish", "", ""),
    }[name]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SCRIPTS[name], encoding="utf-8")
    if start:
        read_at_start = home / start
        text = read_at_start.read_text(encoding="utf-8") if read_at_start.is_file() else ""
        if line not in text:
            ended = "" if text.endswith("\n") or not text else "\n"
            read_at_start.write_text(f"{text}{ended}{line}\n", encoding="utf-8")
    print(f"Completion for {name} is installed in {file}. It works in the next {name} that you start.")


def _supported(shell: str) -> str:
    name = shell or _running_in()
    if name in SCRIPTS:
        return name
    listed = ", ".join(SCRIPTS)
    if not name:
        raise UsageError(f"it is not clear which shell this is. Add its name: {listed}.")
    raise UsageError(f"there is no completion for the shell {name!r}. Choose from: {listed}.")


def _running_in() -> str:
    """The shell that started archlab, else the one that a person logs in with; empty where neither is known."""
    import shellingham  # type: ignore[import-untyped]  # it has no annotations; Typer brings it

    try:
        return str(shellingham.detect_shell()[0])
    except shellingham.ShellDetectionFailure:
        return Path(os.environ.get("SHELL", "")).name
