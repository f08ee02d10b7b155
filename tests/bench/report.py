"""What a run of the benchmark leaves behind: tables in Markdown and reStructuredText, and a chart."""

import html
import math
import pathlib
import re
import sys

from rows import AMOUNT, CORE, FLOOR, NAIVE, OURS, OWN, RATIO, SECTIONS, base, goal, reached, text, value

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = TOP / "doc" / "performance"
NEWEST = "pyOpenSSL, newest"
MARKS = {"aim": "aim", "must": "must", "no": "**below**", None: ""}


def cells(row, peers, result):
    found = {peer.name: value(row, result, peer.name) for peer in peers}
    unit = " ×" if row.kind == FLOOR else ""
    return found, [text(row, found[peer.name]) + (unit if found[peer.name] is not None else "") for peer in peers]


def markdown(found, rows, result, sections=True):
    """Lines of a table; the last column says whether our package reached its must, its aim, or neither."""
    others = [peer for peer in found if peer.name != NAIVE]
    titles = ["work", NAIVE, *(peer.name for peer in others), "must", "aim", "reached"]
    lines = ["| " + " | ".join(titles) + " |", "|---|" + "---:|" * (len(titles) - 2) + "---|"]
    for section, members in SECTIONS:
        members = [row for row in members if row in rows]
        if members and sections:
            lines.append(f"| *{section}* |" + " |" * (len(titles) - 1))
        for row in members:
            values, shown = cells(row, others, result)
            mark = MARKS[reached(row, values.get(OURS))]
            title = row.title if sections else title_alone(section, row)
            line = [title, base(row, result), *shown, goal(row, row.must), goal(row, row.aim), mark]
            lines.append("| " + " | ".join(line) + " |")
    return lines


def title_alone(section, row):
    """A title that is understood without its section."""
    return f"two threads over one: {row.title}" if row.kind == OWN else row.title


def best(row, peers, result):
    """The best of the other packages on the same OpenSSL: its value as text, and its name."""
    values = {peer.name: value(row, result, peer.name) for peer in peers if peer.name not in (NAIVE, CORE, OURS, NEWEST)}
    values = {name: found for name, found in values.items() if found is not None}
    if not values:
        return "–"
    name = (min if row.lower else max)(values, key=values.get)
    return f"{text(row, values[name])} ({name})"


def restructured(found, rows, result):
    """Lines of a list-table: must, aim, the best other package, ours."""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 40 14 10 10 26 10 10", ""]
    titles = ("Work", "Naive C", "Must", "Aim", "Best other package", "pyossl", "Reached")

    def add(items):
        for i, item in enumerate(items):
            lines.append(("   * - " if i == 0 else "     - ") + item if item else ("   * -" if i == 0 else "     -"))

    add(titles)
    for section, members in SECTIONS:
        members = [row for row in members if row in rows]
        if members:
            add([f"*{section}*", *[""] * (len(titles) - 1)])
        for row in members:
            ours = value(row, result, OURS)
            mark = MARKS[reached(row, ours)]
            add([row.title, base(row, result), goal(row, row.must), goal(row, row.aim), best(row, found, result),
                 text(row, ours), mark])
    return lines


def reasons_kept():
    import tomllib  # since Python 3.11

    return tomllib.loads((FOLDER / "reasons.toml").read_text())


def below(rows, result):
    """Each row that misses its must, with the reason that is kept for it, worst first."""
    reasons = reasons_kept()

    def share(row):
        ours = value(row, result, OURS)
        return row.must / ours if row.lower else ours / row.must

    missed = sorted((row for row in rows if reached(row, value(row, result, OURS)) == "no"), key=share)
    if not missed:
        return ["Every row reached its must."]
    lines = []
    for row in missed:
        if row.name not in reasons:
            print(f"doc/performance/reasons.toml has no reason for {row.name}", file=sys.stderr)
        section = next(section for section, members in SECTIONS if row in members)
        why = reasons.get(row.name, "not explained yet")
        lines += [f"{title_alone(section, row)}: {text(row, value(row, result, OURS))}, must {goal(row, row.must)}",
                  *("    " + line for line in " ".join(why.split()).splitlines()), ""]
    return lines[:-1]


# ---- the chart ----

COLOURS = {"ssl": "#7a7a7a", "pyOpenSSL, Debian": "#d9822b", "M2Crypto": "#7b4fa3", NEWEST: "#c9a227"}
BLUE, RED = "#1b6ca8", "#b3261e"
LOW, HIGH = 0.005, 400
LEFT, WIDTH, STEP = 330, 560, 19


def position(found):
    low, high = math.log10(LOW), math.log10(HIGH)
    return LEFT + (math.log10(min(max(found, LOW), HIGH)) - low) / (high - low) * WIDTH


def speeds(row, peers, result):
    """Ratios to naive C, where a row has them."""
    if row.kind == RATIO:
        return {peer.name: value(row, result, peer.name) for peer in peers}
    naive = value(row, result, NAIVE) if row.kind == AMOUNT else None
    return {peer.name: naive / found for peer in peers if naive and (found := value(row, result, peer.name))}


def mark(name, x, y):
    """A shape for each peer, for those who do not see colours."""
    colour = COLOURS[name]
    if name == "ssl":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    if name == "M2Crypto":
        points = f"{x:.1f},{y - 5:.1f} {x + 5:.1f},{y + 4:.1f} {x - 5:.1f},{y + 4:.1f}"
    elif name == NEWEST:
        return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" fill="none" stroke="{colour}" stroke-width="2"/>'
    else:
        points = f"{x:.1f},{y - 5:.1f} {x + 5:.1f},{y:.1f} {x:.1f},{y + 5:.1f} {x - 5:.1f},{y:.1f}"
    return f'<polygon points="{points}" fill="{colour}"/>'


