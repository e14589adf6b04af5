"""Doses for readers: tables in Markdown and CSV, and which alpha acts like which.

markdown(records, notes)
one_model(record)
sentences(record, references)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.equivalent_alpha import Equivalent, alpha_at, kl_at
from analysis.second_order import reach
from experiments.cells.markdown import markdown_table
from experiments.doses import Record

MEASURES = {
    "kl": "KL of the next-token distribution, nats a token",
    "percent": "rise of the response loss, %",
    "rise": "rise of the response loss, nats a token",
    "predicted": "the rise by ½ σ² tr(H), nats a token",
    "changed": "first choices that change, %",
    "ratio": "norm of the noise by that of the embeddings",
}
SAID = (5.0, 10.0, 15.0)
"""The paper's alphas, which sentences are about."""
USUAL = 5.0
"""The alpha of a reference model whose dose is suggested."""
NOT_SAID = "–"


def number(value: float | None) -> str:
    """A number for readers, with two significant digits or more."""
    if value is None or value != value:
        return NOT_SAID
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 100:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 0.095:
        return f"{value:.2f}"
    return f"{value:.3f}" if size >= 0.0095 else f"{value:.2g}"


def interval(found: Mapping[str, float]) -> str:
    """An estimate for readers."""
    value, low, high = (number(found[key]) for key in ("value", "low", "high"))
    return value if low == high == value else f"{value} [{low}, {high}]"


def said_alpha(found: Equivalent) -> str:
    """An alpha of equal dose for readers."""
    if found.outside:
        return f"{found.outside} {found.alpha:g}"
    return f"{found.alpha:.2g}" if found.alpha < 9.95 else f"{found.alpha:.0f}"


def sentences(record: Record, likes: Sequence[Record]) -> list[str]:
    """Which alphas act alike on a model and on others, in words.

    Args:
        record: of the model that the user has.
        likes: the models that it is compared with.
    """
    if not likes:
        return ["there is no measured model to compare it with (results/dose/)"]
    said = []
    for like in likes:
        for alpha in SAID:
            kl = record.kl.get(alpha)
            if kl is None or kl <= 0:
                continue
            found = alpha_at(kl, like.kl)
            how = {
                "": f"acts like alpha {said_alpha(found)} on {like.title}",
                "below": f"acts like less than alpha {found.alpha:g} on {like.title}, the smallest "
                "measured",
                "above": f"acts like more than alpha {found.alpha:g} on {like.title}, the largest "
                "measured",
            }[found.outside]
            said.append(f"alpha {alpha:g} here {how} (KL {number(kl)})")
        said.append(suggestion(record, like))
    return said


def suggestion(record: Record, like: Record) -> str:
    """The alpha that gives a model the dose of another at alpha 5, in words."""
    wanted = kl_at(USUAL, like.kl)
    if wanted is None:
        return f"{like.title} was not measured around alpha {USUAL:g}"
    found = alpha_at(wanted, record.kl)
    goal = f"for the dose of {like.title} at alpha {USUAL:g} (KL {number(wanted)})"
    if found.outside:
        which = {"below": "smaller", "above": "larger"}[found.outside]
        return (
            f"{goal}, alpha here has to be {which} than {found.alpha:g}, the end of what was "
            "measured"
        )
    return f"{goal}, take alpha {said_alpha(found)} here"


def said_reach(record: Record) -> str:
    """Up to which alpha the second-order prediction holds, in words."""
    right, wrong = reach({a: each for a, each in record.agreement.items() if a > 0})
    said = f"holds up to alpha {right:g}" if right else "is not resolved at the smallest alpha"
    if wrong is not None and not right and wrong == min(a for a in record.alphas if a > 0):
        return "does not hold"
    return f"{said}, not at {wrong:g}" if wrong is not None else said


def one_model(record: Record) -> str:
    """The doses of one model: a row an alpha."""
    rows = [["alpha", *MEASURES.values(), "prediction"]]
    for alpha, found in record.alphas.items():
        texts = [interval(found[name]) for name in MEASURES]
        rows.append([f"{alpha:g}", *texts, record.agreement[alpha]])
    return f"# Dose: {record.title}\n\n{described(record)}\n\n{markdown_table(rows)}\n"


