#!/usr/bin/python3
"""Draws the figures of a run as SVG: memory of each, by what it is, or starts a second where no memory was measured.

    bench/chart.py FILE.json > FILE.svg
"""
import json
import sys
from xml.sax.saxutils import escape

import results

WIDTH, LEFT, BAR, GAP, TOP = 900, 250, 26, 12, 70
COLOURS = {"slab": "#2f6f9f", "kernel_stack": "#4f9fcf", "page_tables": "#8fc7df", "private": "#e0a030", "shared": "#c07050",
           "percpu": "#7f9f4f", "other": "#a0a0a0"}
NAMES = {"kernel_stack": "kernel stacks", "page_tables": "page tables", "private": "private pages"}


def bars(found):
    """(unit, [(label, [(part, value)], total)])"""
    if "memory_kib_each" in found["results"][0]:
        rows = []
        for result in found["results"]:
            memory = result["memory_kib_each"]
            rows.append((results.label(result), [(part, max(memory[part], 0)) for part in results.PARTS], memory["used"]))
        return "KiB of machine memory, each", rows
    return "starts a second", [(results.label(r), [("slab", r["starts_per_second"])], r["starts_per_second"])
                               for r in found["results"]]


def title(found):
    machine = found["machine"]
    return (f"{found['options']['n']} of each; {machine['cpu'] or machine['architecture']}, {machine['cpus']} CPUs"
            f"{' (virtual)' if machine['virtualized'] else ''}, {machine['kernel']}, commit {found.get('commit', '?')}")


def text(x, y, words, size=13, anchor="start", colour="#222"):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{escape(words)}</text>'


def legend(unit):
    if not unit.startswith("KiB"):
        return []
    out, x = [], LEFT
    for part, colour in COLOURS.items():
        name = NAMES.get(part, part)
        out.append(f'<rect x="{x}" y="48" width="10" height="10" fill="{colour}"/>')
        out.append(text(x + 14, 57, name, 11))
        x += 26 + 6.5 * len(name)
    return out


def draw(found):
    unit, rows = bars(found)
    height = TOP + len(rows) * (BAR + GAP) + 10
    scale = (WIDTH - LEFT - 70) / max([total for _, _, total in rows] + [sum(v for _, v in parts) for _, parts, _ in rows] + [1])
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
           f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
           text(10, 22, f"{found['scenario']}: {unit}", 16), text(10, 40, title(found), 11, colour="#666"), *legend(unit)]
    for number, (label, parts, total) in enumerate(rows):
        y, x = TOP + number * (BAR + GAP), LEFT
        out.append(text(LEFT - 10, y + BAR * 0.7, label, anchor="end"))
        for part, value in parts:
            out.append(f'<rect x="{x:.1f}" y="{y}" width="{value * scale:.1f}" height="{BAR}" fill="{COLOURS[part]}"/>')
            x += value * scale
        out.append(text(x + 6, y + BAR * 0.7, f"{total:,.1f}" if total < 1000 else f"{total:,.0f}"))
    return "\n".join([*out, "</svg>", ""])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.write(draw(json.load(file)))


if __name__ == "__main__":
    main()
