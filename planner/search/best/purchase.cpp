#include "planner/search/best/purchase.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "planner/search/best/plan_search.hpp"
#include "planner/search/best/site.hpp"
#include "planner/search/likelihood.hpp"

namespace foreshard {
namespace {

/// The sizes of one cluster.
class OptionSearch {
 public:
  OptionSearch(const PurchaseRequest& request, const ClusterSpec& cluster) : request_(request) {
    option_.cluster = cluster;
    node_ = cluster.devices_per_node + cluster.idle_per_node;
  }

  PurchaseOption run() {
    double_up();
    if (request_.deadline) try_between();
    std::sort(option_.sizes.begin(), option_.sizes.end(),
              [](const PurchaseSize& a, const PurchaseSize& b) { return a.devices() < b.devices(); });
    note_efficiency();
    choose();
    option_.complete = !is_stopped();
    return std::move(option_);
  }

 private:
  [[nodiscard]] bool is_stopped() const { return request_.stop != nullptr && request_.stop->load(); }
  [[nodiscard]] bool meets(const PurchaseSize& size) const {
    if (request_.deadline) return size.time <= *request_.deadline;
    return size.cost && *size.cost <= *request_.budget;
  }

  /// The best plan on so many devices; none if nothing fits there.
  std::optional<PurchaseSize> planned_on(std::int64_t devices) {
    const std::optional<JobSpec> site = job_on(request_.job, option_.cluster, devices, false);
    if (!site) return std::nullopt;
    if (request_.progress)
      request_.progress(fmt::format("planning {} on {} devices", option_.cluster.name, devices),
                        static_cast<std::int64_t>(option_.sizes.size()), 0);
    SearchRequest search;
    search.sites = {*site};
    search.free = request_.free;
    search.memory_margin = request_.memory_margin;
    search.top = 1;
    search.only_best = true;
    search.threads = request_.threads;
    search.stop = request_.stop;
    SiteResult result = search_plans(search).sites.front();
    if (result.best.empty()) return std::nullopt;
    return size_of(std::move(result.best.front()));
  }

  static std::optional<PurchaseSize> size_of(FoundPlan best) {
    const TrainingFigures& training = best.estimate().training;
    PurchaseSize size{
        .best = std::move(best), .time = *training.time, .cost = training.cost, .energy = training.energy};
    if (!training.failures) return size;
    if (!training.failures->time) return std::nullopt;
    size.time = *training.failures->time;
    size.cost = training.failures->cost;
    size.goodput = training.failures->goodput;
    return size;
  }

  /// The number of devices from which on a size is worth a search: half of those that would meet the deadline if the
  /// training scaled perfectly from the last size tried.
  [[nodiscard]] std::int64_t worth_trying() const {
    if (!request_.deadline || option_.sizes.empty()) return 0;
    const PurchaseSize& last = option_.sizes.back();
    return static_cast<std::int64_t>(static_cast<double>(last.devices()) * (last.time / *request_.deadline) /
                                     2.0);
  }

  void double_up() {
    for (std::int64_t devices = node_; devices <= request_.most_devices && !is_stopped(); devices *= 2) {
      if (devices < worth_trying()) continue;
      std::optional<PurchaseSize> size = planned_on(devices);
      if (!size) continue;
      const bool is_slower = !option_.sizes.empty() && size->time >= option_.sizes.back().time;
      const bool is_enough = request_.deadline ? meets(*size) : size->cost && *size->cost > *request_.budget;
      option_.sizes.push_back(*std::move(size));
      if (is_enough || is_slower) return;
    }
  }

  void try_between() {
    if (option_.sizes.empty() || !meets(option_.sizes.back())) return;
    const std::int64_t most = option_.sizes.back().devices();
    for (const std::int64_t eighths : {5, 6, 7}) {
      const std::int64_t devices = most / 8 * eighths;
      if (devices % node_ != 0 || is_stopped()) continue;
      std::optional<PurchaseSize> size = planned_on(devices);
      if (!size) continue;
      const bool is_enough = meets(*size);
      option_.sizes.push_back(*std::move(size));
      if (is_enough) return;
    }
  }

  void note_efficiency() {
    const auto rate = [](const PurchaseSize& size) {
      return 1.0 / (time_per_token(size.best.estimate()).value() * static_cast<double>(size.devices()));
    };
    for (PurchaseSize& size : option_.sizes) {
      size.efficiency = rate(size) / rate(option_.sizes.front());
      if (size.efficiency < 0.5 && !option_.stops_scaling) option_.stops_scaling = size.devices();
    }
  }

  void choose() {
    for (std::size_t i = 0; i < option_.sizes.size(); ++i) {
      if (!meets(option_.sizes[i])) continue;
      const bool is_better =
          !option_.chosen || (request_.budget && option_.sizes[i].time < option_.sizes[*option_.chosen].time);
      if (is_better) option_.chosen = i;
    }
  }

  const PurchaseRequest& request_;
  PurchaseOption option_;
  std::int64_t node_ = 1;
};

const PurchaseSize& chosen_of(const Purchase& purchase, std::size_t option) {
  return purchase.options[option].sizes[*purchase.options[option].chosen];
}

/// The smaller, the better: cost, then devices; or time.
std::tuple<double, double> rank_of(const Purchase& purchase, std::size_t option) {
  const PurchaseSize& size = chosen_of(purchase, option);
  if (purchase.budget) return {size.time.value(), 0.0};
  const double cost = size.cost ? size.cost->value() : std::numeric_limits<double>::max();
  return {cost, static_cast<double>(size.devices())};
}

/// Probability that `a` is cheaper (or, with a budget, faster) than `b`: as for two steps, whose error is the same.
std::optional<double> sure_of(const Purchase& purchase, std::size_t a, std::size_t b) {
  const PurchaseSize& first = chosen_of(purchase, a);
  const PurchaseSize& second = chosen_of(purchase, b);
  double lead = std::log(second.time / first.time);
  if (!purchase.budget) {
    if (!first.cost || !second.cost) return std::nullopt;
    lead = std::log(*second.cost / *first.cost);
  }
  const double sigma = sigma_of_difference(first.best.plan, second.best.plan);
  return sigma > 0.0 ? 0.5 * std::erfc(-lead / (sigma * std::sqrt(2.0))) : 1.0;
}

}  // namespace

Purchase plan_purchase(const PurchaseRequest& request) {
  Purchase purchase{.deadline = request.deadline, .budget = request.budget};
  for (const ClusterSpec& cluster : request.clusters) {
    purchase.options.push_back(OptionSearch(request, cluster).run());
    if (purchase.options.back().chosen) purchase.ranking.push_back(purchase.options.size() - 1);
  }
  std::stable_sort(purchase.ranking.begin(), purchase.ranking.end(),
                   [&](std::size_t a, std::size_t b) { return rank_of(purchase, a) < rank_of(purchase, b); });
  for (std::size_t i = 1; i < purchase.ranking.size(); ++i)
    purchase.sure.push_back(sure_of(purchase, purchase.ranking.front(), purchase.ranking[i]));
  return purchase;
}

}  // namespace foreshard
