#include "planner/report/search/buy_record.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "planner/report/search/search_words.hpp"

namespace foreshard::report {
namespace {

template <class T>
FieldValue value_of(const std::optional<T>& quantity) {
  return quantity ? FieldValue(quantity->value()) : FieldValue(std::monostate{});
}

Fields size_fields(const PurchaseSize* size) {
  const auto known = [&](auto value) {
    return size != nullptr ? FieldValue(value(*size)) : FieldValue(std::monostate{});
  };
  const auto own = [&](auto value) {
    return size != nullptr && size->own ? FieldValue(value(*size->own)) : FieldValue(std::monostate{});
  };
  return {{"devices", known([](const auto& s) { return s.devices(); })},
          {"choices", known([](const auto& s) { return plan_choices(s.best.job()); })},
          {"step_s", known([](const auto& s) { return s.best.estimate().step.time.value(); })},
          {"seconds", known([](const auto& s) { return s.time.value(); })},
          {"dollars", size != nullptr ? value_of(size->cost()) : FieldValue(std::monostate{})},
          {"rent_dollars", size != nullptr ? value_of(size->rent) : FieldValue(std::monostate{})},
          {"own_machines_dollars", own([](const OwningCost& cost) { return cost.machines.value(); })},
          {"own_electricity_dollars", own([](const OwningCost& cost) { return cost.electricity.value(); })},
          {"joules", size != nullptr ? value_of(size->energy) : FieldValue(std::monostate{})},
          {"goodput", known([](const auto& s) { return s.goodput; })},
          {"efficiency", known([](const auto& s) { return s.efficiency; })}};
}

/// Where the option stands among those that meet the request.
std::optional<std::size_t> rank_of(const Purchase& purchase, std::size_t option) {
  const auto found = std::find(purchase.ranking.begin(), purchase.ranking.end(), option);
  if (found == purchase.ranking.end()) return std::nullopt;
  return static_cast<std::size_t>(found - purchase.ranking.begin());
}

}  // namespace

Record buy_record(const Purchase& purchase) {
  FieldRows options;
  for (std::size_t i = 0; i < purchase.options.size(); ++i) {
    const PurchaseOption& option = purchase.options[i];
    const std::optional<std::size_t> rank = rank_of(purchase, i);
    Fields fields{
        {"cluster", option.cluster.name},
        {"rank", rank ? FieldValue(static_cast<std::int64_t>(*rank) + 1) : FieldValue(std::monostate{})}};
    append(fields, "", size_fields(option.chosen ? &option.sizes[*option.chosen] : nullptr));
    fields.push_back({"stops_scaling_at", option.stops_scaling ? FieldValue(*option.stops_scaling)
                                                               : FieldValue(std::monostate{})});
    const bool has_lead = rank && *rank > 0 && purchase.sure[*rank - 1];
    fields.push_back({"probability_first_is_better",
                      has_lead ? FieldValue(*purchase.sure[*rank - 1]) : FieldValue(std::monostate{})});
    FieldRows sizes;
    for (const PurchaseSize& size : option.sizes) sizes.rows.push_back(size_fields(&size));
    fields.push_back({"sizes", std::move(sizes)});
    options.rows.push_back(std::move(fields));
  }
  const auto owning = [&](auto value) {
    return purchase.owning ? FieldValue(value(*purchase.owning)) : FieldValue(std::monostate{});
  };
  return record_of(
      {{"buy.deadline_s", value_of(purchase.deadline)},
       {"buy.budget_dollars", value_of(purchase.budget)},
       {"buy.lifetime_s", owning([](const OwningTerms& terms) { return terms.lifetime.value(); })},
       {"buy.electricity_dollars_per_kwh",
        owning([](const OwningTerms& terms) { return (terms.electricity * kKilowattHour).value(); })},
       {"buy.pue", owning([](const OwningTerms& terms) { return terms.pue; })},
       {"buy.options", std::move(options)}},
      {"buy.options"});
}

}  // namespace foreshard::report
