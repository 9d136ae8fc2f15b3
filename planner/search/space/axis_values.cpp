#include "planner/search/space/axis_values.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "planner/spec/job/read_recompute.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/units/count.hpp"

namespace foreshard {
namespace {

constexpr std::size_t kMostValues = 255;

std::vector<std::int64_t> divisors(std::int64_t number, std::int64_t most) {
  std::vector<std::int64_t> all;
  for (std::int64_t d = 1; d <= std::min(number, most) && all.size() < kMostValues; ++d)
    if (number % d == 0) all.push_back(d);
  return all;
}

/// What of the communication of data parallelism runs beside compute.
enum class DpOverlap : std::int64_t { none, gradients, weights };
constexpr std::array<std::string_view, 3> kDpOverlaps{"none", "gradients", "weights"};

DpOverlap dp_overlap(const OverlapSpec& overlap) {
  if (!overlap.dp) return DpOverlap::none;
  return overlap.gather ? DpOverlap::weights : DpOverlap::gradients;
}

std::vector<std::int64_t> powers_of_two(std::int64_t most) {
  std::vector<std::int64_t> all;
  for (std::int64_t power = 1; power <= most; power *= 2) all.push_back(power);
  return all;
}

template <class E>
std::int64_t number_of(E value) {
  return static_cast<std::int64_t>(value);
}

/// Where weights are stored in bf16, the precision of the products is all that differs.
constexpr std::array kPrecisions{Precision::bf16, Precision::fp8, Precision::mxfp8, Precision::nvfp4};

RecomputeChoice own_recompute(const TrainingSpec& training) {
  RecomputeChoice own(training.recompute, training.recompute_layers);
  own.modules = training.recompute_modules;
  return own;
}

void merge(std::vector<std::int64_t>& values, const std::vector<std::int64_t>& more) {
  values.insert(values.end(), more.begin(), more.end());
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

std::vector<OffloadSpec> offload_choices() {
  return {{},
          {.optimizer = 1.0},
          {.activations = 1.0},
          {.optimizer = 1.0, .activations = 1.0},
          {.optimizer = 1.0, .weights = 1.0},
          {.optimizer = 1.0, .weights = 1.0, .activations = 1.0}};
}

std::string offload_text(const OffloadSpec& offload) {
  std::string text;
  const auto add = [&](std::string_view what, double share) {
    if (share <= 0.0) return;
    text += fmt::format("{}{}", text.empty() ? "" : " + ", what);
    if (share < 1.0) text += fmt::format(" {}", share);
  };
  add("optimizer", offload.optimizer);
  add("weights", offload.weights);
  add("activations", offload.activations);
  return text.empty() ? "none" : text;
}

void follow_dp(JobSpec& job) {
  ParallelismSpec& p = job.parallelism;
  p.dp = std::max<std::int64_t>(job.cluster.devices() / checked_product(p.tp, p.cp, p.pp), 1);
}

AxisValues::AxisValues(const JobSpec& base, std::span<const SearchAxis> free) : base_(base) {
  base_.measured.reset();
  recompute_.push_back(own_recompute(base.training));
  offload_.push_back(base.training.offload);
  list_own();
  for (const SearchAxis axis : free) list_free(axis);
  for (const SearchAxis axis : kSearchAxes)
    sizes_[static_cast<std::size_t>(axis)] = std::min(numbers(axis).size(), kMostValues);
}

void AxisValues::list_own() {
  const ParallelismSpec& p = base_.parallelism;
  const TrainingSpec& t = base_.training;
  numbers(SearchAxis::precision) = {number_of(t.precision)};
  numbers(SearchAxis::offload) = {0};
  numbers(SearchAxis::tp) = {p.tp};
  numbers(SearchAxis::cp) = {p.cp};
  numbers(SearchAxis::pp) = {p.pp};
  numbers(SearchAxis::ep) = {p.ep};
  numbers(SearchAxis::etp) = {p.etp.value_or(0)};
  numbers(SearchAxis::micro_batch) = {t.micro_batch};
  numbers(SearchAxis::sequence_parallel) = {p.sequence_parallel ? 1 : 0};
  numbers(SearchAxis::overlap_tp) = {number_of(t.overlap.tp)};
  numbers(SearchAxis::recompute) = {0};
  numbers(SearchAxis::dispatcher) = {number_of(t.dispatcher)};
  numbers(SearchAxis::vp) = {p.vp};
  numbers(SearchAxis::schedule) = {number_of(t.schedule)};
  numbers(SearchAxis::stages) = {number_of(p.stage_policy)};
  numbers(SearchAxis::overlap_pp) = {t.overlap.pp ? 1 : 0};
  numbers(SearchAxis::overlap_dp) = {number_of(dp_overlap(t.overlap))};
  numbers(SearchAxis::zero) = {p.zero};
  numbers(SearchAxis::dp_shard) = {p.dp_shard.value_or(0)};
}

void AxisValues::list_free(SearchAxis axis) {
  const std::int64_t devices = base_.cluster.devices();
  const std::int64_t node = base_.cluster.devices_per_node;
  std::vector<std::int64_t>& values = numbers(axis);
  switch (axis) {
    case SearchAxis::precision: list_precisions(); break;
    case SearchAxis::offload:
      for (const OffloadSpec& choice : offload_choices())
        if (!(choice == offload_.front())) offload_.push_back(choice);
      values.clear();
      for (std::size_t i = 0; i < offload_.size(); ++i) values.push_back(static_cast<std::int64_t>(i));
      break;
    case SearchAxis::tp: values = divisors(devices, node); break;
    case SearchAxis::cp: values = divisors(devices, devices); break;
    case SearchAxis::pp: values = divisors(devices, base_.model.layers); break;
    case SearchAxis::ep:
      if (base_.model.experts) values = divisors(base_.model.experts->count, devices);
      break;
    case SearchAxis::etp:
      if (base_.model.experts) {
        values = powers_of_two(node);
        merge(values, {0});
      }
      break;
    case SearchAxis::micro_batch:
      values = divisors(base_.training.global_batch, base_.training.global_batch);
      break;
    case SearchAxis::sequence_parallel:
    case SearchAxis::overlap_pp: values = {0, 1}; break;
    case SearchAxis::overlap_tp:
      values = {number_of(TpOverlap::none), number_of(TpOverlap::wgrad), number_of(TpOverlap::full)};
      break;
    case SearchAxis::overlap_dp:
      values = {number_of(DpOverlap::none), number_of(DpOverlap::gradients), number_of(DpOverlap::weights)};
      break;
    case SearchAxis::recompute: {
      for (RecomputeChoice& choice : recompute_choices(base_))
        if (!(choice == recompute_.front())) recompute_.push_back(std::move(choice));
      values.clear();
      for (std::size_t i = 0; i < recompute_.size(); ++i) values.push_back(static_cast<std::int64_t>(i));
      break;
    }
    case SearchAxis::dispatcher:
      if (base_.model.experts)
        values = {number_of(Dispatcher::all_to_all), number_of(Dispatcher::all_gather),
                  number_of(Dispatcher::deepep), number_of(Dispatcher::hybridep)};
      break;
    case SearchAxis::vp:
      values = divisors(base_.model.layers, std::max<std::int64_t>(base_.model.layers / 2, 1));
      merge(values, powers_of_two(base_.model.layers / 2));
      break;
    case SearchAxis::schedule:
      values = {number_of(ScheduleKind::one_f_one_b), number_of(ScheduleKind::interleaved),
                number_of(ScheduleKind::zero_bubble), number_of(ScheduleKind::zero_bubble_2p),
                number_of(ScheduleKind::zb_v),        number_of(ScheduleKind::dualpipe_v),
                number_of(ScheduleKind::gpipe)};
      break;
    case SearchAxis::stages: list_stages(); break;
    case SearchAxis::zero: values = {0, 1, 2, 3}; break;
    case SearchAxis::dp_shard:
      if (node > 1 && node < devices) merge(values, {0, node});
      break;
  }
}

void AxisValues::list_precisions() {
  const TrainingSpec& training = base_.training;
  if (storage_type(training.precision) != DType::bf16) return;
  std::vector<std::int64_t>& values = numbers(SearchAxis::precision);
  values.clear();
  for (const Precision precision : kPrecisions) {
    // With scales of 32 elements, fp8 is mxfp8.
    const bool is_mxfp8 = precision == Precision::fp8 && training.fp8_scaling == Fp8Scaling::mx;
    if (!is_mxfp8) values.push_back(number_of(precision));
  }
}

void AxisValues::list_stages() {
  std::vector<std::int64_t>& values = numbers(SearchAxis::stages);
  const bool is_listed = base_.parallelism.stage_policy == StagePolicy::listed;
  values = {number_of(StagePolicy::even), number_of(StagePolicy::by_cost)};
  if (is_listed) values.push_back(number_of(StagePolicy::listed));
}

void AxisValues::set(JobSpec& job, SearchAxis axis, std::uint8_t place) const {
  ParallelismSpec& p = job.parallelism;
  TrainingSpec& t = job.training;
  const std::int64_t value = number(axis, place);
  switch (axis) {
    case SearchAxis::precision: t.precision = static_cast<Precision>(value); return;
    case SearchAxis::offload: t.offload = offload_[static_cast<std::size_t>(value)]; return;
    case SearchAxis::tp: p.tp = value; return;
    case SearchAxis::cp: p.cp = value; return;
    case SearchAxis::pp: p.pp = value; return;
    case SearchAxis::ep: p.ep = value; return;
    case SearchAxis::etp: p.etp = value > 0 ? std::optional(value) : std::nullopt; return;
    case SearchAxis::micro_batch: t.micro_batch = value; return;
    case SearchAxis::sequence_parallel: p.sequence_parallel = value != 0; return;
    case SearchAxis::recompute: {
      const RecomputeChoice& choice = recompute_[static_cast<std::size_t>(value)];
      t.recompute = choice.mode;
      t.recompute_modules = choice.modules;
      t.recompute_layers = choice.layers;
      return;
    }
    case SearchAxis::overlap_tp: t.overlap.tp = static_cast<TpOverlap>(value); return;
    case SearchAxis::overlap_pp: t.overlap.pp = value != 0; return;
    case SearchAxis::overlap_dp: {
      if (static_cast<DpOverlap>(value) == dp_overlap(t.overlap)) return;
      t.overlap.dp = static_cast<DpOverlap>(value) != DpOverlap::none;
      t.overlap.gather = static_cast<DpOverlap>(value) == DpOverlap::weights;
      return;
    }
    case SearchAxis::dispatcher: t.dispatcher = static_cast<Dispatcher>(value); return;
    case SearchAxis::vp: p.vp = value; return;
    case SearchAxis::schedule: t.schedule = static_cast<ScheduleKind>(value); return;
    case SearchAxis::stages: {
      p.stage_policy = static_cast<StagePolicy>(value);
      const bool is_listed = p.stage_policy == StagePolicy::listed;
      p.stage_layers = is_listed ? base_.parallelism.stage_layers : std::vector<std::int64_t>{};
      p.mtp_place = is_listed ? base_.parallelism.mtp_place : std::nullopt;
      return;
    }
    case SearchAxis::zero: p.zero = static_cast<int>(value); return;
    case SearchAxis::dp_shard: p.dp_shard = value > 0 ? std::optional(value) : std::nullopt; return;
  }
}

std::string AxisValues::word(SearchAxis axis, std::uint8_t place) const {
  const std::int64_t value = number(axis, place);
  switch (axis) {
    case SearchAxis::precision: return std::string(word_of(static_cast<Precision>(value)));
    case SearchAxis::offload: return offload_text(offload_[static_cast<std::size_t>(value)]);
    case SearchAxis::sequence_parallel:
    case SearchAxis::overlap_pp: return value != 0 ? "true" : "false";
    case SearchAxis::overlap_tp: return std::string(word_of(static_cast<TpOverlap>(value)));
    case SearchAxis::overlap_dp: return std::string(kDpOverlaps[static_cast<std::size_t>(value)]);
    case SearchAxis::recompute: {
      TrainingSpec training;
      const RecomputeChoice& choice = recompute_[static_cast<std::size_t>(value)];
      training.recompute = choice.mode;
      training.recompute_modules = choice.modules;
      const std::string what = recompute_text(training);
      if (std::holds_alternative<AllLayers>(choice.layers)) return what;
      return fmt::format("{} ({})", what, recompute_layers_text(choice.layers));
    }
    case SearchAxis::dispatcher: return std::string(word_of(static_cast<Dispatcher>(value)));
    case SearchAxis::schedule: return std::string(word_of(static_cast<ScheduleKind>(value)));
    case SearchAxis::stages: return std::string(word_of(static_cast<StagePolicy>(value)));
    case SearchAxis::etp: return value > 0 ? fmt::format("{}", value) : "unsaid";
    case SearchAxis::dp_shard: return value > 0 ? fmt::format("{}", value) : "all";
    case SearchAxis::tp:
    case SearchAxis::cp:
    case SearchAxis::pp:
    case SearchAxis::ep:
    case SearchAxis::micro_batch:
    case SearchAxis::vp:
    case SearchAxis::zero: break;
  }
  return fmt::format("{}", value);
}

JobSpec AxisValues::job(const PlanPoint& point) const {
  JobSpec job = base_;
  for (const SearchAxis axis : kSearchAxes) set(job, axis, point[axis]);
  follow_dp(job);
  return job;
}

}  // namespace foreshard