def described(record: Record) -> str:
    """A model, its rows and how it was measured, in a paragraph."""
    about, found = record.about, record.measures
    settings, lie = about["settings"], found["geometry"]
    return (
        f"{about['parameters']:,} parameters, embeddings of {about['d']} numbers and mean norm "
        f"{number(found['norm']['value'])}, from {about['source']}; {about['examples']} examples "
        f"of {about['rows']} ({about['mean_length']:.0f} tokens on average, "
        f"{about['response_tokens']:,} response tokens in all), {settings['draws']} draws an alpha "
        f"and example in mirrored pairs, {settings['dtype']}. Without noise the loss is "
        f"{interval(found['loss'])} nats a response token. The {lie['tokens']:,} tokens that occur "
        f"have a mean cosine of {number(lie['cosine'])} and a mean distance to the nearest other "
        f"one of {number(lie['nearest'])}, as unit vectors. tr(H) is {interval(found['trace'])} an "
        f"example (standard error from the probes alone: {number(found['trace_error'])}); "
        f"½ σ² tr(H) {said_reach(record)}."
    )


def markdown(records: Sequence[Record], notes: Mapping[str, str]) -> str:
    """All models for readers.

    Args:
        records: of all models that are shown.
        notes: by name, why a model was not measured here.
    """
    shown = {record.name for record in records}
    parts = [
        "# Dose: what the noise does to each model before any training\n",
        "Uniform noise by the paper's rule, on untuned models, at the response positions of rows "
        "in Alpaca's format; dropout off. Intervals are 95% bootstrap intervals over examples, "
        "draws averaged first. KL is of the next-token distribution with noise from the one "
        "without it, KL(without || with). The same alpha is a different dose for each model; equal "
        "KL is taken for an equal dose. Cosine and nearest neighbour are means over the tokens "
        "that occur in the rows, as unit vectors. H is the Hessian of an example's summed loss in "
        "its embeddings; ½ σ² tr(H) holds where it lies in the interval of the measured rise or "
        "is off by at most 20%, and is not resolved where it does not, but its own interval, "
        "which has the spread of the probes in it, overlaps that one (docs/theory.md). "
        "Dequantized weights are those of a 4-bit file turned back into float32; the original "
        "ones may react differently.\n",
        "![doses](dose.png)\n",
        markdown_table(overview(records)) + "\n",
    ]
    for name, title in MEASURES.items():
        parts += [
            f"## {title[0].upper()}{title[1:]}\n",
            markdown_table(by_alpha(records, name)) + "\n",
        ]
    if notes:
        parts.append("## Not measured here\n")
        for name, reason in notes.items():
            then = "its committed measurement is shown" if name in shown else "it is not shown"
            parts.append(f"- {name}: {reason}; {then}.")
        parts.append("")
    parts.append("## How each was measured\n")
    parts += [f"- **{_title(record)}**: {described(record)}" for record in records]
    return "\n".join(parts) + "\n"


def _title(record: Record) -> str:
    return f"{record.title} (measured earlier)" if record.made_elsewhere else record.title


def overview(records: Sequence[Record]) -> list[list[str]]:
    """A row a model: what it is like, and which alpha has the dose of each real one at 5."""
    real = [record for record in records if record.real]
    head = ["model", "parameters", "loss", "norm", "mean cosine", "nearest neighbour"]
    head += ["KL at 5", "KL at 15", "½ σ² tr(H)"]
    head += [f"alpha with the dose of {like.title} at 5" for like in real]
    rows = [head]
    for record in records:
        found, lie = record.measures, record.measures["geometry"]
        row = [_title(record), f"{record.about['parameters']:,}", number(found["loss"]["value"])]
        row += [number(found["norm"]["value"]), number(lie["cosine"]), number(lie["nearest"])]
        row += [
            interval(record.alphas[a]["kl"]) if a in record.alphas else NOT_SAID for a in (5, 15)
        ]
        row.append(said_reach(record))
        for like in real:
            wanted = kl_at(USUAL, like.kl)
            row.append(said_alpha(alpha_at(wanted, record.kl)) if wanted else NOT_SAID)
        rows.append(row)
    return rows


def by_alpha(records: Sequence[Record], name: str) -> list[list[str]]:
    """One quantity: a row a model, a column an alpha."""
    alphas = sorted({alpha for record in records for alpha in record.alphas if alpha > 0})
    rows = [["model", *(f"alpha {alpha:g}" for alpha in alphas)]]
    for record in records:
        found = [record.alphas.get(alpha) for alpha in alphas]
        rows.append([_title(record), *(interval(f[name]) if f else NOT_SAID for f in found)])
    return rows


def csv_rows(records: Sequence[Record]) -> list[list[str]]:
    """Every number: a row a model and alpha."""
    ends = ("value", "low", "high")
    head = ["model", "real", "committed", "alpha", "prediction"]
    rows = [[*head, *(f"{name}_{end}" for name in MEASURES for end in ends)]]
    for record in records:
        for alpha, found in record.alphas.items():
            row: list[Any] = [record.name, record.real, record.made_elsewhere, f"{alpha:g}"]
            row += [
                record.agreement[alpha],
                *(f"{found[n][e]:.6g}" for n in MEASURES for e in ends),
            ]
            rows.append([str(each) for each in row])
    return rows
