// Muon: its Newton-Schulz products, and the exchanges that bring a rank the whole matrices of a layer.
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

JobSpec muon_job(const Degrees& degrees) {
  JobSpec job = sharded(tiny_job(false), degrees);
  job.training.global_batch = 4 * degrees.dp;
  job.training.precision = Precision::bf16;
  job.training.optimizer = OptimizerKind::muon;
  return job;
}

TEST_CASE("Muon over shards, stages and copies computes what one device computes") {
  const std::int64_t ranks = mpi_session().size();
  std::vector<Degrees> all{{.dp = ranks}, {.pp = ranks}};
  if (ranks > 1) {
    for (const int zero : {1, 2, 3}) all.push_back({.dp = ranks, .zero = zero});
  }
  if (ranks == 4) all.push_back({.pp = 2, .dp = 2, .zero = 1});
  for (const Degrees& degrees : all) {
    CAPTURE(degrees.name());
    check_equals_unsharded(muon_job(degrees));
    check_counted_as_planned(muon_job(degrees));
  }
}

TEST_CASE("layers that do not divide among the ranks, and copies of shards") {
  const std::int64_t ranks = mpi_session().size();
  if (ranks < 4) return;
  // Of six layers, four fall to the four ranks, then two to the first two.
  JobSpec job = muon_job({.dp = ranks, .zero = 1});
  job.model.layers = 6;
  check_equals_unsharded(job);
  check_counted_as_planned(job);
  job = muon_job({.dp = ranks, .zero = 3});
  job.parallelism.dp_shard = 2;
  check_equals_unsharded(job);
  check_counted_as_planned(job);
}

TEST_CASE("the matrices of each expert are made orthogonal by themselves") {
  const std::int64_t ranks = mpi_session().size();
  JobSpec job = muon_job({.dp = ranks, .zero = ranks > 1 ? 1 : 0, .ep = ranks > 1 ? 2 : 1});
  job.model.experts =
      ExpertsSpec{.count = 4, .per_token = 2, .hidden = 16, .shared_hidden = 16, .dense_layers = 1};
  job.model.experts->imbalance = 2.0;
  check_equals_unsharded(job);
  check_counted_as_planned(job);
}

TEST_CASE("under tensor parallelism each rank makes its own part orthogonal: counted as planned") {
  const std::int64_t ranks = mpi_session().size();
  if (ranks == 1) return;
  check_counted_as_planned(muon_job({.tp = 2, .dp = ranks / 2, .zero = ranks > 2 ? 1 : 0}));
}

TEST_CASE("the update is orthogonal: five steps bring all singular values near one") {
  // With decay 0 and the first step, a matrix moves by lr·0.2·√(larger side)·O. The squared norm of O is the sum of
  // its squared singular values, which five steps bring into 0.7 … 1.2 (Jordan et al. 2024).
  const JobSpec job = muon_job({.dp = mpi_session().size()});
  const StepProgram program = build_step_program(job);
  ReferenceDevice device;
  MpiCommunicator communicator(mpi_session(), DeviceMesh(job.parallelism));
  RankPlan plan(program, device, communicator);
  Executor executor(plan, device, communicator);
  executor.initialize();
  plan.optimizer().weight_decay = 0.0;
  const auto read = [&](const HeldWeight& held) {
    std::vector<double> values(static_cast<std::size_t>(held.weight.elements));
    device.read(held.weight, values.data());
    return values;
  };
  std::vector<std::vector<double>> before;
  for (const HeldWeight& held : plan.weights()) before.push_back(read(held));
  executor.run_step();
  for (std::size_t i = 0; i < before.size(); ++i) {
    const Tensor& weight = program.tensor(plan.weights()[i].tensor);
    if (weight.dims.size() < 2 || weight.meaning.part == ModelPart::embedding ||
        weight.meaning.part == ModelPart::head)
      continue;
    const std::vector<double> after = read(plan.weights()[i]);
    double moved = 0.0;
    for (std::size_t j = 0; j < after.size(); ++j)
      moved += (after[j] - before[i][j]) * (after[j] - before[i][j]);
    const auto rows = static_cast<double>(weight.dims[0].size);
    const auto columns = static_cast<double>(weight.dims[1].size);
    const double unit = 1e-3 * 0.2 * std::sqrt(std::max(rows, columns));
    const double mean_square = moved / (unit * unit) / std::min(rows, columns);
    CAPTURE(weight.label);
    CHECK(mean_square > 0.4);
    CHECK(mean_square < 1.5);
  }
}

}  // namespace
}  // namespace foreshard::test
