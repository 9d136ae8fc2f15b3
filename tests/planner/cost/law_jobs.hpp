#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "planner/program/step_program.hpp"
#include "planner/spec/job/validate_job.hpp"
#include "tests/support/test_jobs.hpp"

// Jobs whose sums the papers give in closed form.

namespace foreshard::test {

/// Degrees of a job; the rest of it stays as it is.
struct Degrees {
  std::int64_t tp = 1;
  std::int64_t pp = 1;
  std::int64_t dp = 1;
  bool sequence_parallel = false;
  int zero = 0;
};

/// `job` on these degrees, on a cluster of just that size; the global batch stays.
inline JobSpec sharded(JobSpec job, const Degrees& degrees) {
  job.parallelism.tp = degrees.tp;
  job.parallelism.pp = degrees.pp;
  job.parallelism.dp = degrees.dp;
  job.parallelism.sequence_parallel = degrees.sequence_parallel;
  job.parallelism.zero = degrees.zero;
  job.cluster = round_cluster(degrees.pp * degrees.dp, degrees.tp);
  for (const Illegality& illegality : find_illegalities(job)) {
    throw std::logic_error(illegality.path + ": " + illegality.message);
  }
  return job;
}

struct Batch {
  std::int64_t sequence = 0;
  std::int64_t micro_batch = 1;
  std::int64_t global_batch = 1;
};

/// Megatron-LM's GPT: layernorm, gelu, biases; attention with its matrices in memory; dropout off.
inline JobSpec gpt_job(ModelSpec model, const Batch& batch) {
  JobSpec job;
  job.name = "gpt";
  job.model = std::move(model);
  job.framework = Framework::megatron;
  job.cluster = round_cluster(1, 1);
  job.training.sequence_length = batch.sequence;
  job.training.micro_batch = batch.micro_batch;
  job.training.global_batch = batch.global_batch;
  job.training.attention = AttentionKind::unfused;
  return job;
}

/// A Llama with flash attention under this project's own conventions.
inline JobSpec llama_job(ModelSpec model, const Batch& batch) {
  JobSpec job = gpt_job(std::move(model), batch);
  job.name = "llama";
  job.framework = Framework::foreshard;
  job.training.attention = AttentionKind::flash;
  return job;
}

inline const Block& block_named(const StepProgram& program, const std::string& name) {
  for (const Block& block : program.blocks) {
    if (block.name == name) return block;
  }
  throw std::runtime_error("no block " + name);
}
inline std::size_t block_index(const StepProgram& program, const std::string& name) {
  return static_cast<std::size_t>(&block_named(program, name) - program.blocks.data());
}

}  // namespace foreshard::test
