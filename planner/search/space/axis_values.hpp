#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "planner/search/change.hpp"
#include "planner/search/space/search_axis.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// A choice of one value on every axis, as places in AxisValues.
struct PlanPoint {
  std::array<std::uint8_t, kSearchAxisCount> at{};

  [[nodiscard]] std::uint8_t operator[](SearchAxis axis) const { return at[static_cast<std::size_t>(axis)]; }
  friend bool operator==(const PlanPoint&, const PlanPoint&) = default;
  friend std::strong_ordering operator<=>(const PlanPoint&, const PlanPoint&) = default;
};

/// The values that a search tries on each axis. An axis that is not free has the job's value alone.
///   precision    bf16, fp8, mxfp8, nvfp4, if the job's is one of these: weights are stored in bf16 with all of them
///   offload      nothing, optimizer, activations, both, and with ZeRO-3's weights (offload_choices()); and the job's own
///   tp           divisors of the devices that stay within a node
///   cp, pp       divisors of the devices; pp no more than the layers
///   ep           divisors of the number of experts
///   etp          unsaid, and powers of two within a node
///   micro_batch  divisors of the global batch
///   overlap_tp   none, wgrad, full
///   recompute    none, the modules that an expert tries (change.hpp), everything; and the job's own choice
///   vp           divisors of the layers, and powers of two, up to half of the layers
///   schedule     1f1b, interleaved, zero-bubble, zero-bubble-2p, zb-v, dualpipe-v, gpipe
///   stages       even, by-cost; and the job's own list
///   overlap_pp   off, on
///   overlap_dp   off; gradients; gradients and ZeRO's weights
///   zero         0 to 3
///   dp_shard     all of dp, or as many ranks as a node has devices
///   dispatcher   all-to-all, all-gather, deepep, hybridep
/// At most 255 values an axis; of more, the smallest.
class AxisValues {
 public:
  AxisValues(const JobSpec& base, std::span<const SearchAxis> free);

  [[nodiscard]] std::size_t count(SearchAxis axis) const { return sizes_[static_cast<std::size_t>(axis)]; }
  /// Sets one axis of a job to a value. dp is not adapted.
  void set(JobSpec& job, SearchAxis axis, std::uint8_t place) const;
  /// The value in the words of a job file: "8", "full", "all" for dp_shard.
  [[nodiscard]] std::string word(SearchAxis axis, std::uint8_t place) const;
  /// The job with all values of the point, and the dp that its devices leave (at least 1).
  [[nodiscard]] JobSpec job(const PlanPoint& point) const;
  [[nodiscard]] const JobSpec& base() const { return base_; }

 private:
  [[nodiscard]] std::vector<std::int64_t>& numbers(SearchAxis axis) {
    return numbers_[static_cast<std::size_t>(axis)];
  }
  [[nodiscard]] std::int64_t number(SearchAxis axis, std::uint8_t place) const {
    return numbers_[static_cast<std::size_t>(axis)][place];
  }
  void list_own();
  void list_free(SearchAxis axis);
  void list_precisions();
  void list_stages();

  JobSpec base_;
  std::array<std::vector<std::int64_t>, kSearchAxisCount>
      numbers_;                             // enumerations as their numbers; 0: unsaid
  std::vector<RecomputeChoice> recompute_;  // numbers of `recompute` index these
  std::vector<OffloadSpec> offload_;        // the same for `offload`
  std::array<std::size_t, kSearchAxisCount> sizes_{};
};

/// What of the training's state may lie whole in the host's memory: nothing, optimizer, activations, optimizer and
/// activations, optimizer and weights, all.
std::vector<OffloadSpec> offload_choices();
/// "optimizer + activations", "optimizer 0.5", "none".
std::string offload_text(const OffloadSpec& offload);

/// dp of the devices that tp, cp and pp leave, at least 1.
void follow_dp(JobSpec& job);

}  // namespace foreshard
