"""Copies a scenario for a learner, and judges its edited designs beside the originals.

``origin.toml`` in the copy remembers the catalogue's name of what was copied; a copy of any other folder stands alone.
What differs from it decides what a run of the copy shows:

- nothing edited: exactly the original;
- designs edited (their own modules): every design of the original, and right after it, as ``<name>-mine``, the edited
  one. It runs in the original's world: the modules that are not edited are the original's, as the same objects, so
  that answers and errors compare equal. Requirements and claims speak of the originals and keep working;
- anything edited that designs share (the world, ``__init__``, a data file): the copy stands alone, under the designs'
  own names. Originals in an edited world would be neither the original nor the copy.

Lesson, quiz and patches are the copy's in every case, and editing them does not count as an edit of a design.
"""

from __future__ import annotations

import importlib
import re
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from archlab import __version__, loading
from archlab.catalog import named, names
from archlab.scenario import Design, Experiment, Later, Scenario, ScenarioError, UsageError
from archlab.source import sources

EDITED = "-mine"
"""What an edited design is called beside its original: ``crud-mine``. What it edits is told by ``Design.edits``."""
ORIGIN = "origin.toml"
NO_DESIGN = (ORIGIN, "lesson.md", "quiz.toml")
"""Files that no design runs; so are the patches and whatever else is Markdown."""


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Origin:
    """What ``origin.toml`` says: the original's name, archlab's version, and each file's hash when copied."""

    original: str
    archlab: str
    files: Mapping[str, str]


def usable(name: str) -> bool:
    """Whether a copy can be called so."""
    return _NAME.fullmatch(name) is not None and name not in names.known()


def copy_scenario(original: Scenario, target: Path) -> Path:
    """Copies a scenario's folder to ``target``, to be edited; returns the folder.

    All or nothing. A copy of a copy has the same original as that copy. Raises UsageError when the name will not do
    or something is there already, ScenarioError when the folder cannot be copied or written.
    """
    import shutil
    import tempfile

    if not _NAME.fullmatch(target.name):
        raise UsageError(f"{target.name!r} is not a valid name: use letters, digits, - and _, and begin with a letter.")
    if target.name in names.known():
        raise UsageError(f"{target.name!r} is the name of a scenario already: choose another for the copy.")
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target} is there already: choose another name, or remove it.")
    source = Path(original.folder)
    if not (source / "__init__.py").is_file():
        raise ScenarioError(f"{original.name} cannot be copied: it is not a folder with an __init__.py.")
    temporary = None
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        for name in _files(source):
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, temporary / name)
        called = named.reference(original)
        if called in names.known():  # a folder is not referred to: whoever reads the file would run what lies there
            said = Origin(called, __version__, _hashes(source))
            (temporary / ORIGIN).write_text(_as_toml(said), encoding="utf-8")
        temporary.chmod(source.stat().st_mode & 0o777 | 0o700)  # mkdtemp makes it private
        temporary.rename(target)
    except OSError as error:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        raise ScenarioError(f"{target} cannot be written: {error.strerror or error}.") from error
    return target


def copied_from(folder: Path) -> Origin | None:
    """What a folder was copied from, or None when it is no copy. Raises ScenarioError when that cannot be read."""
    file = folder / ORIGIN
    if not file.is_file():
        return None
    import tomllib

    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
        original, version, files = said["original"], said["archlab"], said["files"]
        if not (isinstance(original, str) and isinstance(files, dict)):
            raise TypeError("not what archlab wrote")
        return Origin(original, str(version), files)
    except (ValueError, KeyError, TypeError, OSError) as error:
        why = " ".join(str(error).split())
        raise ScenarioError(
            f"{folder.name}/{ORIGIN} cannot be read ({why}). Remove this file to run the folder alone."
        ) from None


def judged_beside_original(folder: Path, origin: Origin, load: Callable[[], Scenario]) -> Scenario:
    """What a run of a copy executes; ``load`` loads the copy as a scenario of its own."""
    edited = _edited(folder, origin)
    try:
        original = named.by_name(origin.original)
    except (UsageError, ScenarioError):
        return load()  # the original is gone: notes() says so
    if _shared(edited, original):
        return load()
    package = _package(folder, original, edited) if edited else None
    designs: list[Design] = []
    mine: dict[str, str] = {}
    for design in original.designs:
        designs.append(design)
        if package is not None and _own(design, original) & edited:
            mine[design.name] = design.name + EDITED
            designs.append(_mended(folder, package, original, design))
    return replace(
        original,
        name=folder.name,
        folder=str(folder),
        typed=named.typed(folder),
        designs=tuple(designs),
        experiments=tuple(_also_done_to(mine, experiment) for experiment in original.experiments),
    )


def edited_designs(folder: Path) -> tuple[Scenario, list[str] | None] | None:
    """The original of a copy and the names of the designs that are edited, without loading the copy.

    None in place of the names where something is edited that designs share; None for what is no copy of the catalogue.
    """
    origin = copied_from(folder)
    if origin is None:
        return None
    try:
        original = named.by_name(origin.original)
    except (UsageError, ScenarioError):
        return None
    edited = _edited(folder, origin)
    if _shared(edited, original):
        return original, None
    return original, [design.name for design in original.designs if _own(design, original) & edited]


