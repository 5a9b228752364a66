"""Markdown tables of the rows of a run: one table a work, medians, and gpu-nn's best against every row."""

from statistics import median

FIGURES = ("seconds", "cpu_seconds", "setup_seconds", "process_seconds", "process_cpu_seconds")
# Those that are compared: gpu-nn's smallest median over a row's.
COMPARED = ("seconds", "cpu_seconds", "process_seconds", "process_cpu_seconds")
HEAD = (
    "",
    "wall",
    "CPU",
    "setup",
    "process",
    "its CPU",
    "gpu-nn / this: wall",
    "CPU",
    "process",
    "its CPU",
    "runs",
    "result",
)


def medians(row):
    """The median of every figure of a row that has a right result, per unit of the work; else nothing."""
    timings = row["measurements"]
    if not timings or not all(timing["right"] for timing in timings):
        return {}
    units = {"seconds": row["units"], "cpu_seconds": row["units"]}
    found = {}
    for figure in FIGURES:
        values = [timing[figure] for timing in timings if timing[figure] is not None]
        if values:
            found[figure] = median(values) / units.get(figure, 1)
    return found


def seconds(value):
    if value is None:
        return "-"
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if value * factor >= 1 or unit == "us":
            return f"{value * factor:.3g} {unit}" if value * factor < 1000 else f"{value * factor:.0f} {unit}"


def ratio(best, value):
    return "-" if best is None or value is None else f"{best / value:.2f}"


def result(row):
    if row["failure"]:
        return row["failure"]
    words = row["measurements"][-1]["words"]
    return words if all(timing["right"] for timing in row["measurements"]) else f"**wrong result**: {words}"


def best(rows, figure):
    """The smallest median of gpu-nn's rows."""
    return min(
        (medians(row)[figure] for row in rows if row["who"] == "gpu-nn" and figure in medians(row)), default=None
    )


def table(work, rows):
    """The rows of one work."""
    ours = {figure: best(rows, figure) for figure in COMPARED}
    lines = [f"### {work.name.upper()}: {work.title}; times a {work.unit}", ""]
    lines += ["| " + " | ".join(HEAD) + " |", "|---" * len(HEAD) + "|"]
    for row in rows:
        figures = medians(row)
        cells = [
            f"{row['who']} {row['form']}",
            *(seconds(figures.get(figure)) for figure in FIGURES),
            *(ratio(ours[figure], figures.get(figure)) for figure in COMPARED),
            str(len(row["measurements"])),
            result(row),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
