"""A made-up pool of models whose verdicts follow a rule that texts show."""

import random

import numpy as np

from eval.preference.verdicts import Pool

TOPICS = [f"topic{n}" for n in range(40)]


def answer(topic: str, good: int, rng: random.Random) -> str:
    """An answer with some of eight good words about a topic, and as many others."""
    words = [f"{topic}-fact-{n}" for n in range(good)] + [f"filler{rng.randrange(30)}"] * 4
    rng.shuffle(words)
    return " ".join(words).capitalize() + "."


def made_up_pool(models: int = 8, seed: int = 0) -> Pool:
    """Models of rising quality; an answer with more good words than the reference wins."""
    rng = random.Random(seed)
    references: list[str] = []
    answers: list[list[str]] = [[] for _ in range(models)]
    won = np.zeros((models, len(TOPICS)))
    for place, topic in enumerate(TOPICS):
        least = rng.randrange(2, 6)
        references.append(answer(topic, least, rng))
        for model in range(models):
            good = min(8, max(0, round(model + rng.uniform(-2, 2))))
            answers[model].append(answer(topic, good, rng))
            won[model, place] = 0.5 if good == least else float(good > least)
    return Pool(
        tuple(f"Tell me about {topic}." for topic in TOPICS),
        tuple(references),
        tuple(f"model-{n}" for n in range(models)),
        tuple(map(tuple, answers)),
        won,
    )
