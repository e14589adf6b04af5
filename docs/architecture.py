"""Draw the architecture from the code's own imports: `docs/architecture.svg`.

    make architecture

A room is a package, or a module that stands beside packages. An arrow says that a room imports from
another one; arrows that follow from others are left out. A room stands one floor above the highest
room that it imports. tests/test_architecture.py fails when the picture is out of date, when imports
form a circle, or when a room imports from above.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from html import escape
from pathlib import Path

ROOT = Path(__file__).parent.parent
OUT = Path(__file__).parent / "architecture.svg"
PACKAGES = ("neftune", "eval", "analysis", "experiments")
GROUND = "experiments: paths, names, published"
WIDTH, HEIGHT, GAP_X, GAP_Y = 310, 54, 26, 34

Graph = dict[str, set[str]]


def modules() -> dict[str, Path]:
    """Every module of the packages, by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, known: Mapping[str, Path]) -> set[str]:
    """The project's modules that a file imports, in functions too, but not for type checking."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & set(known)
            found |= inner or {node.module}
    return found & set(known)


def module_graph() -> Graph:
    """By module, the modules that it imports."""
    known = modules()
    return {name: imports(path, known) - {name} for name, path in known.items()}


def room_of(module: str) -> str:
    """The room of a module: its folder within `experiments` or `neftune`, else the top package."""
    parts = module.split(".")
    folder = (ROOT / Path(*parts)).is_dir()
    if parts[0] == "experiments":
        if len(parts) > 2 or (folder and len(parts) == 2):
            return f"experiments/{parts[1]}"
        if parts[1:] and parts[1] in ("paths", "names", "published"):
            return GROUND
        return f"experiments: {parts[1]}" if parts[1:] else "experiments"
    return "neftune/training" if parts[:2] == ["neftune", "training"] else parts[0]


def room_graph() -> Graph:
    """By room, the rooms that it imports from."""
    graph: Graph = {}
    for module, imported in module_graph().items():
        if module == "experiments":
            continue  # a docstring alone
        room = room_of(module)
        graph.setdefault(room, set()).update(room_of(each) for each in imported)
    return {room: others - {room, "experiments"} for room, others in graph.items()}


def circle(graph: Graph) -> list[str]:
    """The nodes of one circle, in order; empty where there is none."""
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return path[path.index(node) :]
        if node in done:
            return []
        for other in sorted(graph[node]):
            found = visit(other, [*path, node])
            if found:
                return found
        done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := visit(node, []))), [])


def floors(graph: Graph) -> dict[str, int]:
    """By room, its floor: 0 imports nothing, else one above the highest room imported."""
    levels: dict[str, int] = {}

    def level(room: str) -> int:
        if room not in levels:
            levels[room] = max((level(other) + 1 for other in graph[room]), default=0)
        return levels[room]

    for room in graph:
        level(room)
    return levels


def reduced(graph: Graph) -> Graph:
    """The graph without arrows that follow from others."""

    def reachable(room: str) -> set[str]:
        return graph[room] | {far for other in graph[room] for far in reachable(other)}

    return {
        room: {o for o in others if not any(o in reachable(p) for p in others - {o})}
        for room, others in graph.items()
    }


def summary(room: str) -> str:
    """The first sentence of a room's docstring."""
    path = ROOT / room / "__init__.py"
    if room == GROUND:
        return "the paper's numbers; where files are kept"
    if ": " in room:
        path = ROOT / "experiments" / f"{room.partition(': ')[2]}.py"
    return (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0].rstrip(".")


def _lines(text: str, most: int = 46) -> list[str]:
    words, lines = text.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) + 1 > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines[:2] if len(lines) <= 2 else [lines[0], lines[1][: most - 1] + "…"]


def drawn() -> str:
    """The picture as SVG."""
    graph = room_graph()
    levels = floors(graph)
    rows = [sorted(r for r in graph if levels[r] == n) for n in range(max(levels.values()) + 1)]
    width = max(len(row) for row in rows) * (WIDTH + GAP_X) + GAP_X
    height = len(rows) * (HEIGHT + GAP_Y) + GAP_Y
    place: dict[str, tuple[float, float]] = {}
    for level, row in enumerate(rows):
        left = (width - len(row) * (WIDTH + GAP_X) + GAP_X) / 2
        top = height - (level + 1) * (HEIGHT + GAP_Y)
        place |= {room: (left + i * (WIDTH + GAP_X), top) for i, room in enumerate(row)}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        'font-family="Helvetica, Arial, sans-serif">',
        "<title>Packages and their imports, drawn by docs/architecture.py</title>",
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#8a8a8a"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>',
    ]
    for room, others in sorted(reduced(graph).items()):
        for other in sorted(others):
            (x1, y1), (x2, y2) = place[room], place[other]
            parts.append(
                f'<path d="M{x1 + WIDTH / 2:.0f} {y1 + HEIGHT:.0f} C{x1 + WIDTH / 2:.0f} '
                f"{y1 + HEIGHT + 22:.0f} {x2 + WIDTH / 2:.0f} {y2 - 24:.0f} "
                f'{x2 + WIDTH / 2:.0f} {y2 - 2:.0f}" fill="none" stroke="#8a8a8a" '
                'stroke-width="1.2" marker-end="url(#a)"/>'
            )
    for room, (x, y) in sorted(place.items()):
        fill = "#e8f1fa" if room.startswith("experiments") else "#fdf1de"
        parts.append(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{WIDTH}" height="{HEIGHT}" rx="5" '
            f'fill="{fill}" stroke="#555"/>'
        )
        parts.append(
            f'<text x="{x + 9:.0f}" y="{y + 17:.0f}" font-size="13" font-weight="bold">'
            f"{escape(room)}</text>"
        )
        for number, line in enumerate(_lines(summary(room))):
            parts.append(
                f'<text x="{x + 9:.0f}" y="{y + 33 + 13 * number:.0f}" font-size="10.5" '
                f'fill="#333">{escape(line)}</text>'
            )
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    OUT.write_text(drawn())
    print(f"Written to {OUT.relative_to(ROOT)}.")
