#include "cli/commands/simulation_sections.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/plan_table.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"

namespace foreshard::cli {

namespace {

using Lines = std::vector<std::string>;

SimTime kernels(const RankResult& rank) { return rank.compute + rank.optimizer; }

SimTime exposed(const RankResult& rank) {
  return std::accumulate(rank.exposed.begin(), rank.exposed.end(), SimTime());
}

/// Busiest first, of equals by number.
std::vector<std::size_t> by_kernels(const std::vector<RankResult>& ranks) {
  std::vector<std::size_t> order(ranks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return kernels(ranks[a]) > kernels(ranks[b]); });
  return order;
}

std::string speed_of(const SimulatedJob& done, std::size_t rank) {
  const Speed speed = done.disturbance.speed(Rank(rank));
  return fmt::format("{:.3f}",
                     static_cast<double>(Speed::kFull) / static_cast<double>(speed.parts_per_million));
}

/// Those of one direction between things of two kinds, which the busiest stands for.
struct LinkKind {
  LinkLoad busiest;
  std::int64_t links = 0;
  double share = 0.0;  // sum
};

std::vector<LinkKind> kinds_of(const std::vector<LinkLoad>& links) {
  std::vector<LinkKind> kinds;
  for (const LinkLoad& load : links) {
    auto known = std::find_if(kinds.begin(), kinds.end(), [&](const LinkKind& kind) {
      return kind.busiest.link.from.kind == load.link.from.kind &&
             kind.busiest.link.to.kind == load.link.to.kind;
    });
    if (known == kinds.end()) known = kinds.insert(kinds.end(), LinkKind{.busiest = load});
    known->links += load.alike;
    known->share += load.share * static_cast<double>(load.alike);
  }
  return kinds;
}

}  // namespace

Lines rank_lines(const SimulatedJob& done) {
  constexpr std::size_t kEnds = 3;
  const std::vector<RankResult>& ranks = done.simulation.ranks;
  const SimTime step = done.simulation.step_time;
  const auto percent = [&](SimTime part) { return report::percent(part.seconds() / step.seconds()); };
  report::Table table({{"rank", report::Align::left},
                       {"stage"},
                       {"slowed by"},
                       {"kernels"},
                       {"comm. exposed"},
                       {"host"},
                       {"waits for others"}});
  const auto row = [&](std::size_t rank) {
    const RankResult& result = ranks[rank];
    table.row({report::grouped(static_cast<std::int64_t>(rank)), std::to_string(result.stage.value()),
               speed_of(done, rank), percent(kernels(result)), percent(exposed(result)), percent(result.host),
               percent(result.bubble)});
  };
  const std::vector<std::size_t> order = by_kernels(ranks);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const bool is_middle = i == order.size() / 2;
    if (i < kEnds || i + kEnds >= order.size() || is_middle) row(order[i]);
  }
  return table.lines();
}

Lines disturbed_lines(const SimulatedJob& done) {
  if (!done.undisturbed) return {};
  const Seconds step = done.simulation.step_time.seconds();
  const Seconds alone = done.undisturbed->seconds();
  std::string words =
      fmt::format("With nothing in its way the step would take {}; this makes it {:.3f} times as long.",
                  report::with_unit(alone), step / alone);
  if (!done.seeds.empty()) {
    const auto time = [&](double share) {
      return report::with_unit(percentile(done.seeds, share).time.seconds());
    };
    words += fmt::format(
        " Of {} draws half take {} or less, and nine in ten between {} and {}; shown is the median, seed {}.",
        done.seeds.size(), time(0.5), time(0.05), time(0.95), done.seed);
  }
  if (done.beside) {
    words += fmt::format(" Beside it on the fabric, a step of {} takes {}, {:.3f} times as long as alone.",
                         done.beside->name, report::with_unit(done.beside->step.seconds()),
                         done.beside->step.seconds() / done.beside->alone.seconds());
  }
  return report::wrapped(words, 0, 0);
}

Lines link_lines(const SimulatedJob& done) {
  if (done.links.empty()) return {};
  report::Table table({{"busiest link of its kind", report::Align::left},
                       {"carries"},
                       {"busy"},
                       {"all such links", report::Align::right},
                       {"busy on average"}});
  for (const LinkKind& kind : kinds_of(done.links)) {
    const Bytes bytes(static_cast<std::int64_t>(kind.busiest.bytes));
    table.row({to_string(kind.busiest.link), report::with_unit(bytes), report::percent(kind.busiest.share),
               report::grouped(kind.links), report::percent(kind.share / static_cast<double>(kind.links))});
  }
  return table.lines();
}

}  // namespace foreshard::cli
