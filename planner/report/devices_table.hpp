#pragma once

#include <string>

#include "planner/results/local_devices.hpp"

namespace foreshard {

/// The result of `devices` for people: the processor, MPI, each GPU, and the libraries for GPUs.
std::string devices_table(const LocalDevices& devices);

}  // namespace foreshard
