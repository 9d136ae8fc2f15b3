#pragma once

#include "planner/report/record.hpp"
#include "planner/search/best/purchase.hpp"

namespace foreshard::report {

/// buy.deadline_s, buy.budget_dollars, and buy.options: cluster, devices (null: none is enough), choices, step_s, seconds,
/// dollars, joules, goodput, efficiency, stops_scaling_at, probability_first_is_better, and sizes with the same figures.
Record buy_record(const Purchase& purchase);

}  // namespace foreshard::report
