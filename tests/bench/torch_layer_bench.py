#!/usr/bin/env python3
"""Times the two halves of a Llama 3 layer, forward and backward, in PyTorch with torch.compile and in foreshard, in
turn: the same shapes, the same GPU, rounds of one and the other.

    torch_layer_bench.py "./cuda_bench --serve" [--shapes 8B:1,70B:8] [--rounds 5]
"""
import argparse
import shlex
import statistics
import subprocess

import torch
import torch.nn.functional as F

TOKENS, DIM = 8192, 128
MODELS = {"8B": (4096, 14336, 32, 8), "70B": (8192, 28672, 64, 8)}


def numbers(*shape):
    return (torch.rand(*shape, device="cuda", dtype=torch.bfloat16) * 2 - 1).requires_grad_()


def rms_norm(x, weight):
    return F.rms_norm(x, (x.shape[-1],), weight, 1e-5)


def rotate(x, cos, sin):
    first, second = x.float().chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1).to(x.dtype)


def ffn(x, norm, up, down):
    gate, value = F.linear(rms_norm(x, norm), up).chunk(2, dim=-1)
    return x + F.linear(F.silu(gate) * value, down)


def attention(x, norm, qkv, out, cos, sin, heads, kv_heads):
    rows = F.linear(rms_norm(x, norm), qkv).view(TOKENS, heads + 2 * kv_heads, DIM)
    q, k, v = rows.split((heads, kv_heads, kv_heads), dim=1)
    q, k = rotate(q, cos, sin), rotate(k, cos, sin)
    q, k, v = (t.transpose(0, 1).unsqueeze(0) for t in (q, k, v))
    core = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    return x + F.linear(core.squeeze(0).transpose(0, 1).reshape(TOKENS, heads * DIM), out)


def median_time(work, repeats=15):
    for _ in range(3):
        work()
    marks = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(repeats)]
    for begin, end in marks:
        begin.record()
        work()
        end.record()
    torch.cuda.synchronize()
    return statistics.median(begin.elapsed_time(end) for begin, end in marks) / 1e3


def step_of(layer, tensors, *rest):
    compiled = torch.compile(layer)
    grad = torch.rand_like(tensors[0])

    def work():
        for tensor in tensors:
            tensor.grad = None
        compiled(*tensors, *rest).backward(grad)

    return work


class Foreshard:
    def __init__(self, command):
        self.process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def time(self, layer):
        self.process.stdin.write(layer + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ours", help="the command that times foreshard's layers")
    parser.add_argument("--shapes", default="8B:1,8B:2,8B:4,8B:8,70B:1,70B:2,70B:4,70B:8")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    ours = Foreshard(options.ours)
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}")
    print("layer                    ours, ms  PyTorch, ms  PyTorch / ours: median (least – most) of rounds")

    def compare(name, work):
        pairs = [(ours.time(name), median_time(work)) for _ in range(options.rounds)]
        ratios = [theirs / mine for mine, theirs in pairs]
        mine, theirs = (statistics.median(times) for times in zip(*pairs))
        half, model, tp = name.split()
        print(f"{half + ' ' + model + ' tp ' + tp:<24} {1e3 * mine:8.3f}     {1e3 * theirs:8.3f}"
              f"  {statistics.median(ratios):.3f} ({min(ratios):.3f} – {max(ratios):.3f})", flush=True)

    frequencies = 500000.0 ** (-torch.arange(0, DIM, 2, device="cuda") / DIM)
    angles = torch.outer(torch.arange(TOKENS, device="cuda"), frequencies)
    cos, sin = angles.cos()[:, None], angles.sin()[:, None]
    for shape in options.shapes.split(","):
        name, tp = shape.split(":")
        tp = int(tp)
        hidden, width, heads, kv_heads = MODELS[name]
        width, heads, kv_heads = width // tp, heads // tp, kv_heads // tp
        torch.compiler.reset()
        compare(f"ffn {name} {tp}", step_of(
            ffn, [numbers(TOKENS, hidden), numbers(hidden), numbers(2 * width, hidden), numbers(hidden, width)]))
        torch.compiler.reset()
        compare(f"attention {name} {tp}", step_of(
            attention, [numbers(TOKENS, hidden), numbers(hidden), numbers((heads + 2 * kv_heads) * DIM, hidden),
                        numbers(hidden, heads * DIM)], cos, sin, heads, kv_heads))
    ours.process.stdin.close()


if __name__ == "__main__":
    main()
