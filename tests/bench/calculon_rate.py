#!/usr/bin/env python3
"""How many combinations Calculon prices per second on one core of this machine: pieces of its own search, in random order.

  calculon_rate.py CHECKOUT [SECONDS [SEQUENCES]]    in a checkout of calculon-ai/calculon; needs python3-numpy and python3-psutil

Its llm-optimal-execution cuts the space of GPT-3 175B on 512 A100 into pieces and prices all of them, which takes most of a day. Here its
search runs on pieces drawn with a fixed seed until SECONDS of processor time (60) are spent. SEQUENCES (512) are those of a batch.
"""
import os
import random
import sys
import time
import types

os.chdir(sys.argv[1])
sys.path.insert(0, ".")
sys.modules.setdefault("pandas", types.ModuleType("pandas"))  # imported by a command that is not used here
import calculon  # noqa: E402
from calculon.llm import Llm, System  # noqa: E402
from calculon.llm.optimal_execution import OptimalExecution  # noqa: E402

limit = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
sequences = int(sys.argv[3]) if len(sys.argv) > 3 else 512
devices = 512
model = Llm.Application(calculon.io.read_json_file("models/gpt3-175B.json"))
system = System(calculon.io.read_json_file("systems/a100_80e.json"))

# The pieces as OptimalExecution.run_command makes them.
pieces = []
for tp in Llm.get_all_tensor_parallelisms(devices, model.hidden, model.attn_heads):
    for pp in Llm.get_all_pipeline_parallelisms(devices, tp, model.num_blocks):
        dp = Llm.get_data_parallelism(devices, tp, pp)
        batch = OptimalExecution.get_batch_size(dp, sequences)
        if batch is None:
            continue
        for chunks in Llm.get_valid_pipeline_interleavings(model.num_blocks, pp):
            for recompute in ["full", "attn_only", "none"]:
                for sharding in [True, False] if dp > 1 else [False]:
                    for communication in ["ar", "p2p_rs_ag", "rs_ag"]:
                        pieces.append((1, False, devices, sequences, "float16", model, system, tp, pp, dp, chunks, batch,
                                       recompute, sharding, communication, [True], False, True, True))
whole = sum(OptimalExecution.search(True, *piece)[1] for piece in pieces)
random.seed(1)
random.shuffle(pieces)

begin = time.process_time()
tried = good = used = 0
for piece in pieces:
    _, combinations, ran, *_ = OptimalExecution.search(False, *piece)
    tried, good, used = tried + combinations, good + ran, used + 1
    if time.process_time() - begin > limit:
        break
seconds = time.process_time() - begin
print(f"{tried:,} of {whole:,} combinations, {good:,} of them executable, in {used} of {len(pieces):,} pieces: "
      f"{seconds:.1f} s of one core, {tried / seconds:.0f} combinations per second")
