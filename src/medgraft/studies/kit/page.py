"""All studies on one page of Markdown: cards, our figures, the published ones beside them, and a balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from medgraft.cohort.public import public_sets
from medgraft.studies.kit.account import BESIDE, number
from medgraft.studies.kit.card import Study, studies
from medgraft.studies.kit.optimism import PAIRED, told_way
from medgraft.studies.kit.show import transfers

WORDS = {"helps": "helped", "harms": "harmed", "inconclusive": "could not be told"}
HEAD = """# The forty studies

The review "Transfer Learning Models for Precision Medicine: A Review of Current Applications" (Pamungkas et
al. 2025, [doi:10.12928/biste.v7i3.14286](https://doi.org/10.12928/biste.v7i3.14286)) lists forty studies.
Each is a recipe here: `medgraft studies run KEY --data FOLDER --out DIR`, or `--generated` without data;
without either, an open set of the study is fetched.

*Honest* runs keep patients, lesions, subjects or copies together, and everything that learns does so inside
the training part. *As published* repeats the study's leaks, known ones and those that we suspect ("supposed":
nothing that we read says so), and is labelled so everywhere. The difference of the two is the optimism of the
leaks: on the rows that both runs tested, paired by patient, where that can be done (copies and made rows are
left out, so that it is not just the difference of the two figures), and otherwise rough, as if the two runs
were independent.

What is known of a study is marked: [read] in the paper, its abstract, the review's table or somebody's
description; [code] in the authors' code; [remembered], and to be checked; [proposed] by us, where nothing was
found. Published figures are the authors' own, on their own data: they are shown where they could be read, and
are not comparable with ours row by row.

Our figures come with the number of rows, a 95 % interval and the date. Folders in the commands are ours:
put yours in their place. Where the paper's pretrained networks could not be had, others stood in, and
cohorts were cut to what two processor cores do in some hours in all: a verdict here is about the method at
that size, not about the paper. With one repeat, as in nearly all, an interval leaves out the luck of the
division and of the training, in the optimism too. After first figures had been seen, numbers of images and
of repeats were raised once, for narrower intervals, and the controls of [46], [50] and [70] searched as their
methods are; what came of it was kept. A large network from random weights hardly trains
on so few images, so that to beat it is nearly assured; a small one may train well, and stands beside it in
[33], [34], [39] and [66]. The linear probe, which only reads frozen features, is the harder yardstick.
"""


def page(accounts: Mapping[str, Sequence[dict[str, Any]]]) -> str:
    """Return the page.

    Parameters
    ----------
    accounts : mapping
        Key -> accounts of its recorded runs, the main one first.
    """
    known = sorted((studies[key] for key in studies), key=lambda s: s.ref)
    parts = [HEAD, balance(known, accounts)]
    parts += [_section(s, accounts.get(s.key, ())) for s in known]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def balance(known: Sequence[Study], accounts: Mapping[str, Sequence[dict[str, Any]]]) -> str:
    """Return the closing table: of each study what transfer did, and how often it helped in all."""
    lines = [
        "## Did transfer help?",
        "",
        "The table and the counts are of the first experiment of each study; the others stand below. No "
        "difference from a linear probe: there is none among the arms. No optimism: no leak is known or "
        "supposed, or the data do not allow it. (rough): two runs taken for independent, where the "
        "experiment is no trial.",
        "",
    ]
    real: Counter[str] = Counter()
    made: Counter[str] = Counter()
    rows: list[str] = []
    probed: Counter[str] = Counter()  # what a method does beside a linear probe
    seen: dict[str, int] = {}  # two studies may ask the same of the same data: they count once
    for s in known:
        given = accounts.get(s.key, ())
        if not given:
            rows.append(f"| [{s.ref}] | [{s.key}](#{_anchor(s)}) | not run | | | | | | |")
            continue
        told = _honest(given[0])
        first = told["experiments"][0]
        kind = told["data"]["kind"]
        moves = transfers(s, told)
        same = seen.setdefault(
            str([told["data"].get("sets"), first["n"], first["difference"], first["ci"]]), s.ref
        )
        new = same == s.ref
        if moves and new:
            (made if kind == "generated" else real)[told["verdict"]] += 1
        gap = _gap(given[0])
        beside = first.get("probe")
        shown = number(beside["difference"], beside["ci"], "+") if beside else ""
        probed.update([beside["verdict"]] if beside and moves and new and kind != "generated" else [])
        verdict = told["verdict"] if moves else f"{told['verdict']} (no transfer)"
        verdict += "" if new else f" (the same run as [{same}], counted once)"
        verdict += " (interval too narrow)" if any("too narrow" in note for note in told["notes"]) else ""
        rows.append(
            f"| [{s.ref}] | [{s.key}](#{_anchor(s)}) | {kind} | {_n(first)} | {_metric(first)} | "
            f"{number(first['difference'], first['ci'], '+')} | {verdict} | {shown} | {gap} |"
        )
    for counted, what in ((real, "real data"), (made, "generated data alone")):
        total = sum(counted.values())
        if total:
            told_ = ", ".join(f"{word} in {counted[v]}" for v, word in WORDS.items())
            lines.append(f"On {what}, transfer ({total} studies): {told_}.\n")
    if total := sum(probed.values()):
        told_ = ", ".join(f"{word} in {probed[v]}" for v, word in BESIDE.items())
        lines.append(f"Against a linear probe on frozen features ({total} studies), the method: {told_}.")
    lines += [
        "",
        "| | Study | Data | n | Metric | Method less control | Verdict | Method less linear probe | "
        "Optimism of the leaks |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *rows,
    ]
    return "\n".join(lines)


def _section(s: Study, accounts: Sequence[dict[str, Any]]) -> str:
    facts = "\n".join(f"- {fact.text} [{fact.tag}]" for fact in s.facts)
    lines = [
        f"## [{s.ref}] {s.key}",
        f"{s.authors} ({s.year}). {s.title}. {s.venue}. [doi:{s.doi}](<https://doi.org/{s.doi}>)",
        f"{s.summary} {s.modality}; {s.task}; {s.method}; kind of transfer: {', '.join(s.transfer)}.",
        f"Data: {s.access}. {_sets(s)}".strip(),
        f"What is known of it:\n\n{facts}",
    ]
    if s.leaks:
        lines.append("As published: " + "; ".join(s.leaks) + ".")
    if s.caveats:
        lines.append("Caveats:\n\n" + "\n".join(f"- {text}" for text in s.caveats))
    if s.published:
        shown = [f"- {p.what}: {p.metric} {p.value:g} (read in: {p.source})" for p in s.published]
        lines.append("Published by its authors, not ours:\n\n" + "\n".join(shown))
    lines += [_account(told) for told in accounts] or ["We have not run it on real data."]
    return "\n\n".join(lines)


def _sets(s: Study) -> str:
    named = [f"`{name}` ({public_sets[name].title})" for name in s.data]
    named += [f"`{name}` in their place: {text.rstrip('.')}" for name, text in s.stand_ins.items()]
    return "; ".join(named) + "." if named else "Generated data only."


def _account(told: dict[str, Any]) -> str:
    honest = _honest(told)
    where = f"{honest['data']['note']} {honest['date']}, medgraft {honest['version']}"
    lines = [f"Our figures. {where}. `{told['command']}`" if "command" in told else f"Our figures. {where}."]
    used = {u for p, u in honest["networks"].items() if p != u}
    if used:
        lines.append(f"In place of the paper's networks: {', '.join(sorted(used))}.")
    for e in honest["experiments"]:
        lines.append(f"{e['title']}: {_metric(e)}, {_n(e, e['unit'])}, honest.")
        rows = ["| Arm | Value | |", "| --- | --- | --- |"]
        for a in e["arms"]:
            mark = {e["method"]: "method", e["control"]: "control"}.get(a["name"], "")
            rows.append(f"| `{a['name']}` | {number(a['value'], a['ci'])} | {mark} |")
        lines.append("\n".join(rows))
        gap = number(e["difference"], e["ci"], "+")
        why = f" {e['why']}" if e.get("why") and e["verdict"] == "inconclusive" else ""
        lines.append(f"Method less control: {gap}: **{e['verdict']}**.{why}")
        if beside := e.get("probe"):
            gap = number(beside["difference"], beside["ci"], "+")
            lines.append(f"Method less `{beside['name']}`: {gap}: {BESIDE[beside['verdict']]}.")
    for each in told.get("optimism", ()):
        a, b = each["as_published"], each["honest"]
        lines.append(
            f"{each['title']}, as published {number(a[0], a[1:])}, honest {number(b[0], b[1:])}: optimism "
            f"{number(each['value'], each['ci'], '+')} (above 0: rosier; {told_way(each)})."
        )
    return "\n\n".join([*lines, *honest["notes"]])


def _honest(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = told.get("honest", told)
    return found


def _gap(told: dict[str, Any]) -> str:
    first = next(iter(told.get("optimism", ())), None)
    if first is None:
        return ""
    rough = "" if first.get("way") == PAIRED else " (rough)"
    return f"{number(first['value'], first['ci'], '+')}{rough}"


def _n(experiment: dict[str, Any], unit: str = "") -> str:
    """Return how many rows, and in how many groups where those are fewer."""
    n, patients = experiment["n"], experiment.get("patients")
    groups = f"in {patients} groups" if patients and patients != n else ""
    return " ".join(filter(None, (f"{n}", unit, groups)))


def _metric(experiment: dict[str, Any]) -> str:
    lower = "" if experiment.get("higher_is_better", True) else " (lower is better)"
    return f"{experiment['metric']}{lower}"


def _anchor(s: Study) -> str:
    return f"{s.ref}-{s.key}"
