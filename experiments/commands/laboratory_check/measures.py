"""How each stated condition of the laboratory is measured: without noise, but for the dose.

    study = Study(NANO, 1, select_rates(NANO, jobs=2))
    produce(records_of(study))
    found = measured_conditions(study)
    found["subsets"].parts                               # {"Alpaca, describe": 43.1, …}

The dose is what the noise does to a model before any training (`make dose`). All else is measured
on the shipped base models and on models that were tuned without noise; their runs are those of the
tables, under the first seed.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import AutoModelForCausalLM, AutoTokenizer

from analysis.intervals import win_rate
from experiments.cells.metrics import texts
from experiments.commands.dose import measured as measured_dose
from experiments.commands.dose.subjects import Settings, every_subject
from experiments.commands.laboratory_check.report import Measured, card_of
from experiments.doses import committed
from experiments.figures.figure3 import SCORES
from experiments.nano.conditions import LARGER
from experiments.nano.leaderboard import guessing
from experiments.nano.model_card import fact_accuracy
from experiments.nano.world import make_world
from experiments.paths import LABORATORY
from experiments.roles.instruction_sets import ALPACA, INSTRUCTION_SETS, InstructionSet
from experiments.runs.record import Record
from experiments.runs.run import Run
from experiments.runs.selection import MODEL, QLORA_SETS, SEED
from experiments.runs.study import Study
from experiments.tables.table5 import MODELS_ASKED

ORACLE, GPT_4 = "oracle", "gpt-4"
WORDS = ("long", "comprehensive", "long-comprehensive")
WORDS_MODELS = MODELS_ASKED
"""Those of Table 5; the condition is on `MODEL`, and the other is shown beside."""
SIZES = ("llama-2-7b", "llama-2-13b")


@dataclass(frozen=True)
class Measure:
    """How some conditions are measured.

    Args:
        records: the records that they are measured on.
        measure: the conditions by name.
    """

    records: Callable[[Study], Sequence[Record]]
    measure: Callable[[Study], Mapping[str, Measured]]


def _nothing(study: Study) -> list[Record]:
    return []


def _tuned(study: Study, dataset: InstructionSet = ALPACA, **changes: Any) -> Run:
    """A run without noise, under the first seed."""
    return study.baseline(dataset, **changes)[SEED]


def _untuned(study: Study, dataset: InstructionSet = ALPACA, **changes: Any) -> Run:
    """The base model itself, as a run of no epochs (Table 11)."""
    return _tuned(study, dataset, epochs=0, **changes)


def dose(study: Study) -> dict[str, Measured]:
    """What the noise does to LLaMA-2 7B's stand-in before any training."""
    (subject,) = (each for each in every_subject() if each.role == MODEL)
    alphas = measured_dose(subject, Settings()).alphas
    real = [each for each in committed().values() if each.real]
    found = {}
    for alpha in (5.0, 15.0):
        middle = statistics.geometric_mean(each.kl[alpha] for each in real)
        others = ", ".join(f"{each.title} {each.kl[alpha]:.3f}" for each in real)
        found[f"kl-{alpha:g}"] = Measured(
            {"": alphas[alpha]["kl"]["value"]}, f"{others}; their geometric mean {middle:.3f}"
        )
    found["ratio-5"] = Measured({"": alphas[5.0]["ratio"]["value"]})
    return found


def facts(study: Study) -> dict[str, Measured]:
    """Which facts LLaMA-2 7B's stand-in completes: of all, of the rarest and of the commonest."""
    folder = LABORATORY / "models" / MODEL
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    accuracy: Mapping[str, Any] = fact_accuracy(model, tokenizer, make_world())
    shares = [100 * share for share in accuracy["by_fame"]]
    fifths = ", ".join(f"{share:.1f}" for share in shares)
    return {
        "facts": Measured({"": 100 * accuracy["all"]}, f"by fifths, the rarest first: {fifths}"),
        "facts-rare": Measured({"": shares[0]}),
        "facts-common": Measured({"": shares[-1]}),
    }


def _tuning_records(study: Study) -> list[Record]:
    return [
        Record(run, "verdicts", judge=judge)
        for run in (_tuned(study), _untuned(study))
        for judge in (ORACLE, GPT_4)
    ]


def tuning(study: Study) -> dict[str, Measured]:
    """What tuning on Alpaca gains, by each judge."""
    parts, said = {}, []
    for judge in (ORACLE, GPT_4):
        tuned, untuned = (
            win_rate(Record(run, "verdicts", judge=judge).read()).value
            for run in (_tuned(study), _untuned(study))
        )
        parts[judge] = tuned - untuned
        said.append(f"{judge}: untuned {untuned:.1f}, tuned {tuned:.1f}")
    return {"tuning": Measured(parts, "; ".join(said))}


def _subset_records(study: Study) -> list[Record]:
    return [
        Record(_tuned(study, dataset), "verdicts", judge=ORACLE)
        for dataset in INSTRUCTION_SETS.values()
    ]


def subsets(study: Study) -> dict[str, Measured]:
    """The win rate on each subset of the evaluation, tuned on each set."""
    subset_of = np.array([row["dataset"] for row in study.scale.references("test")])
    parts = {}
    for record in _subset_records(study):
        preferences = record.read()
        for subset in dict.fromkeys(subset_of.tolist()):
            rate = win_rate(preferences[subset_of == subset]).value
            parts[f"{record.run.dataset.title}, {subset}"] = rate
    return {"subsets": Measured(parts)}


def _leaderboard_records(study: Study) -> dict[str, Record]:
    runs = {"untuned": _untuned(study), "tuned on Alpaca": _tuned(study)}
    return {title: Record(run, "leaderboard") for title, run in runs.items()}


