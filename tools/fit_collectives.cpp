// Compares the collective model with measured collectives, set by set, and fits constants that bring it
// closest.
//
//   fit_collectives CONFIGS              the table of docs/collectives.md
//   fit_collectives CONFIGS rows SET     every sample of a set: predicted, measured, error, what was chosen
//   fit_collectives CONFIGS fit          per accelerator: NCCL's fixed time besides its steps; NVLS rate
#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "tools/collective_sets.hpp"

using namespace foreshard;
using namespace foreshard::tools;

namespace {

constexpr Bytes kMebibyte(std::int64_t{1} << 20);

void print_table(const std::vector<CollectiveSet>& sets) {
  fmt::print("| set | samples | mean error | from 1 MiB on | bias | what |\n");
  fmt::print("| --- | --: | --: | --: | --: | --- |\n");
  for (const CollectiveSet& set : sets)
    fmt::print("| {} | {} | {:.1f}% | {:.1f}% | {:+.1f}% | {} |\n", set.name, set.samples.size(),
               100.0 * mean_error(set), 100.0 * mean_error(set, kMebibyte), 100.0 * bias(set), set.what);
}

void print_rows(const CollectiveSet& set) {
  for (const CollectiveSample& sample : set.samples) {
    const CollectivePrediction predicted = predict(set.cluster, sample);
    fmt::print("{:>4} x {:<3} {:>12} B  {:>10.1f} us  measured {:>10.1f} us  {:+6.1f}%  {}\n",
               sample.span.nodes, sample.span.per_node, sample.payload.value(), predicted.time.value() * 1e6,
               sample.measured.value() * 1e6, 100.0 * (predicted.time / sample.measured - 1.0),
               to_string(predicted.choice));
  }
}

/// Sets with the same accelerator; all have equal weight.
using Sets = std::vector<CollectiveSet>;

double error_with(Sets sets, const std::function<void(NcclSpec&)>& change) {
  double sum = 0.0;
  for (CollectiveSet& set : sets) {
    const Seconds own = set.cluster.nccl->fixed;
    change(*set.cluster.nccl);
    if (set.has_own_fixed) set.cluster.nccl->fixed = own;
    sum += mean_error(set);
  }
  return sum / static_cast<double>(sets.size());
}

/// The value among least, least + step, …, most with the smallest error.
double best_of(double least, double most, double step, const std::function<double(double)>& error) {
  double best = least;
  double least_error = error(least);
  for (double value = least + step; value <= most; value += step) {
    const double now = error(value);
    if (now >= least_error) continue;
    least_error = now;
    best = value;
  }
  return best;
}

/// Fits the two constants by coordinate descent and prints them.
void print_fit(const std::string& accelerator, const Sets& sets) {
  NcclSpec nccl = sets.front().cluster.nccl.value();
  constexpr int kSweeps = 4;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    nccl.fixed = Seconds(best_of(0.0, 60e-6, 1e-6, [&](double value) {
      return error_with(sets, [&](NcclSpec& changed) {
        changed = nccl;
        changed.fixed = Seconds(value);
      });
    }));
    if (nccl.nvls_bandwidth == BytesPerSecond()) break;
    nccl.nvls_bandwidth = BytesPerSecond(best_of(250e9, 700e9, 2e9, [&](double value) {
      return error_with(sets, [&](NcclSpec& changed) {
        changed = nccl;
        changed.nvls_bandwidth = BytesPerSecond(value);
      });
    }));
  }
  fmt::print("{}: fixed {:.0f} us, nvls_bandwidth {:.0f} GB/s, mean error {:.1f}% over {} sets\n",
             accelerator, nccl.fixed.value() * 1e6, nccl.nvls_bandwidth.value() / 1e9,
             100.0 * error_with(sets, [&](NcclSpec& changed) { changed = nccl; }), sets.size());
}

int run(const std::vector<std::string>& words) {
  const std::vector<CollectiveSet> sets = load_collective_sets(words.at(0));
  if (words.size() == 1) {
    print_table(sets);
    return 0;
  }
  if (words[1] == "fit" && words.size() == 2) {
    std::map<std::string, Sets> by_accelerator;
    for (const CollectiveSet& set : sets)
      if (set.fitted && set.cluster.nccl) by_accelerator[set.cluster.accelerator.name].push_back(set);
    for (const auto& [accelerator, fitted] : by_accelerator) print_fit(accelerator, fitted);
    return 0;
  }
  if (words[1] == "rows" && words.size() == 3)
    for (const CollectiveSet& set : sets)
      if (set.name == words[2]) {
        print_rows(set);
        return 0;
      }
  fmt::print(stderr, "usage: fit_collectives CONFIGS [rows SET | fit]\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc >= 2) return run({argv + 1, argv + argc});
    fmt::print(stderr, "usage: fit_collectives CONFIGS [rows SET | fit]\n");
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
}
