#include "planner/explain/lever_settings.hpp"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "planner/spec/types/names.hpp"
#include "planner/units/write_quantity.hpp"

namespace foreshard {
namespace {

class LeverSettings {
 public:
  LeverSettings(const JobSpec& job, const ClusterSpec& moved)
      : base_(job.cluster),
        moved_(moved),
        type_(product_type(job.training.precision, job.training.fp8_scaling)) {}

  std::vector<Setting> list() {
    add("cluster.devices_per_node", &ClusterSpec::devices_per_node);
    add("cluster.idle_per_node", &ClusterSpec::idle_per_node);
    add("cluster.nodes", &ClusterSpec::nodes);
    add("cluster.link.bandwidth", base_.link.bandwidth, moved_.link.bandwidth);
    add("cluster.link.latency", base_.link.latency, moved_.link.latency);
    add("cluster.network.bandwidth_per_device", base_.network.link.bandwidth, moved_.network.link.bandwidth);
    add("cluster.network.latency", base_.network.link.latency, moved_.network.link.latency);
    if (base_.nccl) {
      add("cluster.nccl.nvls_bandwidth", base_.nccl->nvls_bandwidth, moved_.nccl->nvls_bandwidth);
      add("cluster.nccl.fixed", base_.nccl->fixed, moved_.nccl->fixed);
    }
    add_accelerator();
    return std::move(settings_);
  }

 private:
  void add(std::string key, std::int64_t ClusterSpec::*count) {
    // A file's devices_per_node holds those that are idle.
    const bool is_node = count == &ClusterSpec::devices_per_node;
    const auto said = [&](const ClusterSpec& cluster) {
      return cluster.*count + (is_node ? cluster.idle_per_node : 0);
    };
    if (said(base_) != said(moved_)) settings_.push_back({std::move(key), fmt::format("{}", said(moved_))});
  }
  template <class Value>
  void add(std::string key, Value base, Value moved) {
    if (base != moved) settings_.push_back({std::move(key), write_quantity(moved)});
  }
  void add_accelerator() {
    const AcceleratorSpec& base = base_.accelerator;
    const AcceleratorSpec& moved = moved_.accelerator;
    add("cluster.accelerator.memory.bandwidth", base.memory_bandwidth, moved.memory_bandwidth);
    add("cluster.accelerator.memory.capacity", base.memory_capacity, moved.memory_capacity);
    for (std::size_t type = 0; type < kDTypeCount; ++type) {
      // Types with fewer bits than the job's take part in none of its products.
      const bool is_used = bytes_of(static_cast<DType>(type), 8) >= bytes_of(type_, 8);
      if (base.gemm[type] && is_used)
        add(fmt::format("cluster.accelerator.gemm.{}.peak", word_of(static_cast<DType>(type))),
            base.gemm[type]->peak, moved.gemm[type]->peak);
    }
    const auto fixed = [&](const char* name, Seconds KernelConstants::*time) {
      add(fmt::format("cluster.accelerator.kernels.{}", name), base.kernels.*time, moved.kernels.*time);
    };
    fixed("launch", &KernelConstants::launch);
    fixed("graph_launch", &KernelConstants::graph_launch);
    fixed("submit", &KernelConstants::submit);
    fixed("gemm_fixed", &KernelConstants::gemm_fixed);
    fixed("grouped_fixed", &KernelConstants::grouped_fixed);
  }

  const ClusterSpec& base_;
  const ClusterSpec& moved_;
  DType type_;
  std::vector<Setting> settings_;
};

}  // namespace

std::vector<Setting> lever_settings(const JobSpec& job, Lever lever, double more) {
  const ClusterSpec moved = with_more(job.cluster, lever, more);
  return LeverSettings(job, moved).list();
}

}  // namespace foreshard
