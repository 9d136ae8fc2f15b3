#include "planner/search/best/purchase.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <set>
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
    return size.cost() && *size.cost() <= *request_.budget;
  }

  /// The best plan on so many devices, all of them or the largest power of two of each node (64 of 72: it divides batches);
  /// none if nothing fits there.
  std::optional<PurchaseSize> planned_on(std::int64_t devices) {
    const std::int64_t nodes = devices / node_;
    const std::int64_t offered = option_.cluster.devices_per_node;
    const auto power_of_two = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(offered)));
    SearchRequest search;
    for (const std::int64_t used : std::set<std::int64_t>{offered, power_of_two}) {
      if (auto site = job_on(request_.job, option_.cluster, checked_product(nodes, used), false))
        search.sites.push_back(*std::move(site));
    }
    if (search.sites.empty()) return std::nullopt;
    if (request_.progress)
      request_.progress(fmt::format("planning {} on {} devices", option_.cluster.name, devices),
                        static_cast<std::int64_t>(option_.sizes.size()), 0);
    search.free = request_.free;
    search.memory_margin = request_.memory_margin;
    search.top = 1;
    search.only_best = true;
    search.threads = request_.threads;
    search.stop = request_.stop;
    std::optional<PurchaseSize> best;
    for (SiteResult& site : search_plans(search).sites) {
      if (site.best.empty()) continue;
      std::optional<PurchaseSize> size = size_of(std::move(site.best.front()));
      if (size && (!best || size->time < best->time)) best = std::move(size);
    }
    return best;
  }

  [[nodiscard]] std::optional<PurchaseSize> size_of(FoundPlan best) const {
    const TrainingFigures training = best.estimate().training;
    const double typical = best.estimate().step.typical.time / best.estimate().step.time;
    PurchaseSize size{.best = std::move(best), .time = *training.time, .rent = training.cost};
    if (training.failures) {
      if (!training.failures->time) return std::nullopt;
      size.time = *training.failures->time;
      size.rent = training.failures->cost;
      size.goodput = training.failures->goodput;
    }
    size.time *= typical;
    if (size.rent) *size.rent *= typical;
    const ClusterSpec& cluster = size.best.job().cluster;
    if (cluster.power) size.energy = *cluster.power * (size.time * static_cast<double>(cluster.devices()));
    size.own = cost_of_owning(size);
    return size;
  }

  [[nodiscard]] std::optional<OwningCost> cost_of_owning(const PurchaseSize& size) const {
    const ClusterSpec& cluster = size.best.job().cluster;
    const auto found = std::find_if(request_.owned.rbegin(), request_.owned.rend(),
                                    [&](const OwnedCluster& owned) { return owned.cluster == cluster.name; });
    if (found == request_.owned.rend() || !size.energy) return std::nullopt;
    const OwningTerms& terms = request_.owning;
    return OwningCost{.machines = found->per_device * (static_cast<double>(cluster.paid_devices()) *
                                                       (size.time / terms.lifetime)),
                      .electricity = terms.electricity * *size.energy * terms.pue};
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
      const bool is_enough =
          request_.deadline ? meets(*size) : size->cost() && *size->cost() > *request_.budget;
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
  const double cost = size.cost() ? size.cost()->value() : std::numeric_limits<double>::max();
  return {cost, static_cast<double>(size.devices())};
}

/// Probability that `a` is cheaper (or, with a budget, faster) than `b`: as for two steps, whose error is the same.
std::optional<double> sure_of(const Purchase& purchase, std::size_t a, std::size_t b) {
  const PurchaseSize& first = chosen_of(purchase, a);
  const PurchaseSize& second = chosen_of(purchase, b);
  double lead = std::log(second.time / first.time);
  if (!purchase.budget) {
    if (!first.cost() || !second.cost()) return std::nullopt;
    lead = std::log(*second.cost() / *first.cost());
  }
  const double sigma = sigma_of_difference(first.best.plan, second.best.plan);
  return sigma > 0.0 ? 0.5 * std::erfc(-lead / (sigma * std::sqrt(2.0))) : 1.0;
}

}  // namespace

std::optional<Dollars> PurchaseSize::cost() const {
  if (!own) return rent;
  return rent ? std::min(*rent, own->total()) : own->total();
}

Purchase plan_purchase(const PurchaseRequest& request) {
  Purchase purchase{.deadline = request.deadline, .budget = request.budget};
  if (!request.owned.empty()) purchase.owning = request.owning;
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
