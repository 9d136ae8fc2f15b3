#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/spec/types/confidence.hpp"
#include "planner/spec/types/kernel_constants.hpp"
#include "planner/spec/types/nccl_spec.hpp"
#include "planner/units/dtype.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// How fast matrix products of one data type run. Source: the accelerator's YAML.
struct GemmRate {
  FlopsPerSecond peak;      ///< dense, from the datasheet
  double efficiency = 0.0;  ///< sustained fraction of peak on large products, fitted to measured kernels
};

/// How the accelerators of one node are connected.
enum class NodeFabric : std::uint8_t { nvswitch, mesh, pcie, shared_memory, none };

/// One class of links, as one device sees it, in one direction.
struct LinkSpec {
  BytesPerSecond bandwidth;  ///< from the datasheet
  double efficiency = 1.0;   ///< fraction of the bandwidth that large collectives reach, measured
  Seconds latency;           ///< per step of a ring (NCCL's: in the Simple protocol) or message
};

/// The host of a node: its CPUs and their memory.
struct HostSpec {
  Bytes memory;                     ///< of the node
  BytesPerSecond memory_bandwidth;  ///< of the node, from the datasheets of its CPUs
  /// Fraction of the bandwidth that an optimizer on the CPU reaches, at 30 bytes for each parameter of AdamW: about half
  /// on two Xeon Platinum 8168.
  /// Source: Ren et al. 2021, ZeRO-Offload, arXiv:2101.06840, section 6 (CPU-Adam).
  double memory_efficiency = 0.5;
  LinkSpec link;  ///< between one device and the host
};

/// The node in which this accelerator is usually built; a cluster may override it.
struct UsualNode {
  std::int64_t devices = 1;
  NodeFabric fabric = NodeFabric::none;
  LinkSpec link;                   ///< between devices of the node
  LinkSpec network;                ///< one device's share of the NICs
  std::optional<NcclSpec> nccl;    ///< none: collectives are plain rings
  std::optional<HostSpec> host{};  ///< none: not known
};

/// One type of device. The source of every figure is in the YAML file from which it was read.
struct AcceleratorSpec {
  std::string name;       ///< key, as in configs/accelerators
  std::string full_name;  ///< for people: "NVIDIA H100 80GB SXM"
  bool is_cpu = false;
  Bytes memory_capacity;  ///< the most that a process can allocate, context included
  BytesPerSecond memory_bandwidth;
  std::int64_t multiprocessors = 1;
  std::array<std::optional<GemmRate>, kDTypeCount>
      gemm;  ///< by dtype; none where the device has no such unit
  KernelConstants kernels;
  std::optional<FlashVersion> usual_flash;  ///< the version of jobs that name none
  std::vector<KernelFit> fits;              ///< how well the constants reproduce measured kernels
  Confidences confidence{};                 ///< how each group of constants came about
  UsualNode node;
  std::optional<DollarsPerSecond> price;  ///< per device
  std::optional<Watts> power;             ///< per device, under load
  std::string source;                     ///< of the file as a whole
};

/// True where the accelerator's file gives rates for this version of flash attention.
inline bool has_flash(const AcceleratorSpec& accelerator, FlashVersion version) {
  return accelerator.kernels.attention[static_cast<std::size_t>(version)].has_value();
}

}  // namespace foreshard
