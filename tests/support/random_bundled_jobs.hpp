#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "planner/spec/load/load.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/spec/yaml/diagnostic.hpp"

// Jobs of the bundled models on the bundled clusters, with every key of a job file drawn from a fixed seed.
// They are read as a user's file is, so that frameworks fill in what is not drawn.

namespace foreshard::test {

/// A drawn job and the file that it was read from.
struct BundledJob {
  std::string text;
  JobSpec job;
};

/// Draws jobs; the same seed gives the same jobs on every machine.
class BundledJobDraw {
 public:
  explicit BundledJobDraw(std::uint64_t seed) : engine_(seed) {}

  /// The next legal job.
  BundledJob next() {
    for (;;) {
      const std::optional<std::string> text = draw();
      if (!text) continue;
      try {
        return {*text, parse_jobs(*text, "drawn.yaml").front()};
      } catch (const SpecError&) {
        // Not legal: try the next draw.
      }
    }
  }

 private:
  template <class T, std::size_t N>
  T pick(const std::array<T, N>& choices) {
    return choices[engine_() % N];
  }
  template <class T, class... Rest>
  T one_of(T first, Rest... rest) {
    return pick(std::array<T, sizeof...(Rest) + 1>{first, static_cast<T>(rest)...});
  }
  bool one_in(std::uint64_t n) { return engine_() % n == 0; }
  std::string word(const char* key, std::initializer_list<const char*> values) {
    const std::vector<const char*> all(values);
    return std::string(", ") + key + ": " + all[engine_() % all.size()];
  }
  /// The same in half of all jobs; the others have the default.
  std::string perhaps(const char* key, std::initializer_list<const char*> values) {
    return one_in(2) ? word(key, values) : std::string();
  }
  static std::string number(const char* key, std::int64_t value) {
    return std::string(", ") + key + ": " + std::to_string(value);
  }
  static std::string map(const char* key, const std::string& entries) {
    return std::string(key) + ": {" + entries.substr(2) + "}\n";
  }

  /// None if the degrees do not divide the number of devices.
  std::optional<std::string> draw() {
    const std::string model =
        one_of("llama3-8b", "llama2-13b", "llama3-70b", "gpt2-xl", "gpt3-175b", "mistral-7b", "mixtral-8x7b",
               "qwen3-30b-a3b", "qwen3-235b-a22b", "deepseek-v3", "gpt-oss-120b", "qwen3-8b");
    const std::string cluster =
        one_of("dgx-h100", "dgx-h200", "dgx-a100", "aws-p4d", "aws-p5", "dgx-b200", "h100-pcie-box",
               "a100-pcie-box", "l40s-node", "mi300x-node", "rtx4090-box", "selene", "grand-teton", "dgx-2");
    const auto nodes = one_of<std::int64_t>(1, 2, 4, 8, 16);
    const auto tp = one_of<std::int64_t>(1, 1, 2, 4, 8);
    const auto pp = one_of<std::int64_t>(1, 1, 2, 4, 8);
    const auto vp = pp > 1 && one_in(3) ? one_of<std::int64_t>(2, 3) : 1;
    const auto cp = one_of<std::int64_t>(1, 1, 1, 2, 4);
    const auto ep = one_of<std::int64_t>(1, 2, 4, 8);
    const std::int64_t devices = load_cluster(cluster).devices_per_node * nodes;
    if (devices % (tp * pp * cp) != 0) return std::nullopt;
    const auto micro_batch = one_of<std::int64_t>(1, 1, 2, 4);
    const std::int64_t batch =
        devices / (tp * pp * cp) * micro_batch * (vp > 1 ? pp : 1) * one_of<std::int64_t>(1, 2, 4, 8);

    std::string text = "model: " + model + "\ncluster: {name: " + cluster + number("nodes", nodes) + "}\n";
    if (!one_in(6))
      text += std::string("framework: ") +
              one_of("megatron", "megatron-deepspeed", "torch-fsdp", "deepspeed", "nanotron", "foreshard") +
              "\n";
    text +=
        map("parallelism",
            number("tp", tp) + number("pp", pp) + number("vp", vp) + number("cp", cp) + number("ep", ep) +
                word("zero", {"0", "1", "2", "3"}) + perhaps("cp_style", {"ring", "all-gather", "ulysses"}) +
                perhaps("sequence_parallel", {"true", "false"}) + perhaps("stages", {"even", "by-cost"}));
    text += map("training",
                number("sequence_length", one_of<std::int64_t>(1024, 2048, 4096, 8192, 32768)) +
                    number("global_batch", batch) + number("micro_batch", micro_batch) +
                    perhaps("precision", {"bf16", "fp16", "fp8", "fp32"}) +
                    perhaps("attention", {"flash", "flash", "unfused"}) +
                    perhaps("compiled", {"true", "false"}) + perhaps("dropout", {"true", "false"}) +
                    perhaps("gradient_dtype", {"fp32", "bf16"}) + perhaps("launch", {"async", "blocking"}) +
                    word("recompute", {"none", "selective", "selective-ops", "full"}) +
                    perhaps("optimizer", {"adamw", "adam", "sgd"}) +
                    (vp > 1 ? perhaps("schedule", {"interleaved", "zb-v", "dualpipe-v"})
                            : perhaps("schedule", {"1f1b", "gpipe", "zero-bubble", "zero-bubble-2p"})) +
                    draw_overlap());
    if (one_in(8)) text += "lora: {rank: 16, targets: [attention]}\n";
    return text;
  }

  std::string draw_overlap() {
    if (one_in(2)) return {};
    const std::string entries = perhaps("tp", {"none", "wgrad", "full"}) + perhaps("dp", {"true", "false"}) +
                                perhaps("pp", {"true", "false"}) + perhaps("cp", {"true", "false"}) +
                                perhaps("ep", {"true", "false"});
    return entries.empty() ? std::string() : ", overlap: {" + entries.substr(2) + "}";
  }

  std::mt19937_64 engine_;
};

}  // namespace foreshard::test
