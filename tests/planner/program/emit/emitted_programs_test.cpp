// The program of every job is valid, cannot deadlock, and is unchanged by writing and reading JSON.
#include <algorithm>

#include "planner/program/build/build_step_program.hpp"
#include "planner/program/check/check_program.hpp"
#include "planner/program/dependencies/task_graph.hpp"
#include "planner/program/json/program_json.hpp"
#include "planner/spec/job/validate_job.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

struct Degrees {
  std::int64_t tp = 1;
  std::int64_t pp = 1;
  std::int64_t vp = 1;
  std::int64_t dp = 1;
  bool sequence_parallel = false;
  int zero = 0;
  bool zero_bubble = false;
};

/// Eight small layers on one node with as many devices as the job needs.
JobSpec small_job(Framework framework, const Degrees& degrees) {
  JobSpec job;
  job.framework = framework;
  job.parallelism.tp = degrees.tp;
  job.parallelism.pp = degrees.pp;
  job.parallelism.vp = degrees.vp;
  job.parallelism.dp = degrees.dp;
  job.parallelism.sequence_parallel = degrees.sequence_parallel;
  job.parallelism.zero = degrees.zero;
  job.model.layers = 8;
  job.model.hidden = 8;
  job.model.ffn_hidden = 16;
  job.model.heads = 4;
  job.model.kv_heads = 2;
  job.model.head_dim = 2;
  job.model.vocab = 32;
  job.model.vocab_multiple = 8;
  job.training.sequence_length = 4;
  job.training.global_batch = 4 * degrees.dp;
  job.training.micro_batch = 1;
  job.training.schedule = degrees.vp > 1 ? ScheduleKind::interleaved : ScheduleKind::one_f_one_b;
  if (degrees.zero_bubble) job.training.schedule = ScheduleKind::zero_bubble;
  job.training.overlap = framework_conventions(framework).overlap;
  job.training.gradient_dtype = framework_conventions(framework).gradient_dtype;
  job.cluster.devices_per_node = degrees.tp * degrees.pp * degrees.dp;
  for (auto& rate : job.cluster.accelerator.gemm) rate = GemmRate{FlopsPerSecond(1e15), 0.7};
  return job;
}

/// Models in turn: Llama, GPT, and variants that change which operations are emitted.
void choose_model(JobSpec& job, int variant) {
  ModelSpec& model = job.model;
  if (variant == 1) {
    model.norm = NormKind::layernorm;
    model.biases = Biases::all;
    model.positions = Positions::learned;
    model.ffn = FfnKind::gelu;
    model.tied_embeddings = true;
    model.parallel_residual = true;
    job.training.dropout = true;
  } else if (variant == 2) {
    model.qk_norm = true;
    model.biases = Biases::qkv;
    model.norms_per_layer = 4;
    job.training.compiled = false;
  } else if (variant == 3) {
    model.norms_per_layer = 1;
    model.kv_heads = 1;
    model.tied_embeddings = true;
    job.training.precision = Precision::fp32;
    job.training.optimizer = OptimizerKind::sgd;
  }
}

void check_everything(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  CHECK(check_program(program) == std::vector<std::string>{});
  CHECK(TaskGraph(program).is_acyclic());
  const std::string text = to_json(program);
  CHECK(to_json(program_from_json(text)) == text);
}

/// All jobs of one model.
void check_programs(int variant) {
  const AttentionKind attention = GENERATE(AttentionKind::flash, AttentionKind::unfused);
  const Recompute recompute =
      GENERATE(Recompute::none, Recompute::selective, Recompute::selective_ops, Recompute::full);
  const Framework framework = GENERATE(Framework::foreshard, Framework::megatron, Framework::torch_fsdp);
  const Degrees degrees = GENERATE(Degrees{}, Degrees{.tp = 2, .pp = 2, .dp = 2},
                                   Degrees{.tp = 2, .dp = 2, .sequence_parallel = true, .zero = 1},
                                   Degrees{.tp = 2, .pp = 2, .vp = 2, .sequence_parallel = true},
                                   Degrees{.pp = 4, .vp = 2, .dp = 2, .zero = 1}, Degrees{.dp = 4, .zero = 2},
                                   Degrees{.tp = 2, .dp = 2, .sequence_parallel = true, .zero = 3},
                                   Degrees{.tp = 2, .pp = 4, .dp = 2, .zero = 1, .zero_bubble = true},
                                   Degrees{.tp = 2, .pp = 2, .sequence_parallel = true, .zero_bubble = true});
  JobSpec job = small_job(framework, degrees);
  job.training.attention = attention;
  job.training.recompute = recompute;
  choose_model(job, variant);
  INFO("tp " << degrees.tp << " pp " << degrees.pp << " vp " << degrees.vp << " dp " << degrees.dp << " zero "
             << degrees.zero << " model " << variant << " attention " << static_cast<int>(attention)
             << " recompute " << static_cast<int>(recompute) << " framework " << static_cast<int>(framework));
  const std::vector<Illegality> illegalities = find_illegalities(job);
  for (const Illegality& illegality : illegalities) INFO(illegality.path << ": " << illegality.message);
  REQUIRE(illegalities.empty());
  check_everything(job);
}

}  // namespace

// One case for each model, so that each ends in time where every source is built without optimisation.
TEST_CASE("every emitted program is sound: Llama") { check_programs(0); }
TEST_CASE("every emitted program is sound: GPT") { check_programs(1); }
TEST_CASE("every emitted program is sound: norms of queries and keys, four norms a layer") {
  check_programs(2);
}
TEST_CASE("every emitted program is sound: fp32, one norm a layer") { check_programs(3); }
