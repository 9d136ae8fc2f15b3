#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/test_jobs.hpp"

namespace foreshard::test {

/// A tiny fp32 job with a Llama-shaped or GPT-shaped model: 4 layers, so that stages have several; a padded
/// vocabulary; several query heads per kv head.
inline JobSpec tiny_job(bool gpt) {
  JobSpec job;
  job.name = gpt ? "tiny-gpt" : "tiny-llama";
  job.model = gpt ? gpt_shaped(4, 32, 8, 30) : llama_shaped(4, 32, 48, 8, 4, 30);
  if (gpt) job.model.tied_embeddings = false;  // tied_test has those
  job.model.vocab_multiple = 8;
  job.cluster.accelerator.is_cpu = true;
  job.training.precision = Precision::fp32;
  job.training.sequence_length = 8;
  job.training.micro_batch = 2;
  job.training.global_batch = 16;
  job.training.overlap = {};
  return job;
}

/// The precisions of the fast kernels.
inline constexpr Precision kFastPrecisions[] = {Precision::fp32, Precision::bf16};

struct Degrees {
  std::int64_t tp = 1;
  std::int64_t pp = 1;
  std::int64_t dp = 1;
  bool sequence_parallel = false;
  int zero = 0;
  std::int64_t cp = 1;
  std::int64_t ep = 1;
  std::optional<std::int64_t> etp{};
  [[nodiscard]] std::int64_t devices() const { return tp * pp * dp * cp; }
  [[nodiscard]] std::string name() const {
    return "tp " + std::to_string(tp) + " pp " + std::to_string(pp) + " dp " + std::to_string(dp) +
           (sequence_parallel ? " sp" : "") + (zero > 0 ? " zero " + std::to_string(zero) : "") +
           (cp > 1 ? " cp " + std::to_string(cp) : "") + (ep > 1 ? " ep " + std::to_string(ep) : "") +
           (etp ? " etp " + std::to_string(*etp) : "");
  }
};

inline JobSpec sharded(JobSpec job, const Degrees& degrees) {
  job.parallelism.tp = degrees.tp;
  job.parallelism.pp = degrees.pp;
  job.parallelism.dp = degrees.dp;
  job.parallelism.cp = degrees.cp;
  job.parallelism.ep = degrees.ep;
  job.parallelism.etp = degrees.etp;
  job.parallelism.sequence_parallel = degrees.sequence_parallel;
  job.parallelism.zero = degrees.zero;
  job.cluster = round_cluster(1, degrees.devices());
  job.cluster.accelerator.is_cpu = true;
  return job;
}

/// Every combination of degrees for this many devices, with and without sequence parallelism and ZeRO-1 where
/// they have an effect.
inline std::vector<Degrees> degrees_of(std::int64_t devices) {
  std::vector<Degrees> all;
  for (std::int64_t tp = 1; tp <= devices; tp *= 2) {
    for (std::int64_t pp = 1; tp * pp <= devices; pp *= 2) {
      const std::int64_t dp = devices / (tp * pp);
      for (const bool sequence_parallel : {false, true}) {
        for (const int zero : {0, 1}) {
          if ((sequence_parallel && tp == 1) || (zero == 1 && dp == 1)) continue;
          all.push_back({tp, pp, dp, sequence_parallel, zero});
        }
      }
    }
  }
  return all;
}

}  // namespace foreshard::test
