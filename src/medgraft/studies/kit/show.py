"""Studies in words, for the terminal and the documentation."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Any

from medgraft.studies.kit.account import figures, number
from medgraft.studies.kit.card import Study, studies
from medgraft.studies.kit.found import where_to_get
from medgraft.studies.kit.optimism import told_way

VERDICTS = ("helps", "harms", "inconclusive")


def listing(
    pattern: str = "*",
    *,
    modality: str | None = None,
    transfer: str | None = None,
    data: str | None = None,
    caveats: bool = False,
) -> list[str]:
    """Return a line for each study, in the review's order.

    Parameters
    ----------
    pattern : str
        Glob of keys.
    modality, transfer, data : str, optional
        Only those of this word in the modality, this kind of transfer, this public set.
    caveats : bool
        Add what is wrong with each.
    """
    found = sorted((studies[name] for name in studies.list(pattern)), key=lambda s: s.ref)
    lines = []
    for s in found:
        sets = (*s.data, *s.stand_ins)
        if modality is not None and modality.lower() not in s.modality.lower():
            continue
        if (transfer is not None and transfer not in s.transfer) or (data is not None and data not in sets):
            continue
        own = ", ".join(s.data) or "none at hand"
        standing = f"; stand-in {', '.join(s.stand_ins)}" if s.stand_ins else ""
        kinds = ", ".join(s.transfer)
        lines.append(f"[{s.ref}] {s.key:<20} {s.modality} | {kinds} | {s.method}")
        lines.append(f"     data: {own}{standing} ({s.access})")
        lines += [f"     caveat: {text}" for text in s.caveats] if caveats else []
    return lines


def card(s: Study) -> str:
    """Return the whole card of a study as text."""
    parts = [
        f"[{s.ref}] {s.key}: {s.summary}",
        f"{s.authors} ({s.year}): {s.title}. {s.venue}. https://doi.org/{s.doi}",
        f"Modality: {s.modality}. Task: {s.task}. Transfer: {', '.join(s.transfer)}. Method: {s.method}.",
    ]
    if s.networks:
        parts.append(f"Networks: {', '.join(s.networks)}.")
    parts.append(where_to_get(s))
    parts += [f"{name} in its place: {text}" for name, text in s.stand_ins.items()]
    wrapped = ["\n".join(textwrap.wrap(part, 100)) for part in parts]
    for title, lines in (
        (
            "What is known of it (read, in the code, remembered, or proposed by us)",
            [f"{fact.text} [{fact.tag}]" for fact in s.facts],
        ),
        ("Published (theirs, not ours)", [_published(s, i) for i in range(len(s.published))]),
        (
            "as_published repeats",
            list(s.leaks) or ["nothing: no leak is known or supposed, so there is only honest"],
        ),
        ("Caveats", list(s.caveats)),
    ):
        if lines:
            body = [textwrap.fill(line, 100, initial_indent="- ", subsequent_indent="  ") for line in lines]
            wrapped.append("\n".join([f"{title}:", *body]))
    return "\n\n".join(wrapped)


def outcome(s: Study, told: dict[str, Any]) -> str:
    """Return what a run found, beside what was published, as text."""
    if told["protocol"] == "both":
        lines = [outcome(s, told["honest"]), "", outcome(s, told["as_published"]), ""]
        lines.append("Optimism of the leaks (as published less honest; above 0: rosier):")
        for each in told["optimism"]:
            gap = number(each["value"], each["ci"], "+")
            lines.append(f"  {each['title']}: {each['metric']} {gap} ({told_way(each)})")
        return "\n".join(lines)
    head = [f"[{s.ref}] {s.key}, protocol {told['protocol']}", told["data"]["note"]]
    if told["protocol"] != "honest":
        head += [f"A leak, on purpose: {leak}" for leak in told["leaks"]]
    stood: dict[str, list[str]] = {}
    for published, name in told["networks"].items():
        if published != name:
            stood.setdefault(name, []).append(published)
    head += [f"Not the paper's network: {u} for {', '.join(names)}." for u, names in stood.items()]
    body = [figures(e) for e in told["experiments"]]
    after = [f"Published, not ours: {_published(s, i)}" for i in range(len(s.published))]
    after += told["notes"]
    after += [f"Caveat: {text}" for text in s.caveats]
    answer = {"helps": "it did", "harms": "it did harm", "inconclusive": "it cannot be told"}
    word = "Transfer" if transfers(s, told) else "The study's method"
    where = "here" if told["protocol"] == "honest" else "here, with the leaks"
    last = f"{word}: did it help {where}? {answer[told['verdict']].capitalize()}."
    return "\n".join([*head, "", *body, "", *after, last])


def transfers(s: Study, told: dict[str, Any]) -> bool:
    """Whether the verdict of an account is about transfer."""
    return s.transfer != ("none",) and bool(told["experiments"][0].get("transfer", True))


def closing(accounts: Sequence[dict[str, Any]]) -> str:
    """Return how often transfer helped, harmed, or could not be told, of generated runs."""
    about = [told.get("honest", told) for told in accounts]
    counted = Counter(told["verdict"] for told in about if transfers(studies[told["study"]], told))
    shown = ", ".join(f"{counted[v]} {v}" for v in VERDICTS)
    return f"Generated data, {sum(counted.values())} studies with transfer of {len(accounts)}: {shown}."


def _published(s: Study, i: int) -> str:
    p = s.published[i]
    return f"{p.what}: {p.metric} {p.value:g} (read in: {p.source})"