def notes(scenario: Scenario) -> tuple[str, ...]:
    """What a person should know about a copy before reading its figures, in sentences; empty for any other scenario."""
    folder = Path(scenario.folder)
    origin = copied_from(folder)
    if origin is None:
        return ()
    edited = _edited(folder, origin)
    called = origin.original
    try:
        original = named.by_name(origin.original)
    except (UsageError, ScenarioError):
        return (f"{called}, which {folder.name} was copied from, cannot be loaded, so the copy is judged alone.",)
    said = []
    if not edited:
        said.append(f"nothing is edited in {folder.name} yet: this is exactly {called}.")
    elif shared := _shared(edited, original):
        said.append(f"{_edits(shared, folder)}, which the designs share, so the copy is judged alone.")
    else:
        said.append(f"{_edits(edited, folder)}: judged beside {called} as *{EDITED}.")
    if _hashes(Path(original.folder)) != origin.files:
        said.append(
            f"{called} has changed since you copied it from archlab {origin.archlab}. The run uses it as it is now."
        )
    return tuple(said)


def _edits(names: set[str], folder: Path) -> str:
    return f"{', '.join(sorted(names))} of {folder.name} {'is' if len(names) == 1 else 'are'} edited"


def _files(folder: Path) -> list[str]:
    """The files of a scenario folder, as relative paths with forward slashes; not what Python or an editor left."""
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part == "__pycache__" or part.startswith(".") for part in parts)
        if path.is_file() and not hidden and path.suffix != ".pyc":
            found.append("/".join(parts))
    return found


def _hashes(folder: Path) -> dict[str, str]:
    import hashlib

    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in _files(folder) if name != ORIGIN}


def _as_toml(origin: Origin) -> str:
    import json

    def quoted(text: str) -> str:  # a JSON string is a TOML string, as long as nothing is escaped as a surrogate pair
        return json.dumps(text, ensure_ascii=False)

    lines = [
        "# What this folder was copied from. archlab compares it with that to see what you edited.",
        f"original = {quoted(origin.original)}",
        f"archlab = {quoted(origin.archlab)}",
        "",
        "[files]",
        *(f"{quoted(name)} = {quoted(digest)}" for name, digest in sorted(origin.files.items())),
    ]
    return "\n".join(lines) + "\n"


def _edited(folder: Path, origin: Origin) -> set[str]:
    """The files that decide what runs and are not what was copied. A new module counts only once one imports it."""
    now = _hashes(folder)
    changed = {name for name, digest in origin.files.items() if now.get(name) != digest}
    return {name for name in changed if not (name in NO_DESIGN or name.endswith((".md", ".patch")))}


def _own(design: Design, original: Scenario) -> set[str]:
    """The files of a design alone, relative to the scenario's folder."""
    folder = Path(original.folder)
    inside = [path.resolve() for path in sources(design)]
    own = {path.relative_to(folder).as_posix() for path in inside if path.is_relative_to(folder)}
    return own - {"__init__.py"}


def _shared(edited: set[str], original: Scenario) -> set[str]:
    return edited.difference(*(_own(design, original) for design in original.designs))


def _package(folder: Path, original: Scenario, edited: set[str]) -> types.ModuleType:
    """The copy as a package in which every module that is not part of an edited design *is* the original's."""
    package = loading.load_package(folder, empty=True)
    from_copy = set().union(*(own for d in original.designs if (own := _own(d, original)) & edited))
    theirs = _module_package(original)
    for name in _files(Path(original.folder)):
        if not name.endswith(".py") or name.endswith("__init__.py") or name in from_copy:
            continue
        inner = _dotted(name)
        try:
            module = importlib.import_module(f"{theirs}.{inner}")
        except (Exception, SystemExit):
            continue  # the original gets along without it; where the copy imports it, it is told why that fails
        sys.modules[f"{package.__name__}.{inner}"] = module
    return package


def _dotted(name: str) -> str:
    return name.removesuffix(".py").replace("/", ".")


def _module_package(original: Scenario) -> str:
    """The name under which the original's folder is imported."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if file.endswith("__init__.py") and Path(file).resolve() == Path(original.folder) / "__init__.py":
            return name
    raise ScenarioError(f"{original.name} is not a package: its designs cannot be judged beside a copy.")


def _mended(folder: Path, package: types.ModuleType, original: Scenario, design: Design) -> Design:
    """The copy's version of a design, from the copy's module."""
    file = sources(design)[0].resolve()
    inner = _dotted(file.relative_to(original.folder).as_posix())
    try:
        module = importlib.import_module(f"{package.__name__}.{inner}")
    except (Exception, SystemExit) as error:
        raise ScenarioError(f"{folder.name} cannot be loaded: {loading.reason(error)}") from error
    if isinstance(design.start, Later):  # declared in the scenario's __init__, which is the original's
        start = design.start.within(package.__name__)
        return replace(
            design, name=design.name + EDITED, edits=design.name, title=f"{design.title} (edited)", start=start
        )
    here: list[Design] = [value for value in vars(module).values() if isinstance(value, Design)]
    alone = here[0] if len(here) == 1 else None
    found = next((one for one in here if one.name == design.name), alone)
    if found is None:
        raise ScenarioError(f"{folder.name}/{file.name} no longer defines the design {design.name!r}.")
    title = found.title if found.title != design.title else f"{design.title} (edited)"
    return replace(found, name=design.name + EDITED, edits=design.name, title=title, role=design.role)


def _also_done_to(mine: Mapping[str, str], experiment: Experiment) -> Experiment:
    """What is done to an original is done to the edited one too."""
    both = [name for design in experiment.designs for name in (design, mine.get(design, "")) if name]
    return replace(experiment, designs=tuple(both))
