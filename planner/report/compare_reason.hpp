#pragma once

#include <cstddef>
#include <string>

#include "planner/search/comparison.hpp"

namespace foreshard::report {

/// Why one variant takes more time per token than another, by cause: "tp 8 loses 9.0% to all-reduces over
/// NVSwitch, 450 GB/s (12.1% of its step, 4.8% at tp 4) and wins back 0.7% in pipeline bubble." Percentages
/// are relative to the faster variant's time. Empty if no cause differs by 0.05%. @pre both are legal.
std::string why_slower(const Comparison& comparison, std::size_t slower, std::size_t faster);

/// Which cause takes a larger share of the step than it did: "dp all-reduces over the network, 400 Gbit/s
/// grow from 2.1% of the step to 9.8%." Empty if none grows by 0.05 percentage points. @pre both are legal.
std::string what_grows(const Comparison& comparison, std::size_t from, std::size_t to);

/// Why a variant does not fit, and a change that makes it fit if one was searched: "tp 2 does not fit: 101 of
/// 79.1 GiB per GPU; weights, gradients and optimizer state alone are 94.5 GiB. With parallelism.zero=1 it
/// would fit: 71.8 GiB, step 5.30 s (+0.3%)." @pre it is legal and does not fit.
std::string why_too_large(const Comparison& comparison, std::size_t variant);

}  // namespace foreshard::report
