#include "planner/spec/job/job_notes.hpp"

#include "planner/spec/load/load.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

/// The notes of a job that sets these keys in addition to the required ones.
std::vector<std::string> notes_of(const std::vector<Override>& overrides) {
  const std::string job =
      "model: llama3-8b\n"
      "cluster: dgx-h100\n"
      "training: {sequence_length: 8192, global_batch: 16, micro_batch: 1}\n";
  return job_notes(parse_jobs(job, "job.yaml", overrides).front());
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a job whose keys all matter has no notes") {
  CHECK(notes_of({}).empty());
  CHECK(notes_of({{"parallelism.tp", "2"}, {"training.flash", "fa2"}}).empty());
}

TEST_CASE("what no prediction depends on is said") {
  struct Case {
    std::vector<Override> overrides;
    std::string note;
  };
  for (const Case& each : {
           Case{{{"training.precision", "fp8"}, {"training.fp8_scaling", "rowwise"}},
                "fp8_scaling rowwise is not modelled yet: priced as tensorwise"},
           Case{{{"training.fp8_scaling", "mx"}}, "fp8_scaling mx has no effect: precision is bf16"},
           Case{{{"training.attention", "unfused"}, {"training.flash", "fa3"}},
                "flash fa3 has no effect: attention is unfused"},
           Case{{{"framework", "torch-fsdp"}, {"cluster", "dgx-2"}, {"training.precision", "fp16"}},
                "torch-fsdp brings fa2 attention, of which v100-32gb-sxm3 has no rate: priced as triton"},
           Case{{{"model", "mixtral-8x7b"}, {"model.experts.imbalance", "1.5"}},
                "experts.imbalance 1.5 has no effect: with ep 1 every rank has all experts"},
           Case{{{"model.max_positions", "9000"}}, "max_positions 9000 has no effect: positions are rope"},
           Case{{{"parallelism.cp_style", "ulysses"}}, "cp_style ulysses has no effect: cp is 1"},
           Case{{{"parallelism.sequence_parallel", "true"}}, "sequence_parallel true has no effect: tp is 1"},
           Case{{{"parallelism.stages", "by-cost"}}, "stages by-cost has no effect: pp is 1"},
       })
    CHECK(notes_of(each.overrides) == Texts{each.note});
}
