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
           Case{{{"training.fp8_scaling", "mx"}}, "fp8_scaling mx has no effect: precision is bf16"},
           Case{{{"training.attention", "unfused"}, {"training.flash", "fa3"}},
                "flash fa3 has no effect: attention is unfused"},
           Case{{{"framework", "torch-fsdp"},
                 {"cluster", "dgx-2"},
                 {"cluster.accelerator.confidence.attention", "derived"},
                 {"training.precision", "fp16"}},
                "torch-fsdp brings fa2 attention, of which v100-32gb-sxm3 has no rate: priced as triton"},
           Case{{{"model", "mixtral-8x7b"}, {"model.experts.imbalance", "1.5"}},
                "experts.imbalance 1.5 has no effect: with ep 1 every rank has all experts"},
           Case{{{"model", "{name: mixtral-8x7b, layers: 2, experts: {imbalance: [1, 2]}}"},
                 {"cluster", "dgx-h100"},
                 {"parallelism", "{ep: 8}"}},
                "experts.imbalance: the busiest rank of a layer has 1 to 2 times the mean rows, 1.5 on "
                "average; "
                "memory is counted as if one rank were the busiest in all layers"},
           Case{{{"model", "mixtral-8x7b"}, {"training.dispatch_precision", "fp8"}},
                "dispatch_precision fp8 has no effect: ep is 1"},
           Case{{{"model.max_positions", "9000"}}, "max_positions 9000 has no effect: positions are rope"},
           Case{{{"parallelism.cp_style", "ulysses"}}, "cp_style ulysses has no effect: cp is 1"},
           Case{{{"parallelism.sequence_parallel", "true"}}, "sequence_parallel true has no effect: tp is 1"},
           Case{{{"parallelism.stages", "by-cost"}}, "stages by-cost has no effect: pp is 1"},
       })
    CHECK(notes_of(each.overrides) == Texts{each.note});
}

TEST_CASE("a job says what of its accelerator nobody measured") {
  // One group alone is not much; two are, and so are the products alone. Experts count in jobs that have them.
  const auto with = [](const std::string& key, const std::string& how) {
    return Override{"cluster.accelerator.confidence." + key, how};
  };
  const Override whole{"cluster", "{name: c, accelerator: h100-80gb-sxm}"};
  const auto notes = [&](std::vector<Override> said) {
    std::vector<Override> overrides{whole};
    for (const char* const group : {"products", "experts", "attention", "passes", "collectives"})
      overrides.push_back(with(group, "derived"));
    overrides.insert(overrides.end(), said.begin(), said.end());
    return notes_of(overrides);
  };
  CHECK(notes({}).empty());
  CHECK(notes({with("attention", "assumed")}).empty());
  CHECK(notes({with("products", "assumed")}) ==
        Texts{"much of h100-80gb-sxm is assumed, not measured: products"});
  CHECK(notes({with("attention", "assumed"), with("passes", "assumed"), with("collectives", "assumed")}) ==
        Texts{"much of h100-80gb-sxm is assumed, not measured: attention, memory passes and collectives"});
  CHECK(notes({with("attention", "assumed"), with("experts", "assumed")}).empty());
  CHECK(notes({{"model", "mixtral-8x7b"}, with("attention", "assumed"), with("experts", "assumed")}) ==
        Texts{"much of h100-80gb-sxm is assumed, not measured: experts' products and attention"});
  CHECK(
      notes({with("peaks", "announced"), with("products", "assumed"), with("passes", "assumed")}) ==
      Texts{
          "the device is announced only; much of h100-80gb-sxm is assumed, not measured: products and memory "
          "passes"});
}

TEST_CASE("a scaling of fp8 without a rate of its own is noted") {
  const std::string text =
      "model: llama3-8b\n"
      "cluster: dgx-h100\n"
      "training: {sequence_length: 8192, global_batch: 16, micro_batch: 1, precision: fp8, fp8_scaling: "
      "block}\n";
  JobSpec job = parse_jobs(text, "job.yaml", {}).front();
  std::optional<GemmRate>& rate = job.cluster.accelerator.gemm[static_cast<std::size_t>(DType::fp8_block)];
  rate.reset();
  CHECK(job_notes(job) == Texts{"h100-80gb-sxm has no rate of its own for products with block scales: priced "
                                "as tensorwise"});
  rate = GemmRate{FlopsPerSecond(1979e12), 0.6};
  CHECK(job_notes(job).empty());
}
