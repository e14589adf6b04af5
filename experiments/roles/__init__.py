"""The paper's models, sets and judges, and what stands in for each.

    MODELS["llama-2-13b"].title                          # "LLaMA-2 13B"
    MODELS["llama-2-13b"].stand_ins["small"].source      # a repository of the hub
    SHAREGPT.piece_tokens                                # 512
    JUDGES["gpt-4"].configurations["nano"]               # an alpaca-eval configuration

Tables and figures name roles, such as `llama-2-13b`. At each scale something plays the role: at
`paper` the model itself, elsewhere a stand-in. To add a model, an instruction set or a judge, add
one entry to the file of that name here.

sources.py           where a model or a set comes from, and the sizes of a model
packaged.py          models and data that packages of the package index carry
models.py            base models
instruction_sets.py  instruction sets
judges.py            judges
"""
