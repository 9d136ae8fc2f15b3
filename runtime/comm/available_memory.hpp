#pragma once

#include "planner/units/count.hpp"

namespace foreshard {

/// Memory that processes on this host can still allocate: the smaller of Linux's MemAvailable and what the
/// control group (container) has left. The largest count if the system reports neither.
Bytes available_memory();

}  // namespace foreshard
