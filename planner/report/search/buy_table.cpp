#include "planner/report/search/buy_table.hpp"

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/search/search_words.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"

namespace foreshard {
namespace {

using namespace report;
using Lines = std::vector<std::string>;

std::string request_words(const Purchase& purchase) {
  if (purchase.deadline)
    return fmt::format("The training ends within {}", as_calendar_time(*purchase.deadline));
  return fmt::format("The training costs at most {} USD", in_millions(purchase.budget->value()));
}

/// "58 (51 – 65)": the time of the training with typical steps, and with steps at both ends of their band.
std::string days_words(const PurchaseSize& size) {
  const StepFigures& step = size.best.estimate().step;
  const double days = size.time / kDay;
  return fmt::format("{} ({} – {})", significant(days),
                     significant(days * (step.time_low / step.typical.time)),
                     significant(days * (step.time_high / step.typical.time)));
}

/// "3.1 M (2.4 M + 0.7 M)": what owning costs, of it machines and electricity.
std::string owning_words(const PurchaseSize& size) {
  if (!size.own) return "–";
  return fmt::format("{} ({} + {})", in_millions(size.own->total().value()),
                     in_millions(size.own->machines.value()), in_millions(size.own->electricity.value()));
}

struct BuyRow {
  const char* name;
  std::function<std::string(const PurchaseOption& option, const PurchaseSize& size)> cell;
  bool is_owning = false;  ///< shown if a cluster may be bought
};

const std::vector<BuyRow>& buy_rows() {
  static const std::vector<BuyRow> kRows{
      {"accelerator", [](const auto& option, const auto&) { return option.cluster.accelerator.name; }},
      {"devices to order", [](const auto&, const auto& size) { return grouped(size.devices()); }},
      {"tp × pp × dp",
       [](const auto&, const auto& size) {
         const ParallelismSpec& p = size.best.job().parallelism;
         return fmt::format("{} × {} × {}", p.tp, p.pp, p.dp);
       }},
      {"step, s",
       [](const auto&, const auto& size) { return significant(size.best.estimate().step.time.value()); }},
      {"MFU", [](const auto&, const auto& size) { return percent(size.best.estimate().step.mfu); }},
      {"days (band)", [](const auto&, const auto& size) { return days_words(size); }},
      {"goodput", [](const auto&, const auto& size) { return percent(size.goodput); }},
      {"rent, USD",
       [](const auto&, const auto& size) {
         return size.rent ? in_millions(size.rent->value()) : std::string("no price given");
       }},
      {"USD/h per device",
       [](const auto& option, const auto&) {
         return option.cluster.price ? fixed(option.cluster.price->value() * kHour.value(), 2)
                                     : std::string("–");
       }},
      {.name = "to own, USD (machines + electricity)",
       .cell = [](const auto&, const auto& size) { return owning_words(size); },
       .is_owning = true},
      {"energy", [](const auto&,
                    const auto& size) { return size.energy ? with_unit(*size.energy) : std::string("–"); }},
      {"efficiency", [](const auto&, const auto& size) { return percent(size.efficiency); }},
      {"half as efficient from", [](const auto& option, const auto&) {
         return option.stops_scaling ? grouped(*option.stops_scaling) : std::string("–");
       }}};
  return kRows;
}

Lines side_by_side(const Purchase& purchase) {
  std::vector<Column> columns{{"", Align::left}};
  for (const std::size_t option : purchase.ranking)
    columns.push_back({purchase.options[option].cluster.name});
  Table table(columns);
  for (const BuyRow& row : buy_rows()) {
    if (row.is_owning && !purchase.owning) continue;
    std::vector<std::string> cells{row.name};
    for (const std::size_t index : purchase.ranking) {
      const PurchaseOption& option = purchase.options[index];
      cells.push_back(row.cell(option, option.sizes[*option.chosen]));
    }
    table.row(std::move(cells));
  }
  Lines lines;
  for (const std::string& line : table.lines()) lines.push_back(std::string(kIndent, ' ') + line);
  return lines;
}

std::string verdict(const Purchase& purchase) {
  const PurchaseOption& first = purchase.options[purchase.ranking.front()];
  const PurchaseSize& size = first.sizes[*first.chosen];
  std::string text = fmt::format("{}: {} × {} with {}.", purchase.budget ? "Fastest" : "Best",
                                 grouped(size.devices()), first.cluster.name, plan_choices(size.best.job()));
  for (std::size_t i = 0; i < purchase.sure.size(); ++i) {
    const std::string& other = purchase.options[purchase.ranking[i + 1]].cluster.name;
    if (!purchase.sure[i]) {
      text += fmt::format(" Whether {} is cheaper is not known without prices.", other);
      continue;
    }
    text += fmt::format(" It is {} than {} in {:.0f} of 10 cases, given the kernels' error.",
                        purchase.budget ? "faster" : "cheaper", other, 10.0 * *purchase.sure[i]);
  }
  return text;
}

std::string owning_note(const OwningTerms& terms) {
  return fmt::format(
      "Machines that are owned are written off over {} years, in use all the time; electricity costs {} USD "
      "per kWh, and cooling makes it {} times as much (PUE). Where renting and owning are possible the "
      "cheaper one counts.",
      significant(terms.lifetime / (365.0 * kDay)), significant((terms.electricity * kKilowattHour).value()),
      significant(terms.pue));
}

/// Why a cluster meets the request on no size.
std::string miss_words(const Purchase& purchase, const PurchaseOption& option) {
  if (option.sizes.empty())
    return fmt::format("{}: no plan fits on any size that was tried.", option.cluster.name);
  if (purchase.budget && !option.sizes.front().cost())
    return fmt::format("{}: no price is given, so nothing can be said about a budget (--price {}=USD).",
                       option.cluster.name, option.cluster.name);
  const PurchaseSize* nearest = &option.sizes.front();
  for (const PurchaseSize& size : option.sizes) {
    const bool is_nearer = purchase.budget ? *size.cost() < *nearest->cost() : size.time < nearest->time;
    if (is_nearer) nearest = &size;
  }
  return fmt::format("{}: no size that was tried is enough. The nearest is {} devices: {}, {} USD.",
                     option.cluster.name, grouped(nearest->devices()), as_calendar_time(nearest->time),
                     nearest->cost() ? in_millions(nearest->cost()->value()) : "unknown");
}

}  // namespace

std::string buy_table(const Purchase& purchase) {
  std::string text;
  const auto block = [&text](const Lines& lines) {
    if (lines.empty()) return;
    if (!text.empty()) text += '\n';
    for (const std::string& line : lines) text += line + '\n';
  };
  const auto& any = purchase.options.front();
  const bool has_size = !any.sizes.empty();
  block(wrapped(
      request_words(purchase) + (has_size ? fmt::format(": {} · {}", any.sizes.front().best.job().name,
                                                        any.sizes.front().best.job().model.name)
                                          : ""),
      0, kIndent));
  if (!purchase.ranking.empty()) {
    block(side_by_side(purchase));
    block(wrapped(verdict(purchase), kIndent, kIndent));
    if (purchase.owning) block(wrapped(owning_note(*purchase.owning), kIndent, kIndent));
  }
  for (const PurchaseOption& option : purchase.options) {
    if (!option.chosen) block(wrapped(miss_words(purchase, option), kIndent, kIndent));
  }
  return text;
}

}  // namespace foreshard
