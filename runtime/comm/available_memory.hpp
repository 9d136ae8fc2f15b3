#pragma once

#include "planner/units/count.hpp"

namespace foreshard {

/// Memory that processes on this host can still take: what the kernel calls available, or what the control
/// group leaves, whichever is less. The largest count where the system says neither.
Bytes available_memory();

}  // namespace foreshard
