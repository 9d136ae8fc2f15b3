#pragma once

#include <string>

#include "planner/results/local_devices.hpp"

namespace foreshard {

/// What `devices` answers, for people: the processor, MPI, each GPU, and the libraries for them.
std::string devices_table(const LocalDevices& devices);

}  // namespace foreshard
