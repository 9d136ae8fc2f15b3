#!/usr/bin/env python3
"""Time and memory of large questions to foreshard, each in several sizes, so that growth can be seen.

  load.py FORESHARD [NAME…]

Prints one line of a table for each size: seconds of processor time (user and system), the most memory, and how both grew
from the size before. Processor time, so that other programs on the machine matter little. Decides nothing.
"""

import os
import sys
import tempfile

JOB = """name: job-{number}
model: llama3-8b
cluster: {{name: dgx-h100, nodes: {nodes}}}
framework: torch-fsdp
parallelism: {{zero: 3}}
training: {{sequence_length: {sequence}, global_batch: 1024, micro_batch: 1}}
"""


def jobs(folder, count):
    """A file of jobs that differ."""
    path = os.path.join(folder, f"jobs-{count}.yaml")
    with open(path, "w", encoding="utf-8") as out:
        for number in range(count):
            nodes, sequence = 1 << number % 5, 1024 * (1 + number % 4)
            out.write("---\n" + JOB.format(number=number, nodes=nodes, sequence=sequence))
    return ["plan", path, "--format", "csv-short"]


def trace(folder, count):
    """A trace of one step with so many kernels, each with the call that launched it."""
    path = os.path.join(folder, f"trace-{count}.json")
    names = ["sm90_xmma_gemm_bf16", "vectorized_elementwise_kernel", "flash_fwd_kernel", "ncclDevKernel_AllReduce"]
    pairs = count // 2
    with open(path, "w", encoding="utf-8") as out:
        out.write('{"schemaVersion": 1, "traceEvents": [\n')
        out.write(
            '{"ph": "X", "cat": "user_annotation", "name": "ProfilerStep#1", "ts": 0, "dur": %d}' % (10 * pairs + 20)
        )
        for kernel in range(pairs):
            out.write(
                ',\n{"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "ts": %d, "dur": 2, "args": {"correlation": %d}},\n'
                '{"ph": "X", "cat": "kernel", "name": "%s", "ts": %d, "dur": 8, "args": {"device": 0, "stream": 7, "correlation": %d}}'
                % (10 * kernel, kernel, names[kernel % 4], 10 * kernel + 5, kernel)
            )
        out.write("\n]}\n")
    return ["diagnose", "llama3-8b-8h100", "--trace", path]


def ranks(_, count):
    """Every rank of a job, some of them slow."""
    scale = count // 16384
    job = "llama3.1-405b-16384h100"
    nodes, batch = 2048 * scale, 2048 * scale
    if count < 16384:
        nodes, batch = count // 8, count // 8
    settings = ["--set", f"cluster.nodes={nodes}", "--set", f"training.global_batch={batch}"]
    return ["simulate", job, *settings, "--unfolded", "--stragglers", "0.5%:1.1-1.3", "--format", "json"]


def search(_, axes):
    """A search over the usual axes, and over more of them."""
    names = ["tp", "pp", "micro_batch", "recompute", "zero", "sequence_parallel", "vp"][:axes]
    return ["search", "llama3-70b-64h100", "--free", ",".join(names), "--threads", "1", "--format", "json"]


QUESTIONS = {
    "jobs": (jobs, "a file of {} jobs, planned", [2500, 5000, 10000]),
    "trace": (trace, "a trace of {} events, diagnosed", [1_250_000, 2_500_000, 5_000_000, 10_000_000]),
    "ranks": (ranks, "one step of {} ranks, each simulated, 0.5% of them slow", [4096, 8192, 16384, 32768, 65536]),
    "search": (search, "the best plan of 64 GPUs, {} axes free", [3, 4, 5]),
}


def measure(command):
    """Processor time in seconds and most memory in MiB of a command."""
    with open(os.devnull, "wb") as nothing:
        pid = os.posix_spawnp(
            command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, nothing.fileno(), 1)]
        )
        _, status, used = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 1):
        sys.exit(f"load.py: {' '.join(command)} ended with {code}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    tool, wanted = sys.argv[1], sys.argv[2:] or list(QUESTIONS)
    print("| question | processor time | most memory | growth of time and memory |\n| --- | --: | --: | --: |")
    for name in wanted:
        make, words, sizes = QUESTIONS[name]
        before = None
        for size in sizes:
            with tempfile.TemporaryDirectory() as folder:
                seconds, memory = measure([tool, *make(folder, size)])
            growth = "" if before is None else f"{seconds / before[0]:.2f}×, {memory / before[1]:.2f}×"
            print(f"| {words.format(f'{size:,}')} | {seconds:.1f} s | {memory:.0f} MiB | {growth} |", flush=True)
            before = seconds, memory


main()