def svg(found, rows, result):
    """A bar for our package on a logarithmic scale, from naive C's 1; marks for the others; a line for the must."""
    shown = [peer.name for peer in found if peer.name in COLOURS]
    out, y = [], 62
    for section, members in SECTIONS:
        members = [(row, speeds(row, found, result)) for row in members if row in rows]
        members = [(row, ratios) for row, ratios in members if ratios.get(OURS)]
        if not members:
            continue
        out.append(f'<text x="{LEFT - 10}" y="{y + 13}" text-anchor="end" font-weight="bold">{html.escape(section)}</text>')
        y += STEP
        for row, ratios in members:
            middle, ours = y + STEP / 2, ratios[OURS]
            colour = RED if reached(row, value(row, result, OURS)) == "no" else BLUE
            start, end = sorted((position(1), position(ours)))
            out.append(f'<text x="{LEFT - 10}" y="{middle + 4:.1f}" text-anchor="end">{html.escape(row.title)}</text>')
            out.append(f'<rect x="{start:.1f}" y="{y + 3}" width="{max(end - start, 1.5):.1f}" height="{STEP - 6}" fill="{colour}"/>')
            if row.must is not None and row.kind == RATIO:
                x = position(row.must)
                out.append(f'<line x1="{x:.1f}" y1="{y + 1}" x2="{x:.1f}" y2="{y + STEP - 1}" stroke="#000" stroke-width="1.5"/>')
            out += (mark(name, position(ratios[name]), middle) for name in shown if ratios.get(name))
            label = f"{ours:,.0f}" if ours >= 100 else f"{ours:.1f}" if ours >= 10 else f"{ours:.2f}"
            out.append(f'<text x="{LEFT + WIDTH + 50}" y="{middle + 4:.1f}" text-anchor="end" fill="{colour}">{label}</text>')
            y += STEP
        y += 6
    grid = "".join(
        f'<line x1="{position(v):.1f}" y1="54" x2="{position(v):.1f}" y2="{y}" stroke="{"#888" if v == 1 else "#ddd"}"/>'
        f'<text x="{position(v):.1f}" y="48" text-anchor="middle" fill="#555">{v:g}</text>'
        f'<text x="{position(v):.1f}" y="{y + 14}" text-anchor="middle" fill="#555">{v:g}</text>'
        for v in (0.01, 0.1, 1, 10, 100))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 60}" height="{y + 44}" '
            f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>{grid}{legend(shown)}'
            f'{"".join(out)}<text x="{LEFT + WIDTH / 2}" y="{y + 34}" text-anchor="middle">'
            f"speed relative to C that calls OpenSSL in the ordinary way (right is faster)</text></svg>\n")


def legend(shown):
    out = [f'<rect x="20" y="12" width="22" height="11" fill="{BLUE}"/><text x="48" y="22">pyossl</text>',
           f'<rect x="110" y="12" width="22" height="11" fill="{RED}"/><text x="138" y="22">pyossl, below its must</text>',
           '<line x1="290" y1="9" x2="290" y2="27" stroke="#000" stroke-width="1.5"/><text x="298" y="22">must</text>']
    x = 350
    for name in shown:
        out.append(mark(name, x, 18) + f'<text x="{x + 10}" y="22">{html.escape(name)}</text>')
        x += 40 + 7 * len(name)
    return "".join(out)


# ---- files ----


def between(path, start, end, lines):
    """Put lines between two marks of a file."""
    old = path.read_text()
    new, count = re.subn(f"({re.escape(start)}\n).*?({re.escape(end)})", lambda m: m[1] + "\n".join(lines) + "\n" + m[2], old,
                         flags=re.S)
    if count != 1:
        raise ValueError(f"{path} has not one place between {start} and {end}")
    path.write_text(new)


def summary(rows, result):
    marks = [reached(row, value(row, result, OURS)) for row in rows]
    asked = [mark for mark in marks if mark is not None]
    return (f"Of {len(asked)} rows with a must, {sum(mark != 'no' for mark in asked)} reached it, "
            f"{asked.count('aim')} of these their aim; {asked.count('no')} are below.")


def write(found, result, how, load):
    """The page's table and chart, the Markdown table, and the README's rows."""
    rows = [row for _, members in SECTIONS for row in members]
    versions = "; ".join(f"{peer.name}: {peer.version}" for peer in found if peer.version)
    said = f"Measured with `./dev bench --write`, {how}, load of the machine before {load}. {versions}."
    FOLDER.joinpath("table.md").write_text(
        f"{said} Higher is better, but for times, memory and sizes.\n\n" + "\n".join(markdown(found, rows, result)) + "\n")
    FOLDER.joinpath("chart.svg").write_text(svg(found, rows, result))
    page = FOLDER / "index.rst"
    lines = ["", said.replace("`./dev bench --write`", "``./dev bench --write``"), "", summary(rows, result), "",
             *restructured(found, rows, result), ""]
    between(page, ".. figures: begin", ".. figures: end", lines)
    between(page, ".. below: begin", ".. below: end", ["", *below(rows, result), ""])
    telling = [row for row in rows if row.telling]
    between(TOP / "README.md", "<!-- bench -->", "<!-- /bench -->",
            [*markdown(found, telling, result, sections=False), "", summary(rows, result)])
