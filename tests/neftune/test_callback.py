"""The callback shows that the noise is on, refuses a training without it, and follows schedules."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import Trainer, TrainerCallback, TrainingArguments

from neftune import NEFTune, Noise, attach
from neftune.constant_dose import dose
from neftune.first_pass import said
from neftune.schedules import SCHEDULES, schedule_of
from tests.neftune.models import D, batch, gemma, llama

pytest.importorskip("accelerate", reason="transformers' Trainer needs accelerate")


def rows(lengths: tuple[int, ...] = (5, 9, 7, 3)) -> list[dict[str, Tensor]]:
    made = batch(lengths)
    return [
        {"input_ids": ids, "attention_mask": mask, "labels": ids}
        for ids, mask in zip(*made.values(), strict=True)
    ]


def trainer(model: nn.Module, out: Path, *callbacks: Any, **settings: Any) -> Trainer:
    arguments = TrainingArguments(
        str(out),
        max_steps=settings.pop("max_steps", 4),
        per_device_train_batch_size=2,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        **settings,
    )
    return Trainer(
        model, arguments, train_dataset=rows(), eval_dataset=rows(), callbacks=list(callbacks)
    )


def test_the_first_step_says_what_got_noise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer(llama(), tmp_path, NEFTune(5)).train()
    (line,) = [text for text in capsys.readouterr().err.splitlines() if "NEFTune" in text]
    assert "uniform noise of alpha 5 on" in line
    assert "of 2 sequences in the first pass, L " in line
    assert "times that of the embeddings." in line


@pytest.mark.parametrize("make", (llama, gemma))
@pytest.mark.parametrize("rule", ("sequence", "padded"))
def test_the_ratio_is_that_of_what_was_added_to_what_was_there(make: Any, rule: str) -> None:
    torch.manual_seed(0)
    model, inputs = make().train(), batch((50, 90))
    embedding = model.get_input_embeddings()
    kept: list[Tensor] = []
    before = embedding.register_forward_hook(lambda m, i, o: kept.append(o.detach()))
    with attach(model, Noise(5, length_rule=rule)) as attachment:
        embedding.register_forward_hook(lambda m, i, o: kept.append(o.detach()))
        assert attachment.first_pass() is None
        model(**inputs)
        found = attachment.first_pass()
    before.remove()
    assert found is not None
    columns = inputs["input_ids"].shape[1]
    wanted = (2, 140, 50, 90) if rule == "sequence" else (2, 2 * columns, columns, columns)
    assert (found.sequences, found.tokens, found.shortest, found.longest) == wanted
    clean, noisy = kept
    real = inputs["attention_mask"].bool()
    measured = (noisy - clean)[real].square().mean().sqrt() / clean[real].square().mean().sqrt()
    assert found.ratio == pytest.approx(float(measured), rel=0.05)
    assert found.factor == pytest.approx(float(getattr(embedding, "embed_scale", 1.0)))


def test_a_packed_row_counts_its_sequences() -> None:
    model = llama().train()
    positions = torch.cat([torch.arange(n) for n in (3, 6, 2)])[None]
    with attach(model, 5) as attachment:
        model(input_ids=positions + 3, position_ids=positions)
        found = attachment.first_pass()
    assert found is not None
    assert (found.sequences, found.tokens, found.shortest, found.longest) == (3, 11, 2, 6)
    assert "on 11 tokens of 3 sequences in the first pass, L 2 to 6;" in said(Noise(5), found)


@pytest.mark.parametrize(
    ("noise", "tokens", "shortest", "longest"),
    ((Noise(5, tokens="response"), 5, 5, 7), (Noise(5, length_rule="padded"), 16, 8, 8)),
    ids=("responses alone", "padded"),
)
def test_the_first_pass_counts_the_tokens_that_got_noise(
    noise: Noise, tokens: int, shortest: int, longest: int
) -> None:
    model, inputs = llama().train(), batch((5, 7))
    labels = torch.full_like(inputs["input_ids"], -100)
    labels[0, 3:5] = labels[1, 4:7] = 5
    for called in (model, torch.compile(model, backend="eager")):
        with attach(model, noise) as attachment:
            called(**inputs, labels=labels)
            found = attachment.first_pass()
        assert found is not None
        assert (found.tokens, found.shortest, found.longest) == (tokens, shortest, longest)


def test_the_line_tells_alpha_as_the_schedule_has_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer(llama(), tmp_path, NEFTune(8, schedule=lambda progress: 0.25)).train()
    assert "uniform noise of alpha 2 on" in capsys.readouterr().err


def test_a_first_pass_over_padding_alone_is_no_pass(tmp_path: Path) -> None:
    model, inputs = llama().train(), batch()
    with attach(model, 5) as attachment:
        model(input_ids=inputs["input_ids"], attention_mask=torch.zeros_like(inputs["input_ids"]))
        assert attachment.first_pass() is None


def test_the_log_has_the_noises_values(tmp_path: Path) -> None:
    made = trainer(llama(), tmp_path, NEFTune(5, schedule="linear"))
    made.train()
    entries = [entry for entry in made.state.log_history if "loss" in entry]
    assert [entry["neftune/alpha"] for entry in entries] == [5, 3.75, 2.5, 1.25]
    assert [entry["neftune/passes"] for entry in entries] == [1, 2, 3, 4]
    assert all(entry["neftune/first_ratio"] > 0 for entry in entries)


def test_a_training_that_the_trainer_compiles_has_the_noise_and_so_has_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compiled = {"torch_compile": True, "torch_compile_backend": "eager", "max_steps": 2}
    made = trainer(llama(), tmp_path, NEFTune(5), **compiled)
    for _ in range(2):
        made.train()
        passes = [each["neftune/passes"] for each in made.state.log_history if "loss" in each]
        assert passes == [1, 2]
        assert "of 2 sequences in the first pass" in capsys.readouterr().err


def test_nothing_is_said_or_logged_where_it_is_not_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = trainer(llama(), tmp_path, NEFTune(5, report=False))
    made.train()
    assert not any(key.startswith("neftune") for entry in made.state.log_history for key in entry)
    assert "NEFTune" not in capsys.readouterr().err


class Elsewhere(Trainer):
    """Trains a copy of the model, as wrappers that are made too late do."""

    def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        return self.copy(**inputs).loss + 0 * next(model.parameters()).sum()


def test_a_training_without_noise_ends_after_two_steps(tmp_path: Path) -> None:
    made = trainer(llama(), tmp_path, NEFTune(5))
    made.__class__ = Elsewhere
    made.copy = llama().train()
    with pytest.raises(RuntimeError, match="no noise was added in 2 steps"):
        made.train()
    assert made.state.global_step == 2


def test_a_training_of_alpha_zero_goes_on(tmp_path: Path) -> None:
    made = trainer(llama(), tmp_path, NEFTune(0))
    made.train()
    assert made.state.global_step == 4


class Noisy(Trainer):
    """Evaluates in training mode, with gradients."""

    def prediction_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        model.train()
        loss = model(**inputs).loss.detach()
        return loss, None, None


def test_an_evaluation_with_noise_ends_the_training(tmp_path: Path) -> None:
    evaluated = {"eval_strategy": "steps", "eval_steps": 2, "per_device_eval_batch_size": 1}
    made = trainer(llama(), tmp_path, NEFTune(5), **evaluated)
    made.train()
    made = trainer(llama(), tmp_path, NEFTune(5), **evaluated)
    made.__class__ = Noisy
    with pytest.raises(RuntimeError, match="the evaluation had noise"), torch.enable_grad():
        made.train()


class Probe(TrainerCallback):
    """Makes a training pass of its own before an evaluation."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        kwargs["model"](**{name: value[None] for name, value in rows()[0].items()})


