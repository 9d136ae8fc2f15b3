#include "planner/fit/fit_link.hpp"

#include <algorithm>

#include "planner/cost/ops/cost_model.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

namespace foreshard::test {
namespace {

constexpr double kBandwidth = 8e9;
constexpr double kLatency = 5e-6;

MeasuredLink measured(LinkOperation operation, double payload, std::int64_t ranks, double seconds) {
  const Seconds time(seconds);
  return {.operation = operation,
          .payload = Bytes(static_cast<std::int64_t>(payload)),
          .time = {.ranks = ranks,
                   .median = time,
                   .lower_quartile = 0.9 * time,
                   .upper_quartile = 1.1 * time,
                   .samples = 9}};
}

/// The α–β model: a ring of n ranks takes n − 1 steps of latency + (payload/n)/bandwidth, an all-reduce twice
/// as many; a transfer takes one step with the whole payload.
std::vector<MeasuredLink> exact(std::int64_t ranks) {
  std::vector<MeasuredLink> all;
  const auto n = static_cast<double>(ranks);
  for (const double payload : {4096.0, 65536.0, 1048576.0, 16777216.0}) {
    const double step = kLatency + payload / n / kBandwidth;
    all.push_back(measured(LinkOperation::all_reduce, payload, ranks, 2.0 * (n - 1.0) * step));
    all.push_back(measured(LinkOperation::all_gather, payload, ranks, (n - 1.0) * step));
    all.push_back(measured(LinkOperation::transfer, payload, ranks, kLatency + payload / kBandwidth));
  }
  return all;
}

TEST_CASE("the fit recovers bandwidth and latency from exact times") {
  for (const std::int64_t ranks : {2, 4, 8}) {
    const FittedLink fitted = fit_link(exact(ranks));
    CHECK(fitted.link.bandwidth.value() == Approx(kBandwidth).epsilon(0.005));
    CHECK(fitted.link.latency.value() == Approx(kLatency).epsilon(0.005));
    CHECK(fitted.link.efficiency == 1.0);
    CHECK(fitted.fits.size() == 3);
    for (const LinkFit& fit : fitted.fits) {
      CHECK(fit.sizes == 4);
      CHECK(fit.mean_error < 0.01);
      CHECK(fit.unsteadiness == Approx(0.1));  // (1.1 − 0.9)/2
    }
  }
}

TEST_CASE("the best rate is what one rank sends per second, computed by hand") {
  // An all-reduce of 16 MB over 4 ranks: each sends 2·3/4·16 MB = 24 MB; in 3 ms that is 8 GB/s.
  const FittedLink fitted = fit_link({measured(LinkOperation::all_reduce, 16e6, 4, 3e-3),
                                      measured(LinkOperation::all_reduce, 4e3, 4, 40e-6)});
  CHECK(fitted.fits.front().best.value() == Approx(8e9));
}

TEST_CASE("an outlier changes neither bandwidth nor latency") {
  std::vector<MeasuredLink> times = exact(4);
  times[4].time.median = 20.0 * times[4].time.median;
  const FittedLink fitted = fit_link(times);
  CHECK(fitted.link.bandwidth.value() == Approx(kBandwidth).epsilon(0.02));
  CHECK(fitted.link.latency.value() == Approx(kLatency).epsilon(0.02));
}

/// The time that the planner predicts for NCCL over this link.
std::vector<MeasuredLink> over_nccl(const LinkSpec& link, const NcclSpec& nccl, bool across) {
  constexpr std::int64_t kRanks = 8;
  JobSpec job = golden_job();
  job.parallelism = {};
  job.parallelism.tp = kRanks;
  job.cluster = across ? round_cluster(kRanks, 1) : round_cluster(1, kRanks);
  job.cluster.fabric = NodeFabric::nvswitch;
  job.cluster.nccl = nccl;
  job.cluster.link = link;
  job.cluster.network.link = link;
  const CostModel model(job);
  std::vector<MeasuredLink> all;
  for (const double payload : {65536.0, 1048576.0, 16777216.0, 268435456.0}) {
    const Bytes bytes(static_cast<std::int64_t>(payload));
    all.push_back(measured(LinkOperation::all_reduce, payload, kRanks,
                           model.collective_time(CollectiveKind::all_reduce, bytes, GroupKind::tp).value()));
    all.push_back(measured(LinkOperation::all_gather, payload, kRanks,
                           model.collective_time(CollectiveKind::all_gather, bytes, GroupKind::tp).value()));
  }
  return all;
}

TEST_CASE("the fit recovers a link from times of the planner's model of NCCL") {
  for (const bool across : {false, true}) {
    CAPTURE(across);
    const LinkSpec link{
        .bandwidth = BytesPerSecond(across ? 45e9 : 360e9), .efficiency = 1.0, .latency = Seconds(12e-6)};
    const NcclSpec nccl{.generation = NcclGeneration::ampere, .nvls_bandwidth = {}, .fixed = Seconds(5e-6)};
    const FittedLink fitted =
        fit_link(over_nccl(link, nccl, across),
                 {.fabric = NodeFabric::nvswitch, .nccl = nccl, .across_nodes = across});
    CHECK(fitted.link.bandwidth.value() == Approx(link.bandwidth.value()).epsilon(0.01));
    for (const LinkFit& fit : fitted.fits) CHECK(fit.mean_error < 0.01);
    // A fit with plain rings gives another link.
    const FittedLink rings = fit_link(over_nccl(link, nccl, across));
    for (const LinkFit& fit : rings.fits) CHECK(fit.mean_error > 0.01);
  }
}

}  // namespace
}  // namespace foreshard::test
