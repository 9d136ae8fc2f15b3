#include "planner/search/variants.hpp"

#include <algorithm>
#include <utility>

#include "planner/program/schedule/schedule.hpp"
#include "planner/spec/job/validate_job.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/units/count.hpp"

namespace foreshard {
namespace {

/// Replaces every variant by one variant per value of an axis. Applied axis by axis, this gives the cross
/// product.
template <class Value, class Apply>
void cross(std::vector<Variant>& variants, Axis axis, const std::vector<Value>& values, Apply apply) {
  if (values.empty()) return;
  std::vector<Variant> product;
  product.reserve(variants.size() * values.size());
  for (const Variant& variant : variants) {
    for (const Value& value : values) {
      Variant& next = product.emplace_back(variant);
      AxisChoice& choice = next.choices.emplace_back();
      choice.axis = axis;
      if constexpr (std::is_same_v<Value, ClusterSpec>) {
        choice.value = value.name;
      } else if constexpr (std::is_same_v<Value, Precision> || std::is_same_v<Value, ScheduleKind>) {
        choice.value = std::string(word_of(value));
      } else {
        choice.value = value;
      }
      apply(next.job, value);
    }
  }
  variants = std::move(product);
}

/// A function that sets one integer of the job.
template <class Member>
auto setter(Member TrainingSpec::*member) {
  return [member](JobSpec& job, std::int64_t value) { job.training.*member = static_cast<Member>(value); };
}
template <class Member>
auto setter(Member ParallelismSpec::*member) {
  return [member](JobSpec& job, std::int64_t value) { job.parallelism.*member = static_cast<Member>(value); };
}

/// An even spread may use at most this many times the smallest possible number of nodes; more would leave too
/// many devices idle.
constexpr std::int64_t kMostSpread = 2;

/// Replaces the job's cluster by another one and keeps the number of used devices. Uses the fewest nodes over
/// which they spread evenly; if there is no such number, the fewest nodes that hold them, with all devices in
/// use.
void replace_cluster(JobSpec& job, const ClusterSpec& cluster) {
  const std::int64_t devices = job.cluster.devices();
  const std::int64_t per_node = cluster.devices_per_node + cluster.idle_per_node;
  const std::int64_t fewest = ceil_divide(devices, cluster.devices_per_node);
  job.cluster = cluster;
  job.cluster.nodes = fewest;
  for (std::int64_t nodes = fewest; nodes <= kMostSpread * fewest; ++nodes) {
    if (devices % nodes != 0) continue;
    job.cluster.nodes = nodes;
    job.cluster.devices_per_node = devices / nodes;
    job.cluster.idle_per_node = per_node - job.cluster.devices_per_node;
    return;
  }
}

/// Replaces the job's cluster by another one if nodes are varied too. If a node has more devices than the
/// job, only that many of them are used.
void take_cluster(JobSpec& job, const ClusterSpec& cluster) {
  const std::int64_t devices = job.cluster.devices();
  job.cluster = cluster;
  job.cluster.devices_per_node = std::min(cluster.devices_per_node, devices);
  job.cluster.idle_per_node += cluster.devices_per_node - job.cluster.devices_per_node;
}

void take_nodes(JobSpec& job, std::int64_t nodes) { job.cluster.nodes = nodes; }

void follow_pipeline(JobSpec& job, const JobSpec& base, const VariantAxes& axes) {
  ParallelismSpec& parallelism = job.parallelism;
  const bool in_v = runs_in_v(job.training.schedule);
  if (axes.vp.empty() && (parallelism.pp == 1 || in_v != runs_in_v(base.training.schedule)))
    parallelism.vp = in_v && parallelism.pp > 1 ? 2 : 1;
  if (parallelism.pp != base.parallelism.pp || parallelism.vp != base.parallelism.vp) {
    if (parallelism.stage_policy == StagePolicy::listed) parallelism.stage_policy = StagePolicy::even;
    parallelism.stage_layers.clear();
    if (std::holds_alternative<ListedLayers>(job.training.recompute_layers))
      job.training.recompute_layers = AllLayers{};
  }
  if (!axes.schedule.empty() || (in_v && parallelism.pp > 1 && parallelism.vp == 2)) return;
  if (parallelism.vp > 1) {
    job.training.schedule = ScheduleKind::interleaved;
  } else if (in_v || job.training.schedule == ScheduleKind::interleaved) {
    job.training.schedule = ScheduleKind::one_f_one_b;
  }
}

void follow_tensor_parallel(JobSpec& job, const JobSpec& base) {
  const bool wanted = base.parallelism.tp == 1 || base.parallelism.sequence_parallel;
  job.parallelism.sequence_parallel = job.parallelism.tp > 1 && wanted;
}

void follow_devices(JobSpec& job) {
  const ParallelismSpec& parallelism = job.parallelism;
  const std::int64_t others = checked_product(parallelism.tp, parallelism.pp, parallelism.cp);
  // Degrees below 1 are illegal, whatever dp is.
  if (others < 1) return;
  job.parallelism.dp = std::max<std::int64_t>(job.cluster.devices() / others, 1);
}

}  // namespace

std::int64_t count_variants(const VariantAxes& axes) {
  const auto size = [](const auto& values) { return std::max<std::size_t>(values.size(), 1); };
  return checked_product(size(axes.tp), size(axes.pp), size(axes.cp), size(axes.ep), size(axes.dp),
                         size(axes.vp), size(axes.schedule), size(axes.micro_batch), size(axes.global_batch),
                         size(axes.recompute), size(axes.precision), size(axes.zero),
                         size(axes.sequence_length), size(axes.clusters), size(axes.nodes));
}

void follow_degrees(JobSpec& job, const JobSpec& base, const VariantAxes& chosen) {
  follow_pipeline(job, base, chosen);
  follow_tensor_parallel(job, base);
  if (chosen.dp.empty()) follow_devices(job);
}

std::vector<Variant> make_variants(const JobSpec& base, const VariantAxes& axes) {
  std::vector<Variant> variants{{.choices = {}, .job = base, .illegal = std::nullopt}};
  cross(variants, Axis::tp, axes.tp, setter(&ParallelismSpec::tp));
  cross(variants, Axis::pp, axes.pp, setter(&ParallelismSpec::pp));
  cross(variants, Axis::cp, axes.cp, setter(&ParallelismSpec::cp));
  cross(variants, Axis::ep, axes.ep, setter(&ParallelismSpec::ep));
  cross(variants, Axis::dp, axes.dp, setter(&ParallelismSpec::dp));
  cross(variants, Axis::vp, axes.vp, setter(&ParallelismSpec::vp));
  cross(variants, Axis::schedule, axes.schedule,
        [](JobSpec& job, ScheduleKind schedule) { job.training.schedule = schedule; });
  cross(variants, Axis::micro_batch, axes.micro_batch, setter(&TrainingSpec::micro_batch));
  cross(variants, Axis::global_batch, axes.global_batch, setter(&TrainingSpec::global_batch));
  cross(variants, Axis::recompute, axes.recompute, [](JobSpec& job, Recompute recompute) {
    job.training.recompute = recompute;
    job.training.recompute_modules.clear();
    if (recompute == Recompute::none) job.training.recompute_layers = AllLayers{};
  });
  cross(variants, Axis::precision, axes.precision,
        [](JobSpec& job, Precision precision) { job.training.precision = precision; });
  cross(variants, Axis::zero, axes.zero, setter(&ParallelismSpec::zero));
  cross(variants, Axis::sequence_length, axes.sequence_length, setter(&TrainingSpec::sequence_length));
  cross(variants, Axis::cluster, axes.clusters, axes.nodes.empty() ? replace_cluster : take_cluster);
  cross(variants, Axis::nodes, axes.nodes, take_nodes);
  for (Variant& variant : variants) {
    // Measurements in the job file hold only for the unchanged job.
    variant.job.measured.reset();
    follow_degrees(variant.job, base, axes);
    const std::vector<Illegality> findings = find_illegalities(variant.job);
    if (!findings.empty()) variant.illegal = findings.front().message;
  }
  return variants;
}

}  // namespace foreshard
