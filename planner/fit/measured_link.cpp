#include "planner/fit/measured_link.hpp"

namespace foreshard {

std::string_view to_string(LinkOperation operation) {
  switch (operation) {
    case LinkOperation::all_reduce: return "all-reduce";
    case LinkOperation::all_gather: return "all-gather";
    case LinkOperation::reduce_scatter: return "reduce-scatter";
    case LinkOperation::all_to_all: return "all-to-all";
    case LinkOperation::transfer: return "transfer";
    case LinkOperation::exchange: return "exchange";
  }
  return "transfer";
}

}  // namespace foreshard
