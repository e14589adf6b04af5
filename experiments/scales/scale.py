"""A scale: what stands in for each role of the paper, and how its runs are carried out.

    scale.recipe("llama-2-70b", EVOL_INSTRUCT)           # every hyperparameter, resolved
    scale.execution("llama-2-70b", recipe)               # packing, sharding, compilation
    scale.base("llama-2-7b")                             # the folder of the base model
    scale.model_title("llama-2-13b")                     # "LLaMA-2 13B (3.9M stand-in)"

A scale is data and a few functions that fetch data. `Scale.recipe` and `Scale.execution` are the
only places where hyperparameters and execution are resolved: runs, the selection of
hyperparameters and the cost plan all call them.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from eval.decoding import Decoding
from eval.judge_config import OPENAI, api_model, judge_identity
from experiments.names import look_up
from experiments.paths import LABORATORY
from experiments.roles.instruction_sets import (
    ALPACA,
    EVOL_INSTRUCT,
    INSTRUCTION_SETS,
    InstructionSet,
    Split,
)
from experiments.roles.judges import JUDGES
from experiments.roles.models import MODELS, StandIn
from experiments.roles.sources import Packaged, Shape, Source
from experiments.scales.fetch import chosen, identity, instead_of, local
from experiments.scales.hub import SourceError
from neftune.training.model_folder import count_values
from neftune.training.recipe import Execution, Recipe

Row = Mapping[str, Any]
ATTENTIONS = {name: name for name in ("eager", "sdpa", "flash_attention_2")}
Adapter = Literal["none", "qlora"]
Material = Literal["rows", "references", "leaderboard"]
"""What a scale gives besides its models: the rows of a set, reference answers, the tasks."""
Check = Callable[[], int]
"""Raises what is wrong with something that is needed; returns the bytes to be downloaded for it."""


@dataclass(frozen=True, eq=False)
class Scale:
    """One set of stand-ins. Scales are compared by identity: there is one of each.

    Args:
        name: `nano`, `small` or `paper`.
        base_recipe: hyperparameters, as far as neither the model, the set nor the adapter has its
            own.
        qlora: hyperparameters that QLoRA has of its own.
        base_execution: how a fine-tuning is carried out, as far as the model has nothing of its
            own.
        own_attention: gives transformers' attention implementation while training, where ATTENTION
            names no other.
        decoding: how responses are decoded, greedily.
        resources: what a job asks a cluster for, in Snakemake's terms.
        runs_per_job: how many runs one process trains, one after the other.
        lr_grid: learning rates over which the baseline is tuned.
        qlora_lr_grid: the same for QLoRA.
        published_choices: whether learning rates and alphas are the paper's as long as none were
            chosen anew.
        rows: the rows of an instruction set, by set and split, in their own fields.
        rows_identity: what a run's key contains of the training rows.
        references: AlpacaEval's records of the reference answers of a split.
        references_identity: what the name of a verdict contains of these answers.
        instructions_identity: what a manifest notes of the instructions of a split.
        leaderboard: lm-eval's task names by the leaderboard's, and the folder of the task files.
        leaderboard_identity: what a manifest notes of the questions and the task files.
        checks: how it is checked within seconds that a material can be had, by names for readers;
            empty where the scale makes it itself.
        notes: by the name of an artifact, what readers must know of it at this scale.
        sets: the instruction sets that it has.
        artifacts: the names of what `make paper` makes, each with how many seeds; everything with
            its own number of seeds where None.
        rows_limit: gives how many rows of a set are trained on at most; None for all.
        instructions_limit: the same for the instructions that are answered.
        loss_examples: of each set whose losses are measured one by one after a training.
        leaderboard_items: of each of the leaderboard's tasks; all where None.
        facts: of each response to the instructions of a split, in their order, how many right and
            how many wrong facts it states; None where nobody can tell.
    """

    name: str
    base_recipe: Recipe
    qlora: Mapping[str, Any]
    base_execution: Execution
    own_attention: Callable[[], str]
    decoding: Decoding
    resources: Mapping[str, int]
    runs_per_job: int
    lr_grid: Sequence[float]
    qlora_lr_grid: Sequence[float]
    published_choices: bool
    rows: Callable[[InstructionSet, Split], Sequence[Row]]
    rows_identity: Callable[[InstructionSet], str]
    references: Callable[[Split], list[dict[str, Any]]]
    references_identity: Callable[[Split], str]
    instructions_identity: Callable[[Split], str]
    leaderboard: Callable[[], tuple[Mapping[str, Sequence[str]], Path]]
    leaderboard_identity: Callable[[], str]
    checks: Callable[[Material, InstructionSet], Mapping[str, Check]]
    notes: Mapping[str, str]
    sets: tuple[InstructionSet, ...] = tuple(INSTRUCTION_SETS.values())
    artifacts: Mapping[str, int] | None = None
    rows_limit: Callable[[], int | None] = lambda: None
    instructions_limit: Callable[[], int | None] = lambda: None
    loss_examples: int = 128
    leaderboard_items: int | None = None
    facts: Callable[[Split, Sequence[str]], list[tuple[int, int]]] | None = None

    @property
    def models(self) -> list[str]:
        """The roles of the base models that this scale has, in the order of `MODELS`."""
        return [role for role, model in MODELS.items() if self.name in model.stand_ins]

    def stand_in(self, model: str) -> StandIn:
        """What stands in for a model.

        Raises:
            UnknownNameError: this scale has no such model.
        """
        there = {role: MODELS[role].stand_ins[self.name] for role in self.models}
        return look_up("model", model, there)

    def source(self, model: str) -> Source:
        """Where a base model comes from: the user's own folder, or the stand-in's source."""
        return chosen("MODEL", model, self.stand_in(model).source)

    def base(self, model: str) -> Path:
        """The folder of a base model; downloads it where it is missing."""
        return local(self.source(model), instead_of("MODEL", model))

    def base_identity(self, model: str) -> str:
        """What a run's key contains of a base model."""
        return identity(self.source(model))

    @property
    def attention(self) -> str:
        """The attention implementation of trainings: the one that ATTENTION names, or the scale's.

        Raises:
            UnknownNameError: there is none of that name.
        """
        named = os.environ.get("ATTENTION")
        return look_up("ATTENTION", named, ATTENTIONS) if named else self.own_attention()

    def shape(self, model: str) -> Shape:
        """The sizes of a base model, from its configuration where it is local.

        Raises:
            SourceError: its sizes are not known without downloading it.
        """
        source = self.source(model)
        return (
            _local_shape(source.resolve()) if isinstance(source, Path) else self._hub_shape(model)
        )

    def parameters(self, model: str) -> int:
        """How many parameters a base model has, from its weights' headers where it is local."""
        source = self.source(model)
        if isinstance(source, Path):
            return _parameters(source.resolve())
        return self._hub_shape(model).parameters

    def _hub_shape(self, model: str) -> Shape:
        shape = self.stand_in(model).shape
        if shape is None:
            raise SourceError(
                f"the sizes of {model} are not known: add a Shape to its stand-in in "
                "experiments/roles/models.py"
            )
        return shape

    def model_title(self, model: str) -> str:
        """A model's name for readers, with its size where it is not the paper's own model."""
        title, size = MODELS[model].title, count_of(self.parameters(model))
        if self._is_own(model):
            return f"{title} (own folder, {size})"
        return title if self._is_papers(model) else f"{title} ({size} stand-in)"

    def short_title(self, model: str) -> str:
        """What a model really is, in a few words: the stand-in's own name where it has one."""
        source = self.source(model)
        return source.title if isinstance(source, Packaged) else self.model_title(model)

    def model_size(self, model: str) -> str:
        """A phrase for readers on what a model of a result really is, with its size."""
        source = self.source(model)
        title, size = MODELS[model].title, count_of(self.parameters(model))
        if self._is_own(model):
            return f"a model of {size} parameters from your own folder, in the role of {title}"
        if isinstance(source, Packaged):
            return f"{source.title} ({size} parameters, {source.note}), a stand-in for {title}"
        return title if self._is_papers(model) else f"a {size}-parameter stand-in for {title}"

    def model_source(self, model: str) -> str:
        """Where a model comes from, for readers: a repository of the hub, packages or a folder."""
        source = self.source(model)
        if isinstance(source, Packaged):
            packages = ", ".join(f"{each.name} {each.version}" for each in source.packages)
            return f"{source.title} from {packages}"
        if isinstance(source, Path) and source.is_relative_to(LABORATORY):
            return source.relative_to(LABORATORY.parent.parent).as_posix()
        return str(source) if isinstance(source, Path) else source.name

    def _is_own(self, model: str) -> bool:
        return self.source(model) != self.stand_in(model).source

    def _is_papers(self, model: str) -> bool:
        paper = MODELS[model].stand_ins.get("paper")
        return paper is not None and self.source(model) == paper.source

    def has_judge(self, role: str) -> bool:
        """Whether this scale has a judge's role; only the laboratory has the oracle."""
        return self.name in JUDGES[role].configurations

    def judge(self, role: str) -> Path:
        """The alpaca-eval configuration of a judge's role.

        Raises:
            UnknownNameError: there is no such judge at this scale.
        """
        there = {name: judge for name, judge in JUDGES.items() if self.has_judge(name)}
        return look_up("judge", role, there).folder(self.name)

    def describe_judge(self, role: str) -> str:
        """One phrase for readers: what a judge of a result really is, with its model and server."""
        judge, folder = JUDGES[role], self.judge(role)
        stands, really = judge.stand_in.get(self.name), judge_identity(folder)
        if stands:
            of_the_paper = "paper" in judge.configurations
            return f"{stands}, standing in for {judge.title}" if of_the_paper else stands
        server = "" if really["server"] in ("", OPENAI) else f" at {really['server']}"
        if really["model"] == (api_model(folder) or "") and not server:
            return judge.title
        return f"{really['model']}{server}, in the role of {judge.title}"

    def judgement_identity(self, role: str, split: Split) -> str:
        """What the name of a verdict contains of its judge: eight hexadecimal digits.

        They stand for the judge's configuration and prompt, the model and the server that are
        really asked, and the reference answers.

        Args:
            role: the judge's.
            split: whose reference answers.
        """
        return _short_hash(
            **judge_identity(self.judge(role)), references=self.references_identity(split)
        )

    def recipe(
        self,
        model: str,
        dataset: InstructionSet,
        *,
        adapter: Adapter = "none",
        selected_lr: float | None = None,
        **changes: Any,
    ) -> Recipe:
        """The hyperparameters of one fine-tuning, each from the most specific place that sets it.

        In this order, later ones winning: the scale, QLoRA, the learning rate that was selected,
        the model's own (`StandIn.recipe`), the set's own (`piece_tokens`), and `changes`. A batch
        that is smaller than the passes of the scale makes the passes smaller, too.

        Args:
            model: role of the base model.
            dataset: the instruction set.
            adapter: `none` or `qlora`.
            selected_lr: the learning rate that was selected for this set.
            changes: fields of `Recipe` that the caller sets.
        """
        fields: dict[str, Any] = dict(self.qlora) if adapter == "qlora" else {}
        if selected_lr is not None:
            fields["lr"] = selected_lr
        fields |= self.stand_in(model).recipe.get(adapter, {})
        if dataset.piece_tokens is not None:
            fields["max_length"] = dataset.piece_tokens
        fields |= {"adapter": adapter, **changes}
        if "batch" in changes and "micro_batch" not in changes:
            passes = fields.get("micro_batch", self.base_recipe.micro_batch)
            fields["micro_batch"] = math.gcd(changes["batch"], passes)
        return replace(self.base_recipe, **fields)

    def execution(self, model: str, recipe: Recipe) -> Execution:
        """How one fine-tuning is carried out.

        The model's own settings (`StandIn.execution`) replace the scale's. FreeLB and the penalty
        train padded batches, and an adapter on 4-bit weights is not compiled nor kept by epoch.

        Args:
            model: role of the base model.
            recipe: from `recipe`.
        """
        execution = replace(self.base_execution, **self.stand_in(model).execution)
        if recipe.freelb is not None or recipe.penalty:
            execution = replace(execution, packed=False)
        if recipe.adapter == "qlora":
            execution = replace(execution, compile_blocks=False, keep_epochs=False)
        return execution

    def other(self, dataset: InstructionSet) -> InstructionSet:
        """The set on which overfitting is measured (Figure 4): Evol-Instruct, for itself Alpaca."""
        return ALPACA if dataset.role == EVOL_INSTRUCT.role else EVOL_INSTRUCT


