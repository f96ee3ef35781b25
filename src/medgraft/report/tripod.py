"""The TRIPOD+AI checklist, filled with what a run knows and left blank where a person must write.

Items after Collins et al. 2024, doi:10.1136/bmj-2023-078378; the wording is ours: cite the paper's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from medgraft.report import story, words
from medgraft.report.read import Run
from medgraft.report.sections.arrays import arrays
from medgraft.report.view import View, ends
from medgraft.trial.attributes import PREFIX

Filled = Callable[[Run], str]

_HOW = "By models fitted in each training part; the delivered one may be fitted once more, on all rows."
_INPUT = (
    "A graft refuses input without its columns, or with text where it learnt from numbers, and warns of "
    "categories that it never saw."
)


def checklist(run: Run) -> list[dict[str, str]]:
    """Return the items: ``section``, ``number``, ``asks``, and ``says``, empty where a person must write."""
    rows, section = [], ""
    for item in _ITEMS:
        if isinstance(item, str):
            section = item
            continue
        number, asks, fill = item
        rows.append({"section": section, "number": number, "asks": asks, "says": fill(run) if fill else ""})
    return rows


def _is_table(run: Run) -> bool:
    return _cohort(run).get("kind") == "table"


def _cohort(run: Run) -> dict[str, Any]:
    return dict(run.result.get("cohort") or {})


def _design(run: Run) -> str:
    return "; ".join(f"{title}: {text}" for title, text in story.design(run)) + "."


def _data(run: Run) -> str:
    c = _cohort(run)
    sites = c.get("domains") or {}
    told = f" from {words.plain(list(sites))}" if c.get("target") else ""
    what = "table" if c.get("kind") == "table" else f"set of {c.get('kind', 'sample')}s"
    return f"'{c.get('name', '')}', a {what} of {words.count(c.get('rows'))} samples{told}."


def _left_out(run: Run) -> str:
    gone = (_cohort(run).get("flow") or {}).get("left_out") or []
    return "Left out by the software: " + " ".join(gone) if gone else ""


def _outcome(run: Run) -> str:
    c = _cohort(run)
    kind = words.TASKS.get(run.result["task"], "")
    classes = f": {', '.join(map(str, c['classes']))}" if c.get("classes") else ""
    return f"The column '{words.plain(c.get('label'))}' ({kind}{classes})."


def _predictors(run: Run) -> str:
    c = _cohort(run)
    if c.get("kind") != "table":
        read = f" Read as: {words.plain(c['read_as'])}." if c.get("read_as") else ""
        return f"The {c.get('kind', 'sample')}s themselves.{read}"
    return f"{words.count(c.get('features'))} columns, all that the table holds beside those with a role."


def _size(run: Run) -> str:
    patients, rows = run.result.get("n_patients"), run.result.get("n")
    named = _cohort(run).get("groups") is not None
    over = "intervals are over patients" if named else "no column names them: each sample is one"
    return (
        f"{words.count(patients)} patients ({words.count(rows)} samples) were tested; {over}. Why this "
        "number was enough is for you to argue."
    )


def _missing(run: Run) -> str:
    share = _cohort(run).get("missing_fraction")
    if share is None:
        return ""
    return f"{100 * share:.1f} % of the entries are missing; what fills them is learnt in each training part."


def _models(run: Run) -> str:
    arms = ", ".join(a["name"] for a in run.result["arms"])
    guard = (run.result.get("guard") or {}).get("arm")
    chosen = f" {guard} chose among them in the training parts." if guard else ""
    return f"Arms: {arms}. Settings of each: section “What was done”.{chosen}"


def _sites(run: Run) -> str:
    """Tell where sites are told apart: in the subgroups, if several were tested together."""
    c, tested = _cohort(run), arrays(run, View(run).delivered)
    if tested is not None and "site" in tested.by and run.result["task"] != "multilabel":
        sites = words.plain(sorted(set(tested.by["site"])))
        return f"Figures by site: section “Subgroups”. Sites tested: {sites}."
    target = c.get("target")
    return f"One site was tested, '{target}': how sites differ was not estimated." if target else ""


def _measures(run: Run) -> str:
    first = words.metric_label(run.result["metric"])
    others = [m for m in (run.result["arms"][0].get("metrics") or {}) if m != run.result["metric"]]
    return f"{first} decides; also {', '.join(words.metric_label(m) for m in others)}; paired differences."


def _by(run: Run) -> list[str]:
    table = run.predictions
    return [] if table is None else [c.removeprefix(PREFIX) for c in table.columns if c.startswith(PREFIX)]


def _fairness(run: Run) -> str:
    told = _by(run)
    label = words.metric_label(run.result["metric"])
    return f"{label} by {words.plain(told)}, where enough patients: section “Subgroups”." if told else ""


def _output(run: Run) -> str:
    task = run.result["task"]
    if task in ("regression", "segmentation"):
        return "A number." if task == "regression" else "A mask."
    where = " (section “Decisions”)" if task == "binary" else ""
    return f"A probability for each class; which threshold to act on is a choice of yours{where}."


def _parts(run: Run) -> str:
    table = _cohort(run).get("table_one")
    return "Table one has a column for each part." if table and len(table["columns"]) > 1 else ""


def _code(run: Run) -> str:
    version = (run.result.get("versions") or {}).get("medgraft", "")
    where = "; the command is in the section “Repeat it”" if run.result.get("command") else ""
    return f"medgraft {version} (Apache-2.0){where}."


def _flow(run: Run) -> str:
    f = _cohort(run).get("flow")
    if not f:
        return ""
    return (
        f"{words.count(f['included']['rows'])} samples of {words.count(f['included']['patients'])} patients; "
        f"{words.count(f['tested']['rows'])} tested; the diagram is in the section “Patients”."
    )


def _table(run: Run) -> str:
    return "Table one, in the section “Patients”." if _cohort(run).get("table_one") else ""


def _numbers(run: Run) -> str:
    f = _cohort(run).get("flow") or {}
    if "learnt" not in f:
        return ""
    lo, hi = f["learnt"]
    span = words.count(lo) if lo == hi else f"{words.count(lo)} to {words.count(hi)}"
    whose = "target samples" if f["source"]["rows"] else "samples"
    return f"{span} {whose} with a label taught each model; {words.plural(f['fits'], 'training part')}."


def _specified(run: Run) -> str:
    if (run.result.get("design") or {}).get("kind") == "time-ordered":
        return ""  # a model for each patient, and none for all
    if not run.kept:
        return "No model is kept with this run."
    return f"The folder graft/ holds the whole model ({View(run).delivered}); medgraft predict applies it."


def _performance(run: Run) -> str:
    view = View(run)
    a = next((a for a in run.result["arms"] if a["name"] == view.delivered), None)
    if a is None:
        return ""
    shown = f"{words.number(a.get('value'))} ({words.span(ends(a))})"
    return f"{view.metric['label']} of {view.delivered}: {shown}; all others in the section “Arms”."


def _limits(run: Run) -> str:
    return " ".join([*(run.result.get("warnings") or [])][:3]) or "See the section “Limits”."


_ITEMS: tuple[str | tuple[str, str, Filled | None], ...] = (
    "Title and abstract",
    ("1", "The title says: development or evaluation, of what model, for whom, to predict what", None),
    ("2", "The abstract follows TRIPOD+AI for Abstracts", None),
    "Introduction",
    ("3a", "The setting in health care, and why the model is made; earlier models", None),
    ("3b", "For whom it is, and its place and users in the care pathway", None),
    ("3c", "Known inequalities in health between groups of patients", None),
    ("4", "Aims: development, evaluation, or both", lambda run: str(run.result.get("question") or "")),
    "Methods",
    ("5a", "Where the data come from, and why they stand for the patients meant", _data),
    ("5b", "Dates of collection: first and last patient, end of follow-up", None),
    ("6a", "The setting: care level, number and place of centres", None),
    ("6b", "Who was eligible", _left_out),
    ("6c", "Treatments, and how the analysis deals with them", None),
    ("7", "How the data were prepared and checked, the same for all groups", None),
    ("8a", "What is predicted, its time horizon, and how it was assessed, alike for all groups", _outcome),
    ("8b", "Who judged the outcome, where that takes judgement", None),
    ("8c", "Whether those who judged it knew the predictors", None),
    ("9a", "How predictors were chosen before modelling", _predictors),
    ("9b", "Each predictor: definition, when and how it was measured", None),
    ("9c", "Who judged predictors, where that takes judgement", None),
    ("10", "How the number of patients was arrived at", _size),
    ("11", "How missing values were dealt with", _missing),
    ("12a", "How the data were divided between development and evaluation", _design),
    ("12b", "How predictors entered the analysis: transformations, scaling", None),
    ("12c", "Which models, how they were built, tuned and internally validated", _models),
    ("12d", "Differences between clusters such as hospitals: how they are estimated", _sites),
    ("12e", "Which measures of performance, and why", _measures),
    ("12f", "Whether the model was updated after evaluation, such as recalibrated", None),
    (
        "12g",
        "How predictions were computed in the evaluation",
        lambda run: "By the model files, by medgraft.",
    ),
    ("13", "How a rare outcome was dealt with, and its effect on calibration", None),
    ("14", "What was done for fairness, and why", _fairness),
    ("15", "What the model puts out, and how a class is made of it", _output),
    ("16", "How the data of development and evaluation differ", _parts),
    ("17", "Ethical approval and consent", None),
    "Open science",
    ("18a", "Funding, and the role of who paid", None),
    ("18b", "Conflicts of interest", None),
    ("18c", "Where the protocol can be read", None),
    ("18d", "Registration", None),
    ("18e", "Where the data can be had", None),
    ("18f", "Where the code can be had", _code),
    "Patients and public",
    ("19", "How patients and the public took part, or that they did not", None),
    "Results",
    ("20a", "The flow of patients, with and without the outcome; follow-up", _flow),
    ("20b", "Characteristics of the patients, with missing values", _table),
    ("20c", "How the evaluation's patients differ from the development's", _parts),
    ("21", "Patients and events in each analysis", _numbers),
    ("22", "The whole model, so that others can use it", _specified),
    ("23a", "Performance with intervals, also of subgroups", _performance),
    ("23b", "How performance differs between clusters", _sites),
    ("24", "Results of updating the model", None),
    "Discussion",
    ("25", "What it means, fairness included, beside earlier work", None),
    ("26", "Limits, such as sample, size, missing data, and their effect", _limits),
    (
        "27a",
        "How bad or missing input is noticed and dealt with in use",
        lambda run: _INPUT if _is_table(run) and run.kept else "",
    ),
    ("27b", "What users must do, and what they must know", None),
    ("27c", "Next steps of research; applicability elsewhere", None),
)