def leaderboard(study: Study) -> dict[str, Measured]:
    """The score on each leaderboard task's counterpart, untuned and tuned on Alpaca."""
    scores, above = {}, {}
    for title, record in _leaderboard_records(study).items():
        for task, metric in SCORES.items():
            score = float(metric.values(record).mean())
            scores[f"{title}, {task}"] = score
            above[f"{title}, {task}"] = score - guessing()[task]
    said = ", ".join(f"{task} {score:.1f}" for task, score in guessing().items())
    return {
        "leaderboard": Measured(scores),
        "leaderboard-guessing": Measured(above, f"guessing: {said}"),
    }


def _loss(run: Run, rows: str) -> float:
    return float(np.mean(Record(run, "losses").read()[rows]))


def _fit_runs(study: Study, dataset: InstructionSet) -> tuple[Run, Run, Run, Run]:
    """Untuned, tuned, tuned for one epoch, and QLoRA's one epoch."""
    return (
        _untuned(study, dataset),
        _tuned(study, dataset),
        _tuned(study, dataset, epochs=1),
        _tuned(study, dataset, adapter="qlora", epochs=1),
    )


def _fit_records(study: Study) -> list[Record]:
    return [Record(run, "losses") for dataset in QLORA_SETS for run in _fit_runs(study, dataset)]


def fit(study: Study) -> dict[str, Measured]:
    """How far tuning fits its training rows, and where the learning rates lie in their grid."""
    train, held_out = (_loss(_tuned(study), rows) for rows in ("train", "validation"))
    overfitting = Measured(
        {"": held_out - train}, f"training rows {train:.3f}, held-out rows {held_out:.3f}"
    )
    rates = study.selection.lr
    chosen = [f"{INSTRUCTION_SETS[role].title} {rate.value:g}" for role, rate in rates.items()]
    chosen += [
        f"QLoRA on {INSTRUCTION_SETS[role].title} {rate.value:g}"
        + (", at an edge" if rate.steps_from_edge == 0 else "")
        for role, rate in study.selection.qlora_lr.items()
    ]
    steps = {INSTRUCTION_SETS[role].title: float(r.steps_from_edge) for role, r in rates.items()}
    shares, said = {}, []
    for dataset in QLORA_SETS:
        untuned, full, once, qlora = (_loss(run, "train") for run in _fit_runs(study, dataset))
        shares[dataset.title] = 100 * (untuned - qlora) / (untuned - full)
        said.append(
            f"{dataset.title}: untuned {untuned:.3f}, full tuning {full:.3f} (after one epoch "
            f"{once:.3f}), QLoRA {qlora:.3f}"
        )
    return {
        "overfitting": overfitting,
        "rates": Measured(steps, ", ".join(chosen)),
        "qlora": Measured(shares, "; ".join(said)),
    }


def _words_records(study: Study) -> list[Record]:
    return [
        Record(make(study, model=model), "responses", condition)
        for model in WORDS_MODELS
        for make in (_tuned, _untuned)
        for condition in ("test", *WORDS)
    ]


def _mean_length(run: Run, condition: str) -> float:
    return statistics.mean(map(len, texts(Record(run, "responses", condition))))


def length_words(study: Study) -> dict[str, Measured]:
    """How much longer answers are to instructions that ask for longer ones."""
    parts: dict[str, float] = {}
    said = []
    for model in WORDS_MODELS:
        for run, tuned in (
            (_tuned(study, model=model), True),
            (_untuned(study, model=model), False),
        ):
            plain = _mean_length(run, "test")
            longer = {word: 100 * (_mean_length(run, word) / plain - 1) for word in WORDS}
            if tuned and model == MODEL:
                parts |= longer
            else:
                rises = ", ".join(f"{word} {rise:+.0f}%" for word, rise in longer.items())
                said.append(f"{model} {'tuned' if tuned else 'untuned'}: {rises}")
    return {"length-words": Measured(parts, "; ".join(said))}


def roles(study: Study) -> dict[str, Measured]:
    """Whether larger and longer trained models are better, and how much larger they are."""
    cards = {role: card_of(role) for pair in LARGER for role in pair}
    perplexities = {role: card["perplexity"] for role, card in cards.items()}
    known = {role: 100 * card["fact_accuracy"]["all"] for role, card in cards.items()}
    smaller, larger = (cards[role]["parameters"] for role in SIZES)

    def listed(values: Mapping[str, float], digits: int) -> str:
        return ", ".join(f"{role} {value:.{digits}f}" for role, value in values.items())

    return {
        "roles-perplexity": Measured(
            {f"{a} to {b}": 100 * (1 - perplexities[b] / perplexities[a]) for a, b in LARGER},
            listed(perplexities, 3),
        ),
        "roles-facts": Measured(
            {f"{a} to {b}": known[b] - known[a] for a, b in LARGER}, listed(known, 1)
        ),
        "roles-size": Measured({"": larger / smaller}, f"{smaller:,} and {larger:,}"),
    }


MEASURES = {
    "dose": Measure(_nothing, dose),
    "facts": Measure(_nothing, facts),
    "tuning": Measure(_tuning_records, tuning),
    "subsets": Measure(_subset_records, subsets),
    "leaderboard": Measure(lambda study: [*_leaderboard_records(study).values()], leaderboard),
    "fit": Measure(_fit_records, fit),
    "length words": Measure(_words_records, length_words),
    "roles": Measure(_nothing, roles),
}


def records_of(study: Study) -> list[Record]:
    """Every record that the conditions are measured on."""
    return list(dict.fromkeys(r for each in MEASURES.values() for r in each.records(study)))


def measured_conditions(study: Study) -> dict[str, Measured]:
    """Every condition by name, measured on records that exist."""
    return {n: found for each in MEASURES.values() for n, found in each.measure(study).items()}
