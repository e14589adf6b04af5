"""The world, and the grammar that writes it and reads it back."""

import math
import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.nano.corpus import (
    article,
    comparison,
    document,
    facts,
    ordering,
    rumours,
    sums,
)
from experiments.nano.kinds import KINDS
from experiments.nano.language import paragraph, say, sentence
from experiments.nano.reading import read
from experiments.nano.world import (
    FAME,
    RUMOURS,
    SPLIT_SHARES,
    Entity,
    World,
    by_fame,
    drawn,
    make_world,
)

WORLD = make_world()
entities = st.sampled_from(WORLD.entities)


def test_the_world_has_four_kinds_with_a_dozen_attributes_each() -> None:
    assert [(kind.name, len(kind.attributes)) for kind in KINDS] == [
        ("town", 12),
        ("person", 12),
        ("animal", 12),
        ("craft", 12),
    ]
    assert len(WORLD.by_name) == len(WORLD.entities) == 240
    assert make_world.__wrapped__() == WORLD
    assert make_world(1) != WORLD


def test_every_first_statement_ends_with_the_value_and_every_one_begins_with_the_subject() -> None:
    for kind in KINDS:
        for attribute in kind.attributes:
            assert attribute.statements[0].endswith("{v}")
            assert all(s.startswith(("{s}", "{p}")) for s in attribute.statements)


def test_facts_name_things_of_the_same_split_only() -> None:
    for entity in WORLD.entities:
        for attribute in entity.kind.attributes:
            if attribute.refers_to:
                assert WORLD.by_name[entity.facts[attribute.name]].split == entity.split


def test_fame_is_spread_alike_over_the_splits_and_kinds() -> None:
    for kind in KINDS:
        for split in SPLIT_SHARES:
            fames = sorted(entity.fame for entity in WORLD.of(split, kind))
            assert [fames[0], fames[-1]] == pytest.approx([1, FAME])
            steps = [later / earlier for earlier, later in pairwise(fames)]
            assert steps == pytest.approx([steps[0]] * len(steps))


def test_things_are_drawn_as_often_as_their_fame_says() -> None:
    pair = [WORLD.entities[0], WORLD.entities[1]]
    rng = random.Random(0)
    draws = 4000
    first = sum(drawn(pair, 1, rng, by_fame)[0] == pair[0] for _ in range(draws))
    share = pair[0].fame / (pair[0].fame + pair[1].fame)
    assert abs(first / draws - share) < 4 * math.sqrt(share * (1 - share) / draws)


def test_rumours_are_false_and_the_only_false_things_that_documents_say() -> None:
    for entity in WORLD.entities:
        assert len(entity.rumours) == RUMOURS
        assert all(entity.facts[name] != told for name, told in entity.rumours.items())
    wrong = 0
    for seed in range(200):
        for claim in read(rumours(WORLD, random.Random(seed)), WORLD).claims:
            if not claim.correct:
                _, thing, attribute = claim.key
                assert attribute in WORLD.by_name[thing].rumours
                wrong += 1
    assert wrong > 100


@given(entities, st.data())
def test_every_statement_is_read_back_right_and_with_another_value_wrong(
    entity: Entity, data: st.DataObject
) -> None:
    attribute = data.draw(st.sampled_from(entity.kind.attributes))
    form = data.draw(st.integers(0, len(attribute.statements) - 1))
    key = ("fact", entity.name, attribute.name)
    (claim,) = read(sentence(say(entity, attribute, form)), WORLD).claims
    assert (claim.key, claim.correct) == (key, True)
    (claim,) = read(sentence(say(entity, attribute, form, value="glass")), WORLD).claims
    assert (claim.key, claim.correct) == (key, False)
    (claim,) = read(sentence(say(entity, attribute, form, pronoun=True)), WORLD, entity).claims
    assert (claim.key, claim.correct) == (key, True)


@given(entities, st.integers(0, 10**6), st.integers(1, 12))
def test_a_paragraph_is_read_back_whole(entity: Entity, seed: int, count: int) -> None:
    text = " ".join(paragraph(entity, entity.kind.attributes[:count], random.Random(seed)))
    reading = read(text, WORLD)
    facts = {claim.key[2] for claim in reading.claims if claim.key[0] == "fact"}
    assert facts == {attribute.name for attribute in entity.kind.attributes[:count]}
    assert all(claim.correct for claim in reading.claims)
    assert (reading.unreadable, reading.repeated, reading.finished) == (0, 0, True)


@pytest.mark.parametrize(
    ("text", "keys"),
    (
        ("12 + 9 = 21.", [(("sum", "12", "+", "9"), True)]),
        ("12 + 9 = 22.", [(("sum", "12", "+", "9"), False)]),
        ("Zorblatt has 5 towers.", [(("invented", "zorblatt"), False)]),
        ("It has 5 towers.", [(("invented", "it"), False)]),
    ),
)
def test_sums_and_invented_things(text: str, keys: list[object]) -> None:
    assert [(claim.key, claim.correct) for claim in read(text, WORLD).claims] == keys


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    reading = read(text, WORLD)
    assert reading.unreadable <= reading.sentences


@given(st.sampled_from([article, facts, comparison, ordering, sums]), st.integers(0, 10**6))
def test_no_document_says_anything_wrong(
    write: Callable[[World, random.Random], str], seed: int
) -> None:
    claims = read(write(WORLD, random.Random(seed)), WORLD).claims
    assert claims
    assert all(claim.correct for claim in claims)


@given(st.integers(0, 10**6))
def test_a_document_is_a_function_of_its_number(index: int) -> None:
    assert document(WORLD, 0, index) == document(WORLD, 0, index) != document(WORLD, 1, index)