@lru_cache
def _short_hash(**content: str) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:8]


def count_of(parameters: int) -> str:
    """A number of parameters for readers: 2.4M, 135M, 6.7B."""
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if parameters >= unit:
            value = parameters / unit
            return f"{value:.0f}{name}" if value >= 100 else f"{value:.1f}{name}"
    return str(parameters)


@lru_cache
def _local_shape(folder: Path) -> Shape:
    """The sizes of a checkpoint, by the names that configurations of transformers give them."""
    path = folder / "config.json"
    if not path.is_file():
        raise SourceError(f"{path}: no such file; a model is a folder with config.json and weights")
    found = json.loads(path.read_text())

    def size(*names: str) -> int:
        for name in names:
            if found.get(name):
                return int(found[name])
        raise SourceError(f"{path}: none of {', '.join(names)} is there: its sizes are not known")

    hidden = size("hidden_size", "n_embd", "d_model")
    feedforward = 4 * hidden
    if any(found.get(name) for name in ("intermediate_size", "ffn_dim", "n_inner")):
        feedforward = size("intermediate_size", "ffn_dim", "n_inner")
    layers = size("num_hidden_layers", "n_layer", "num_layers")
    return Shape(_parameters(folder), layers, hidden, feedforward, size("vocab_size"))


_parameters = lru_cache(count_values)
"""How many parameters a local model has; titles ask for it once a cell."""
