#pragma once

#include <string>

#include "planner/search/best/purchase.hpp"

namespace foreshard {

/// Clusters side by side: the devices to order, the best plan on them, days, rent, energy, goodput; and how sure the order
/// is.
std::string buy_table(const Purchase& purchase);

}  // namespace foreshard