def test_passes_between_step_and_evaluation_are_no_evaluation(tmp_path: Path) -> None:
    evaluated = {"eval_strategy": "steps", "eval_steps": 1, "per_device_eval_batch_size": 1}
    trainer(llama(), tmp_path, NEFTune(5), Probe(), **evaluated).train()


def test_predictions_amid_a_training_do_not_count_for_its_evaluations(tmp_path: Path) -> None:
    class Predicts(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            made.predict(rows())

    evaluated = {"eval_strategy": "steps", "eval_steps": 2, "per_device_eval_batch_size": 1}
    made = trainer(llama(), tmp_path, NEFTune(5), Predicts(), **evaluated)
    made.train()
    assert made.state.global_step == 4


def test_another_trainer_that_takes_the_noise_off_the_model_is_an_error(tmp_path: Path) -> None:
    class Inner(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            trainer(kwargs["model"], tmp_path / "inner", NEFTune(5), max_steps=1).train()

    with pytest.raises(RuntimeError, match="the noise was taken off the model amid the training"):
        trainer(llama(), tmp_path, NEFTune(5), Inner()).train()


def test_two_callbacks_are_refused(tmp_path: Path) -> None:
    made = trainer(llama(), tmp_path, NEFTune(5), NEFTune(5))
    with pytest.raises(RuntimeError, match="the Trainer has two NEFTune callbacks: give it one"):
        made.train()


def test_a_training_of_one_step_without_noise_is_an_error(tmp_path: Path) -> None:
    made = trainer(llama(), tmp_path, NEFTune(5), max_steps=1)
    made.__class__ = Elsewhere
    made.copy = llama().train()
    with pytest.raises(RuntimeError, match="no noise was added in 1 step:"):
        made.train()


def test_a_trainer_that_has_the_option_too_is_refused(tmp_path: Path) -> None:
    model = llama()
    with (
        attach(model, 5),
        pytest.raises(RuntimeError, match="noise twice, from neftune and from a trainer's own"),
    ):
        trainer(model, tmp_path, neftune_noise_alpha=5.0).train()


def test_the_callback_beside_the_option_is_refused_before_a_hook_is_put_on(tmp_path: Path) -> None:
    model = llama()
    with pytest.raises(ValueError, match=r"alpha=5 is set beside the callback NEFTune: unset it$"):
        trainer(model, tmp_path, NEFTune(5), neftune_noise_alpha=5.0)
    made = trainer(llama(), tmp_path, neftune_noise_alpha=5.0)
    made.add_callback(NEFTune(5))
    with pytest.raises(ValueError, match="unset it; its hook is on the model now, so load that"):
        made.train()
    made = trainer(model, tmp_path, NEFTune(5))
    made.train()
    assert made.state.log_history[-2]["neftune/passes"] == 4


def test_what_an_interrupted_training_with_the_option_left_is_refused(tmp_path: Path) -> None:
    model = llama()
    broken = model.lm_head.register_forward_pre_hook(lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        trainer(model, tmp_path, neftune_noise_alpha=5.0).train()
    broken.remove()
    with pytest.raises(RuntimeError, match="interrupted training left it, load the model anew"):
        trainer(model, tmp_path, NEFTune(5)).train()


def test_noise_by_sequence_is_drawn_anew_in_each_step(tmp_path: Path) -> None:
    """The same two rows in two steps have the noise of steps 0 and 1."""

    def noises(model: Any) -> list[Tensor]:
        embedding, kept = model.get_input_embeddings(), []
        embedding.register_forward_hook(
            lambda m, args, output: kept.append((output - m.weight[args[0]]).detach())
        )
        return kept

    def sizes(noise: Tensor) -> Tensor:
        """Of each row, in whichever order the rows are."""
        return noise.abs().sum((1, 2)).sort().values

    class Listening(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.kept = noises(kwargs["model"])

    listening, model = Listening(), llama()
    callbacks = (NEFTune(5, by_sequence=True, seed=3), listening)
    made = trainer(model, tmp_path, *callbacks, max_steps=2, learning_rate=0.0)
    made.train_dataset = rows((5, 9))
    made.train()
    first, second = map(sizes, listening.kept)
    assert not torch.allclose(first, second)
    for step, found in enumerate(listening.kept):
        other = llama().train()
        other.load_state_dict(model.state_dict())
        with attach(other, 5, by_sequence=True, seed=3) as attachment:
            attachment.step = step
            kept = noises(other)
            other(**batch((5, 9)))
        torch.testing.assert_close(sizes(found), sizes(kept[0]))


def test_the_dose_is_told_on_wish(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = llama()
    held_out = [{"input_ids": ids, "labels": ids} for ids in ([3, 9, 4, 8, 5], [7, 6, 5, 3])]
    with attach(model, 40):
        wanted = dose(model, held_out)
    made = trainer(model, tmp_path, NEFTune(40, dose_rows=held_out))
    made.train()
    assert f"; its dose is {wanted:.2g} nats a token." in capsys.readouterr().err
    entries = [entry for entry in made.state.log_history if "loss" in entry]
    assert [entry["neftune/first_dose"] for entry in entries] == [pytest.approx(wanted)] * 4


def test_a_schedule_may_return_any_number(tmp_path: Path) -> None:
    def half(progress: float) -> Any:
        return torch.tensor(0.5)

    made = trainer(llama(), tmp_path, NEFTune(5, schedule=half))
    made.train()
    made.save_state()
    assert made.state.log_history[0]["neftune/alpha"] == 2.5


def test_a_resumed_training_does_not_draw_the_noise_of_its_first_steps(tmp_path: Path) -> None:
    def sizes(model: Any, callback: NEFTune, resume: str | None) -> list[Tensor]:
        made = trainer(model, tmp_path, callback)
        made.args.save_strategy, made.args.save_steps = "steps", 2
        kept: list[Tensor] = []
        embedding = model.get_input_embeddings()

        def keep(module: Any, args: Any, output: Tensor) -> None:
            kept.append((output - embedding.weight[args[0]]).detach())

        class After(TrainerCallback):
            def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                embedding.register_forward_hook(keep)

        made.add_callback(After())
        made.train(resume_from_checkpoint=resume)
        return kept

    whole = sizes(llama(), NEFTune(5), None)
    resumed = sizes(llama(), NEFTune(5), str(tmp_path / "checkpoint-2"))
    assert (len(whole), len(resumed)) == (4, 2)
    assert not any(
        torch.allclose(one.flatten()[:8], other.flatten()[:8]) for one in whole for other in resumed
    )


def test_a_new_training_replaces_what_an_interrupted_one_left(tmp_path: Path) -> None:
    """As where a cell of a notebook is run again."""
    model = llama()
    broken = model.lm_head.register_forward_pre_hook(lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        trainer(model, tmp_path, NEFTune(5)).train()
    broken.remove()
    trainer(model, tmp_path, NEFTune(5)).train()
    with attach(model, 5), pytest.raises(RuntimeError, match=r"neftune\.detach\(model\)"):
        trainer(model, tmp_path, NEFTune(5)).train()


def test_an_exception_leaves_no_noise_behind_in_the_next_training(tmp_path: Path) -> None:
    model, callback = llama(), NEFTune(Noise(5, distribution="bernoulli"))
    made = trainer(model, tmp_path, callback)
    broken = model.lm_head.register_forward_pre_hook(lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        made.train()
    broken.remove()
    sizes: list[float] = []
    made.train()
    with attach(model, Noise(5, distribution="bernoulli")):
        model.get_input_embeddings().register_forward_hook(
            lambda m, args, output: sizes.append(float((output - m.weight[args[0]]).abs().max()))
        )
        model.train()(**batch((5, 5)))
    assert sizes[0] == pytest.approx(5 / math.sqrt(5 * D), rel=1e-3)


def test_schedules_have_the_shapes_of_their_names() -> None:
    found = {name: [schedule_of(name)(k / 4) for k in range(5)] for name in SCHEDULES}
    half = math.sqrt(0.5) / 2
    assert found == {
        "constant": [1, 1, 1, 1, 1],
        "linear": [1, 0.75, 0.5, 0.25, 0],
        "cosine": pytest.approx([1, 0.5 + half, 0.5, 0.5 - half, 0]),
        "rising": [0, 0.25, 0.5, 0.75, 1],
    }


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_stay_between_nothing_and_alpha(name: str) -> None:
    schedule = schedule_of(name)
    assert all(-1e-12 <= schedule(k / 100) <= 1 + 1e-12 for k in range(101))


def test_an_unknown_schedule_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown schedule 'step'; known: constant, linear"):
        NEFTune(5, schedule="step")


def test_the_strength_is_what_alpha_is_multiplied_by() -> None:
    model, inputs = llama().train(), batch()
    embedding = model.get_input_embeddings()
    kept: list[Tensor] = []
    with attach(model, Noise(5)) as attachment:
        embedding.register_forward_hook(lambda m, i, o: kept.append(o.detach()))
        attachment.strength = 0.5
        model(**inputs)
    with attach(model, Noise(2.5)):
        embedding.register_forward_hook(lambda m, i, o: kept.append(o.detach()))
        model(**inputs)
    torch.testing.assert_close(kept[0], kept[-1])
    for wrong in (-1, math.inf, math.nan):
        with pytest.raises(ValueError, match="strength must be a finite number of at least 0"):
            attachment.strength = wrong
