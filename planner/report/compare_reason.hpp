#pragma once

#include <cstddef>
#include <string>

#include "planner/search/comparison.hpp"

namespace foreshard::report {

/// One variant's time per token against another's, taken apart by cause: "tp 8 loses 9.0% to all-reduces over
/// NVSwitch, 450 GB/s (12.1% of its step, 4.8% at tp 4) and wins back 0.7% in pipeline bubble." Percents are
/// of the other's time. Empty where no cause differs by 0.05%. @pre both are legal.
std::string why_slower(const Comparison& comparison, std::size_t slower, std::size_t faster);

/// Which cause takes a larger share of the step than it did: "dp all-reduces over the network, 400 Gbit/s
/// grow from 2.1% of the step to 9.8%." Empty where none grows by 0.05 points. @pre both are legal.
std::string what_grows(const Comparison& comparison, std::size_t from, std::size_t to);

/// Why a variant does not fit, and what would make it where that was worked out: "tp 2 does not fit: 101 of
/// 79.1 GiB per GPU; weights, gradients and optimizer state alone are 94.5 GiB. With parallelism.zero=1 it
/// would fit: 71.8 GiB, step 5.30 s (+0.3%)." @pre it is legal and does not fit.
std::string why_too_large(const Comparison& comparison, std::size_t variant);

}  // namespace foreshard::report
