"""The nano laboratory: a made-up world, language models pretrained on it, and judges that know it.

    world = make_world()                                 # 240 things, 2,880 facts
    instruction_set("alpaca", "train")[0]                # an instruction about one of them
    task = evaluation_tasks("test")[0]                   # one of 805 test instructions
    prefer(task, reference_answer(task), response)       # the oracle's verdict: 1, 2, or 1.5

The laboratory is what the scale `nano` (`experiments/scales/nano.py`) consists of. It lets every
table of the paper be made on two cores without network, GPU or key, and it makes the correctness of
an answer exact, because all facts are known.

It is not a small copy of the paper's setting. Its models are thousands of times smaller and know no
real English. What makes them a fair instrument for noise all the same is written down as conditions
that are checked by a command (`make laboratory-check`); docs/laboratory.md has them, and says which
conclusions the laboratory does not allow.

The world and its language:

kinds.py              the kinds of things, their attributes, and the words for both, as data
world.py              the things, their facts, and the split that each belongs to
language.py           facts as English sentences
reading.py            English sentences as claims, correct or wrong

Data made from them:

corpus.py             the documents of the pretraining corpus
tasks.py              instructions with the claims that a good answer contains
answers.py            correct answers, and the reference answers of the evaluation
instructions.py       the four instruction sets
leaderboard.py        the questions of the leaderboard tasks
leaderboard_tasks/    lm-eval's files for these tasks

Models:

tokenizer.py          the tokenizer of all models
pretrain.py           pretraining of the base models
model_card.py         measurements of a base model, and its card
chat.py               the chat model
models/               the shipped models, one folder for each role

Judges:

oracle.py             the oracle, and the judges in the roles of GPT-4 and ChatGPT
judges/               their alpaca-eval configurations; `experiments/judge_studies/` has where their
                      numbers come from

The conditions:

conditions.py         what the laboratory has to be before anything is measured in it with noise
"""
