#include "planner/search/change.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "planner/spec/job/validate_job.hpp"
#include "planner/units/count.hpp"

namespace foreshard {
namespace {

/// Parts in which an advised loss is computed: logits of an eighth of the tokens are small beside a layer.
constexpr std::int64_t kLossChunks = 8;
/// A degree is doubled at most this often.
constexpr int kMostDoublings = 3;

/// Lists of modules to recompute, each more than the one before, of those that the model has. Only
/// Megatron-LM (and foreshard's own runtime) recompute by module.
std::vector<RecomputeChoice> module_choices(const JobSpec& job) {
  using Modules = std::vector<RecomputeModule>;
  std::vector<RecomputeChoice> choices{Recompute::selective};
  if (job.framework != Framework::megatron && job.framework != Framework::foreshard) return choices;
  const bool has_experts = job.model.experts.has_value();
  if (job.model.mla) choices.emplace_back(Modules{RecomputeModule::mla_up_proj});
  if (has_experts) choices.emplace_back(Modules{RecomputeModule::layernorm, RecomputeModule::moe_act});
  if (job.model.mla && has_experts)
    choices.emplace_back(
        Modules{RecomputeModule::mla_up_proj, RecomputeModule::layernorm, RecomputeModule::moe_act});
  choices.emplace_back(Modules{has_experts ? RecomputeModule::moe : RecomputeModule::mlp});
  return choices;
}

/// Half of the layers: the first ones of every chunk, as Megatron-LM has them, or every second.
RecomputeLayers half_of_layers(const JobSpec& job) {
  const std::int64_t chunks = checked_product(job.parallelism.pp, job.parallelism.vp);
  if (chunks > 1) return FirstLayers{std::max<std::int64_t>(1, job.model.layers / chunks / 2)};
  return ShareOfLayers{0.5};
}

/// What would recompute more than the job does.
std::vector<RecomputeChoice> thriftier(const JobSpec& job) {
  const TrainingSpec& training = job.training;
  const bool in_all = std::holds_alternative<AllLayers>(training.recompute_layers);
  std::vector<RecomputeChoice> choices;
  switch (training.recompute) {
    case Recompute::none: choices = module_choices(job); break;
    case Recompute::selective:
      choices = module_choices(job);
      choices.erase(choices.begin());
      break;
    case Recompute::modules: break;
    case Recompute::selective_ops: return {Recompute::full};
    case Recompute::full:
      if (in_all) return {};
      return {Recompute::full};
  }
  if (training.recompute != Recompute::modules) choices.emplace_back(Recompute::selective_ops);
  choices.emplace_back(Recompute::full, half_of_layers(job));
  choices.emplace_back(Recompute::full);
  return choices;
}

bool holds(std::span<const Axis> axes, Axis axis) {
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

/// References to all values that a change may set, so that code can loop over them.
auto values(const Change& c) {
  return std::tie(c.expandable_segments, c.zero, c.gradient_dtype, c.loss_chunks, c.recompute,
                  c.sequence_parallel, c.cp, c.micro_batch, c.moments, c.optimizer, c.master,
                  c.optimizer_in_backward, c.paged_states, c.offload_optimizer, c.offload_activations, c.tp,
                  c.pp, c.ep, c.nodes);
}
auto values(Change& c) {
  return std::tie(c.expandable_segments, c.zero, c.gradient_dtype, c.loss_chunks, c.recompute,
                  c.sequence_parallel, c.cp, c.micro_batch, c.moments, c.optimizer, c.master,
                  c.optimizer_in_backward, c.paged_states, c.offload_optimizer, c.offload_activations, c.tp,
                  c.pp, c.ep, c.nodes);
}
constexpr std::size_t kValueCount = std::tuple_size_v<decltype(values(std::declval<Change&>()))>;

/// Calls `use(value of a, value of b)` for each value of a change.
template <class A, class B, class Use>
void for_each_value(A& a, B& b, Use use) {
  const auto first = values(a);
  const auto second = values(b);
  [&]<std::size_t... I>(std::index_sequence<I...>) { (use(std::get<I>(first), std::get<I>(second)), ...); }
  (std::make_index_sequence<kValueCount>{});
}

class Changes {
 public:
  Changes(const JobSpec& job, std::span<const Axis> fixed) : job_(job), fixed_(fixed) {}

  std::vector<Change> list() {
    const ParallelismSpec& p = job_.parallelism;
    if (!job_.training.expandable_segments) add().expandable_segments = true;
    const bool has_fp32_gradients = job_.training.gradient_dtype == DType::fp32;
    if (has_fp32_gradients && job_.training.precision != Precision::fp32) add().gradient_dtype = DType::bf16;
    if (may_vary(Axis::zero)) {
      for (std::int64_t zero = p.zero + 1; zero <= 3; ++zero) add().zero = zero;
    }
    if (job_.training.loss.chunks == 1) add().loss_chunks = kLossChunks;
    if (may_vary(Axis::recompute)) {
      for (RecomputeChoice& choice : thriftier(job_)) add().recompute = std::move(choice);
    }
    if (p.tp > 1 && !p.sequence_parallel) add().sequence_parallel = true;
    double_up(Axis::cp, &Change::cp, p.cp, job_.cluster.devices());
    if (may_vary(Axis::micro_batch)) {
      const std::int64_t size = job_.training.micro_batch;
      if (size % 2 == 0) add().micro_batch = size / 2;
      if (size > 2) add().micro_batch = 1;
    }
    const bool has_moments = job_.training.optimizer != OptimizerKind::sgd;
    const bool has_fp32_moments = has_moments && job_.training.states.moments == MomentType::fp32;
    if (has_fp32_moments && job_.training.precision != Precision::fp32) add().moments = MomentType::bf16;
    thrifty_updates();
    const OffloadSpec& offload = job_.training.offload;
    if (job_.cluster.host && offload.optimizer < 1.0) add().offload_optimizer = 1.0;
    if (job_.cluster.host && offload.activations < 1.0) add().offload_activations = 1.0;
    double_up(Axis::tp, &Change::tp, p.tp, job_.cluster.devices_per_node);
    double_up(Axis::pp, &Change::pp, p.pp, std::min(job_.cluster.devices(), job_.model.layers));
    if (job_.model.experts) double_up(Axis::ep, &Change::ep, p.ep, job_.model.experts->count);
    return std::move(changes_);
  }

 private:
  [[nodiscard]] bool may_vary(Axis axis) const { return !holds(fixed_, axis); }
  Change& add() { return changes_.emplace_back(); }
  /// What bitsandbytes, torchao and torchtune add to PyTorch's training loops.
  void thrifty_updates() {
    const TrainingSpec& training = job_.training;
    const bool is_fsdp = job_.framework == Framework::torch_fsdp;
    const bool is_adam =
        training.optimizer == OptimizerKind::adamw || training.optimizer == OptimizerKind::adam;
    if (is_adam && (is_fsdp || job_.framework == Framework::deepspeed))
      add().optimizer = OptimizerKind::adamw_8bit;
    if (is_fsdp && has_fp32_weights(training.states.master)) add().master = MasterWeights::bf16_stochastic;
    if (is_fsdp && !training.optimizer_in_backward) add().optimizer_in_backward = true;
    const bool may_page = is_fsdp && job_.cluster.host && training.offload.optimizer == 0.0;
    if (may_page && !training.states.paged) add().paged_states = true;
  }
  void double_up(Axis axis, std::optional<std::int64_t> Change::*degree, std::int64_t now,
                 std::int64_t most) {
    if (!may_vary(axis)) return;
    for (int doublings = 1; doublings <= kMostDoublings && 2 * now <= most; ++doublings) {
      now *= 2;
      add().*degree = now;
    }
  }

  const JobSpec& job_;
  std::span<const Axis> fixed_;
  std::vector<Change> changes_;
};

void set_values(JobSpec& job, const Change& change) {
  ParallelismSpec& p = job.parallelism;
  TrainingSpec& t = job.training;
  p.zero = static_cast<int>(change.zero.value_or(p.zero));
  p.cp = change.cp.value_or(p.cp);
  p.tp = change.tp.value_or(p.tp);
  p.pp = change.pp.value_or(p.pp);
  p.ep = change.ep.value_or(p.ep);
  t.expandable_segments = change.expandable_segments.value_or(t.expandable_segments);
  t.gradient_dtype = change.gradient_dtype.value_or(t.gradient_dtype);
  if (change.recompute) {
    t.recompute = change.recompute->mode;
    t.recompute_modules = change.recompute->modules;
    t.recompute_layers = change.recompute->layers;
  }
  t.micro_batch = change.micro_batch.value_or(t.micro_batch);
  t.loss.chunks = change.loss_chunks.value_or(t.loss.chunks);
  t.states.moments = change.moments.value_or(t.states.moments);
  if (change.optimizer) {
    t.optimizer = *change.optimizer;
    t.states.moments = MomentType::int8;
  }
  t.states.paged = change.paged_states.value_or(t.states.paged);
  t.states.master = change.master.value_or(t.states.master);
  t.optimizer_in_backward = change.optimizer_in_backward.value_or(t.optimizer_in_backward);
  t.offload.optimizer = change.offload_optimizer.value_or(t.offload.optimizer);
  t.offload.activations = change.offload_activations.value_or(t.offload.activations);
  job.cluster.nodes = change.nodes.value_or(job.cluster.nodes);
}

/// True if an axis in `fixed` has changed because it follows another one.
bool moves_fixed(const JobSpec& job, const JobSpec& base, std::span<const Axis> fixed) {
  const auto moved = [&](Axis axis, auto now, auto before) { return now != before && holds(fixed, axis); };
  return moved(Axis::vp, job.parallelism.vp, base.parallelism.vp) ||
         moved(Axis::ep, job.parallelism.ep, base.parallelism.ep) ||
         moved(Axis::dp, job.parallelism.dp, base.parallelism.dp) ||
         moved(Axis::schedule, job.training.schedule, base.training.schedule);
}

}  // namespace

std::vector<RecomputeChoice> recompute_choices(const JobSpec& job) {
  std::vector<RecomputeChoice> choices{Recompute::none};
  for (RecomputeChoice& choice : module_choices(job)) choices.push_back(std::move(choice));
  choices.emplace_back(Recompute::selective_ops);
  choices.emplace_back(Recompute::full);
  return choices;
}

std::vector<Change> single_changes(const JobSpec& job, std::span<const Axis> fixed) {
  return Changes(job, fixed).list();
}

int place_of(const Change& change) {
  int place = 0;
  int last = 0;
  // The order of values() is not that of an expert: list them here.
  const auto next = [&](bool is_set) {
    if (is_set) last = place;
    ++place;
  };
  next(change.expandable_segments.has_value());
  next(change.gradient_dtype.has_value());
  next(change.zero.has_value());
  next(change.loss_chunks.has_value());
  next(change.recompute.has_value());
  next(change.sequence_parallel.has_value());
  next(change.cp.has_value());
  next(change.micro_batch.has_value());
  next(change.moments.has_value() || change.optimizer.has_value() || change.master.has_value());
  next(change.optimizer_in_backward.has_value());
  next(change.uses_host());
  next(change.tp.has_value());
  next(change.pp.has_value());
  next(change.ep.has_value());
  next(change.nodes.has_value());
  return last;
}

std::optional<Change> both(const Change& a, const Change& b) {
  Change sum = a;
  bool clash = false;
  for_each_value(sum, b, [&](auto& mine, const auto& other) {
    clash = clash || (mine && other);
    if (other) mine = other;
  });
  return clash ? std::nullopt : std::optional(sum);
}

bool is_part_of(const Change& part, const Change& whole) {
  bool all = true;
  bool more = false;
  for_each_value(part, whole, [&](const auto& small, const auto& large) {
    all = all && (!small || small == large);
    more = more || (large && !small);
  });
  return all && more;
}

std::optional<JobSpec> changed_job(const JobSpec& base, const Change& change, std::span<const Axis> fixed) {
  JobSpec job = base;
  job.measured.reset();
  set_values(job, change);
  ParallelismSpec& p = job.parallelism;
  while (p.vp > 1 && checked_product(p.pp, p.vp) > job.model.layers) p.vp /= 2;
  follow_degrees(job, base, {});
  if (change.sequence_parallel) p.sequence_parallel = *change.sequence_parallel;
  // An etp that the job states leaves stage / etp ranks for ep; else experts are cut over tp.
  if (!change.ep)
    p.ep = std::gcd(
        p.ep, p.etp ? std::max<std::int64_t>(p.stage_devices() / *p.etp, 1) : checked_product(p.dp, p.cp));
  if (moves_fixed(job, base, fixed) || !find_illegalities(job).empty()) return std::nullopt;
  return job;
}

}  // namespace foreshard
