"""What an alpha does to a base model before any training, on the set that it is then tuned on.

    dose_at(study, "llama-2-7b", ALPACA, 5)              # KL, nats a response token
    dose_record(study, "llama-2-7b", ALPACA)             # the record that it is read from

The record has the alphas that the paper tunes over. Unlike `make dose`, which measures models in
full on Alpaca alone, it is made for every set that a claim is asked on, at every scale.
"""

from __future__ import annotations

from experiments.names import look_up
from experiments.roles.instruction_sets import InstructionSet
from experiments.runs.record import Record
from experiments.runs.study import Study

EXAMPLES = 64
DRAWS = 8
"""Of each alpha's noise for each example, in mirrored pairs."""


def dose_record(study: Study, model: str, dataset: InstructionSet) -> Record:
    """The record of the doses of a base model on a set."""
    return Record(study.baseline(dataset, model=model, epochs=0)[0], "dose")


def dose_at(study: Study, model: str, dataset: InstructionSet, alpha: float) -> float:
    """The KL divergence of the next-token distribution with noise from that without.

    Args:
        study: whose scale's base model, and under which settings its record is named.
        model: the role of the base model.
        dataset: whose training rows it is measured on.
        alpha: of the paper's grid.

    Returns:
        Nats a response token.

    Raises:
        UnknownNameError: the dose of that alpha is not in the record.
    """
    found = dose_record(study, model, dataset).read()["kl"]
    return float(look_up("alpha with a measured dose", f"{alpha:g}", found)["value"])
