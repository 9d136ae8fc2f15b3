#include "runtime/execute/executor.hpp"

#include <algorithm>
#include <random>

#include "runtime/execute/planned_routes.hpp"
#include "runtime/shard/initial_weights.hpp"

namespace foreshard {
namespace {

constexpr Picoseconds kPerNanosecond = 1000;

// Indices of the clock's marks: start and end of every operation, then of every wait for a flight.
std::size_t start_of(std::size_t position) { return 2 * position; }
std::size_t end_of(std::size_t position) { return 2 * position + 1; }

Seconds as_seconds(std::int64_t nanoseconds) { return Seconds(1e-9 * static_cast<double>(nanoseconds)); }

}  // namespace

Executor::Executor(RankPlan& plan, Device& device, Communicator& communicator, OperationNote* note)
    : plan_(plan),
      device_(device),
      communicator_(communicator),
      note_(note),
      tokens_(plan.program(), plan.coordinates()),
      scratch_(
          static_cast<std::size_t>(checked_product(plan.program().sequences, plan.program().sequence_length) /
                                   plan.program().group(GroupKind::cp).size)),
      clock_(device.make_clock(2 * (plan.ops().size() + plan.flights().size()))),
      stamps_(plan.ops().size()),
      tickets_(plan.flights().size()),
      flying_(plan.flights().size(), false) {}

void Executor::initialize() {
  for (const HeldWeight& held : plan_.weights()) {
    const Tensor& weight = plan_.program().tensor(held.tensor);
    const std::vector<double> values =
        initial_weight(weight, held.layer, shard_of(plan_.program(), plan_.coordinates()));
    device_.write(held.weight, values.data() + held.held.first);
  }
  start_optimizer();
}

void Executor::initialize_for_timing() {
  constexpr std::int64_t kChunk = std::int64_t{1} << 16;
  constexpr double kLargest = 0.03;
  std::mt19937 draw(1);
  std::vector<double> chunk(kChunk);
  for (double& number : chunk) number = kLargest * (static_cast<double>(draw()) / 2147483648.0 - 1.0);
  for (const HeldWeight& held : plan_.weights()) {
    const Buffer& weight = held.weight;
    device_.write(weight.part(0, std::min(kChunk, weight.elements)), chunk.data());
    // Each copy doubles the filled part.
    for (std::int64_t done = kChunk; done < weight.elements; done *= 2) {
      const std::int64_t more = std::min(done, weight.elements - done);
      device_.run(PointwiseCall{.kind = PointwiseKind::cast,
                                .elements = more,
                                .a = weight.part(0, more),
                                .y = weight.part(done, more)});
    }
  }
  start_optimizer();
}

void Executor::start_optimizer() {
  const StepProgram& program = plan_.program();
  // Moments start at zero, and so do the remainders of masters; masters are set below.
  for (const auto& [instance, allocation] : plan_.layout().all()) {
    const Tensor& tensor = program.tensor(instance.tensor);
    if (tensor.role != TensorRole::optimizer) continue;
    const Buffer buffer = plan_.buffer(instance.tensor, LayerId(instance.layer));
    device_.run(PointwiseCall{.kind = PointwiseKind::zero, .elements = buffer.elements, .y = buffer});
  }
  if (!plan_.magnitudes().empty()) device_.write(plan_.magnitudes(), plan_.first_magnitudes().data());
  // A master starts as a copy of its weight.
  for (const KernelCall& call : plan_.kernels()) {
    const auto* update = std::get_if<UpdateCall>(&call);
    if (update == nullptr || update->master.empty() || update->keeps_remainder) continue;
    device_.run(PointwiseCall{
        .kind = PointwiseKind::cast, .elements = update->elements, .a = update->weight, .y = update->master});
  }
  plan_.optimizer().step = 1;
}

double Executor::run_step(StepObserver* observer) {
  const double zero = 0.0;
  device_.write(plan_.loss(), &zero);
  tokens_.begin_step(plan_.optimizer().step);
  for (std::size_t position = 0; position < stamps_.size(); ++position) {
    run_op(position);
    if (observer != nullptr) observer->after(position);
  }
  for (std::uint32_t i = 0; in_flight_ > 0; ++i) {
    if (flying_[i]) wait_for(i);
  }
  communicator_.finish();
  device_.finish();
  if (note_ != nullptr) note_->idle();
  for (std::size_t position = 0; position < stamps_.size(); ++position) read_clock(position);
  read_waits();
  ++plan_.optimizer().step;
  double loss = 0.0;
  device_.read(plan_.loss(), &loss);
  return loss;
}

void Executor::run_op(std::size_t position) {
  const PlannedOp& op = plan_.ops()[position];
  if (note_ != nullptr) {
    const Run& run = plan_.runs()[op.at.run];
    note_->begin(plan_.op(op.at).name.c_str(), run.block_call.layer, run.micro_batch);
  }
  for (std::uint32_t i = op.waits.begin; i < op.waits.end; ++i) wait_for(plan_.waits()[i]);
  for (std::uint32_t i = op.inputs.begin; i < op.inputs.end; ++i) fill(plan_.inputs()[i]);

  if (op.kind == PlannedOp::Kind::beside) {
    begin_calls(position);  // also marks the clock
  } else {
    clock_->mark(start_of(position));
    op.kind == PlannedOp::Kind::transfer ? begin_calls(position) : run_calls(op);
    for (std::uint32_t i = op.routed.begin; i < op.routed.end; ++i) share_routes(plan_.routed()[i]);
    clock_->mark(end_of(position));
  }
  if (in_flight_ > 0) communicator_.progress();
}

void Executor::run_calls(const PlannedOp& op) {
  switch (op.kind) {
    case PlannedOp::Kind::kernels: run_kernels(op.calls); break;
    case PlannedOp::Kind::collective:
    case PlannedOp::Kind::beside:
      run_kernels(op.before);
      for (std::uint32_t i = op.calls.begin; i < op.calls.end; ++i) communicator_.run(plan_.collectives()[i]);
      run_kernels(op.after);
      break;
    case PlannedOp::Kind::transfer: break;  // started by begin_calls()
  }
}

void Executor::begin_calls(std::size_t position) {
  const PlannedOp& op = plan_.ops()[position];
  for (std::uint32_t i = op.calls.begin; i < op.calls.end; ++i) {
    const std::uint32_t flight = op.flights.begin + (i - op.calls.begin);
    if (op.kind == PlannedOp::Kind::transfer) {
      take_off(flight, communicator_.start(plan_.transfers()[i]));
    } else {
      take_off(flight, communicator_.run_asynchronously(plan_.collectives()[i],
                                                        {*clock_, start_of(position), end_of(position)}));
    }
  }
}

void Executor::take_off(std::uint32_t flight, Ticket ticket) {
  tickets_[flight] = ticket;
  flying_[flight] = true;
  ++in_flight_;
}

void Executor::route_as_planned() {
  for (const Block& block : plan_.program().blocks) {
    const std::optional<RoutedShape> shape = routed_shape(plan_.program(), block, plan_.coordinates());
    if (shape) planned_ = planned_routes(*shape);
  }
}

void Executor::share_routes(const RoutedTokens& routed) {
  routes_.resize(static_cast<std::size_t>(routed.routes.elements));
  if (planned_.empty()) {
    device_.read(routed.routes, routes_.data());
    if (replayed_ != nullptr) replay_routes(routed);
  } else {
    routes_ = planned_;
    device_.write(routed.routes, routes_.data());
  }
  routed.routing->take(routes_);
  routed.routing->exchange(communicator_);
}

void Executor::replay_routes(const RoutedTokens& routed) {
  const StepProgram& program = plan_.program();
  const Coordinates& at = plan_.coordinates();
  const TokenRows own{.batch = program.sequences,
                      .sequence = program.sequence_length,
                      .shares = program.group(GroupKind::cp).size,
                      .first_share = at.cp};
  const std::int64_t micro_batch = at.dp * program.micro_batches + routed.micro_batch.value();
  const std::vector<double>& whole = replayed_->at(routed.layer, micro_batch);
  logits_.resize(static_cast<std::size_t>(routed.logits.elements));
  device_.read(routed.logits, logits_.data());
  const std::int64_t experts = routed.routing->experts();
  const std::int64_t per_token = routed.routing->per_token();
  const std::int64_t tokens = routed.routing->tokens();
  const std::int64_t before = rerouted_;
  for (std::int64_t token = 0; token < tokens; ++token) {
    // Each tensor-parallel rank routes its own range of the tokens.
    const TokenRows::Place place = own.place_of(at.tp * tokens + token);
    const std::int64_t row = place.sequence * own.sequence + place.position;
    const bool changed = reroute(routes_.data() + token * 2 * per_token, whole.data() + row * 2 * per_token,
                                 per_token, logits_.data() + token * experts);
    if (changed) ++rerouted_;
  }
  if (rerouted_ > before) device_.write(routed.routes, routes_.data());
}

void Executor::run_kernels(const PlanRange& calls) {
  for (std::uint32_t i = calls.begin; i < calls.end; ++i) device_.run(plan_.kernels()[i]);
}

void Executor::run_alone(std::size_t run) {
  for (const std::size_t position : plan_.positions(run)) {
    if (plan_.ops()[position].kind == PlannedOp::Kind::transfer) continue;
    clock_->mark(start_of(position));
    run_calls(plan_.ops()[position]);
    clock_->mark(end_of(position));
  }
  communicator_.finish();
  device_.finish();
  for (const std::size_t position : plan_.positions(run)) {
    if (plan_.ops()[position].kind != PlannedOp::Kind::transfer) read_clock(position);
  }
}

void Executor::wait_for(std::uint32_t flight) {
  const std::size_t wait = stamps_.size() + flight;
  clock_->mark(start_of(wait));
  communicator_.wait(tickets_[flight]);
  clock_->mark(end_of(wait));
  flying_[flight] = false;
  --in_flight_;
}

void Executor::read_clock(std::size_t position) {
  stamps_[position] = {clock_->nanoseconds(start_of(position)), clock_->nanoseconds(end_of(position))};
}

void Executor::read_waits() {
  waited_ = 0;
  not_hidden_ = 0;
  for (std::size_t i = 0; i < plan_.flights().size(); ++i) {
    const Flight& flight = plan_.flights()[i];
    const std::size_t wait = stamps_.size() + i;
    const Nanoseconds end = clock_->nanoseconds(end_of(wait));
    const bool is_transfer = plan_.ops()[flight.position].kind == PlannedOp::Kind::transfer;
    (is_transfer ? waited_ : not_hidden_) += end - clock_->nanoseconds(start_of(wait));
    // A receive ends when its data have arrived. A send ends for this rank when it has been handed to the
    // communicator.
    if (flight.arrives_when_waited_for) stamps_[flight.position].end = end;
  }
}

void Executor::fill(const InputFill& input) {
  tokens_.fill(input.micro_batch, input.ahead, scratch_);
  device_.write(input.buffer, scratch_.data());
}

void Executor::report(TimelineSink& sink) const {
  for (std::size_t position = 0; position < stamps_.size(); ++position) {
    const OpRun& at = plan_.ops()[position].at;
    const Run& run = plan_.runs()[at.run];
    sink.add(Span{.stage = plan_.stage(),
                  .lane = plan_.op(at).lane,
                  .block = run.block_call.block,
                  .op = at.op,
                  .layer = run.block_call.layer,
                  .chunk = run.chunk,
                  .micro_batch = run.micro_batch,
                  .start = (stamps_[position].start - stamps_.front().start) * kPerNanosecond,
                  .end = (stamps_[position].end - stamps_.front().start) * kPerNanosecond});
  }
}

Seconds Executor::time_of(std::size_t position) const {
  return as_seconds(stamps_[position].end - stamps_[position].start);
}

Seconds Executor::step_time() const {
  Nanoseconds end = stamps_.front().start;
  for (const Stamp& stamp : stamps_) end = std::max(end, stamp.end);
  return as_seconds(end - stamps_.front().start);
}

Seconds Executor::waited() const { return as_seconds(waited_); }

Seconds Executor::not_hidden() const { return as_seconds(not_hidden_); }

Seconds Executor::overhead() const {
  Seconds busy = waited() + not_hidden();
  for (std::size_t position = 0; position < stamps_.size(); ++position) {
    const PlannedOp& op = plan_.ops()[position];
    if (op.flights.begin == op.flights.end) busy += time_of(position);
  }
  return step_time() - busy;
}

}  // namespace foreshard
