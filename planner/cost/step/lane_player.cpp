#include "planner/cost/step/lane_player.hpp"

#include <algorithm>
#include <utility>

namespace foreshard {

namespace {

/// Length of the launch queue: how many runs the host issues ahead of the compute lane. The simulator's
/// default (SimulationOptions).
constexpr std::size_t kRunsAhead = 64;

constexpr std::size_t index_of(Lane lane) { return static_cast<std::size_t>(lane); }

}  // namespace

LanePlayer::LanePlayer(const LanePlan& plan, std::span<const Run> runs, const Interference& interference)
    : plan_(plan),
      runs_(runs),
      read_back_(interference.read_back.value()),
      communication_share_(interference.communication_share),
      exchange_share_(interference.share_of_exchanges()),
      slows_kernels_(interference.slows_kernels()),
      gathers_issued_(runs.size()) {
  std::int32_t highest = 0;
  if (!runs.empty()) lowest_layer_ = highest = runs.front().block_call.layer.value();
  for (const Run& run : runs) {
    lowest_layer_ = std::min(lowest_layer_, run.block_call.layer.value());
    highest = std::max(highest, run.block_call.layer.value());
  }
  lowest_layer_ += plan.lowest_shift;
  layers_ = static_cast<std::size_t>(highest + plan.highest_shift - lowest_layer_) + 1;
  uses_.resize(plan.tensors.size() * layers_);
  kernels_by_run_.reserve(runs.size());
}

LanePlayer::LanePlayer(const LanePlan& plan, std::span<const Run> runs, const Interference& interference,
                       StageBoard& board, StageId stage)
    : LanePlayer(plan, runs, interference) {
  board_ = &board;
  stage_ = stage;
}

std::vector<LaneMark> LanePlayer::play(std::span<const std::size_t> marks) {
  marks_ = marks;
  while (!is_done_) advance();
  return std::move(stands_);
}

bool LanePlayer::advance() {
  if (issuing_ == runs_.size()) {
    finish();
    return true;
  }
  if (next_op_ == kNotBegun) begin_run();
  const bool has_turns = is_paired(issuing_);
  if (!(has_turns ? issue_in_turns() : issue_run())) return false;
  const std::size_t runs = has_turns ? 2 : 1;
  kernels_by_run_.insert(kernels_by_run_.end(), runs, compute_end_);
  issuing_ += runs;
  next_op_ = kNotBegun;
  return true;
}

/// True for both of two runs that are issued in turns.
bool LanePlayer::is_paired(std::size_t run) const {
  return runs_[run].in_turns || (run + 1 < runs_.size() && runs_[run + 1].in_turns);
}

bool LanePlayer::issue_run() {
  const std::span<const LaneOp> ops = plan_.ops_of(runs_[issuing_].block_call.block);
  for (; next_op_ < ops.size(); ++next_op_) {
    if (!issue(ops[next_op_], issuing_)) return false;
  }
  return true;
}

namespace {

/// What in_turns needs to know of a rank.
struct TurnsOfRank {
  const LanePlan& plan;
  std::span<const Run> runs;
  [[nodiscard]] std::size_t operations(std::size_t run) const { return ops_of(run).size(); }
  [[nodiscard]] Queue queue(std::size_t run, std::uint32_t op) const { return ops_of(run)[op].queue; }
  [[nodiscard]] std::span<const LaneOp> ops_of(std::size_t run) const {
    return plan.ops_of(runs[run].block_call.block);
  }
};

}  // namespace

bool LanePlayer::issue_in_turns() {
  const TurnsOfRank rank{plan_, runs_};
  if (next_op_ == 0) turns_ = in_turns(rank, issuing_);
  for (; next_op_ < turns_.size(); ++next_op_) {
    const IssuedOp& issued = turns_[next_op_];
    if (!issue(rank.ops_of(issued.run)[issued.op], issued.run)) return false;
  }
  return true;
}

void LanePlayer::begin_run() {
  note_marks();
  if (board_ != nullptr) {
    for (const StageBoard::Transfer& arriving : board_->under_way(stage_, transfers_seen_))
      add_load({arriving.start, arriving.end, communication_share_});
  }
  const auto most_early = static_cast<std::size_t>(plan_.most_blocks_early);
  const std::size_t end = is_paired(issuing_) ? issuing_ : std::min(issuing_ + most_early + 1, runs_.size());
  for (std::size_t run = issuing_; run < end; ++run) {
    if (!is_paired(run)) issue_early(issuing_, run);
  }
  next_op_ = gathers_issued_[issuing_];
}

void LanePlayer::note_marks() {
  while (stands_.size() < marks_.size() && marks_[stands_.size()] == issuing_) {
    for (const Moment& hold : holds_.by_queue) wait_until(hold.time, hold.record);
    stands_.push_back(mark());
  }
}

LaneMark LanePlayer::mark() const {
  const auto end = [&](Lane lane) { return lane_end_[index_of(lane)].time; };
  const double links = std::max({end(Lane::dp), end(Lane::expert_dp), end(Lane::dp_replicate)});
  const double host = std::max({end(Lane::to_host), end(Lane::to_device), end(Lane::cpu)});
  return {times_, Seconds(links), Seconds(host), Seconds(sent_end_)};
}

void LanePlayer::finish() {
  is_done_ = true;
  note_marks();
  const auto last = std::max_element(lane_end_.begin(), lane_end_.end(),
                                     [](const Moment& a, const Moment& b) { return a.time < b.time; });
  wait_until(last->time, last->record);
  end_ = times_;
}

/// The number of the tensor instance that `run` uses; 0 for tensors that live longer than a micro-batch.
std::int64_t LanePlayer::instance_of_use(const LaneOp::Use& use, std::size_t run) const {
  switch (plan_.tensors[use.tensor].lifetime) {
    case Lifetime::block: return static_cast<std::int64_t>(run);
    case Lifetime::micro_batch: return runs_[run].in_slot ? runs_[run].micro_batch.value() + 1 : 0;
    case Lifetime::step:
    case Lifetime::layer: return 0;
  }
  return 0;
}

std::size_t LanePlayer::place_of(const LaneOp::Use& use, std::size_t run) const {
  const LanePlan::SharedTensor& tensor = plan_.tensors[use.tensor];
  std::size_t layer = 0;
  if (tensor.lifetime != Lifetime::block && tensor.per_layer)
    layer = static_cast<std::size_t>(runs_[run].block_call.layer.value() + use.layer_shift - lowest_layer_);
  return use.tensor * layers_ + layer;
}

LanePlayer::LastUse& LanePlayer::last_use(const LaneOp::Use& use, std::size_t run) {
  LastUse& last = uses_[place_of(use, run)];
  const std::int64_t instance = instance_of_use(use, run);
  if (last.instance != instance) {
    last = LastUse{};
    last.instance = instance;
  }
  return last;
}

/// True if `op` of the run `later` writes a tensor that a run in [now, later) still uses.
bool LanePlayer::is_in_use(std::size_t now, std::size_t later, const LaneOp& op) const {
  for (const LaneOp::Use& written : plan_.uses_of(op)) {
    if (written.access == Access::read) continue;
    for (std::size_t run = now; run < later; ++run) {
      for (const LaneOp& other : plan_.ops_of(runs_[run].block_call.block)) {
        for (const LaneOp::Use& use : plan_.uses_of(other)) {
          if (use.tensor == written.tensor && place_of(use, run) == place_of(written, later) &&
              instance_of_use(use, run) == instance_of_use(written, later))
            return true;
        }
      }
    }
  }
  return false;
}

/// Issues those leading gathers of run `later` (`now` or a later run) that may be issued at the start of run
/// `now`.
void LanePlayer::issue_early(std::size_t now, std::size_t later) {
  const std::span<const LaneOp> ops = plan_.ops_of(runs_[later].block_call.block);
  std::size_t& issued = gathers_issued_[later];
  for (; issued < ops.size(); ++issued) {
    const LaneOp& op = ops[issued];
    if (!may_issue_early(op.blocks_early, later - now) || is_in_use(now, later, op)) return;
    if (!issue(op, later)) return;
  }
}

/// Issues one operation. Returns false if it must wait for another stage that is not on the board yet.
bool LanePlayer::issue(const LaneOp& op, std::size_t run) {
  const double host_before = host_end_;
  if (op.is_host_point) issue_by_host(op);
  bool is_issued = true;
  if (op.transfer == LaneOp::Transfer::receive && board_ != nullptr) {
    is_issued = play_receive(op, run);
  } else if (!op.is_kernel) {
    is_issued = play_communication(op, run);
  } else {
    play_kernel(op, run);
  }
  if (!is_issued) host_end_ = host_before;  // it is issued again later
  if (is_issued && op.stops_host) stop_host(op, run);
  return is_issued;
}

/// Lets the host issue everything up to a host point, as soon as the launch queue has room.
void LanePlayer::issue_by_host(const LaneOp& op) {
  const double room = issuing_ >= kRunsAhead ? kernels_by_run_[issuing_ - kRunsAhead] : 0.0;
  host_end_ = std::max(host_end_, room) + op.host;
}

/// The host waits until the tensor that it needs has been written.
void LanePlayer::stop_host(const LaneOp& op, std::size_t run) {
  host_awaited_ = last_use(op.awaited, run).whole;
  host_end_ = std::max(host_end_, host_awaited_.time) + read_back_;
}

/// A read waits for the tensor's last write. A write waits for the last write and for all reads since then.
LanePlayer::Needs LanePlayer::needs_of(const LaneOp& op, std::size_t run) {
  Needs needs;
  for (const LaneOp::Use& use : plan_.uses_of(op)) {
    const LastUse& last = last_use(use, run);
    if (op.pieces > 1.0 && last.pieces == op.pieces) {
      needs.first_piece = std::max(needs.first_piece, last.first);
      if (last.whole.time > needs.last_piece.time) needs.last_piece = last.whole;
      needs.by_compute = last.by_compute;
    } else {
      need(needs, last.whole);
    }
    if (waits_for_readers(use.access)) need(needs, last.read);
  }
  return needs;
}

void LanePlayer::need(Needs& needs, Moment moment) const {
  const std::size_t queue =
      moment.record == kNone ? 0 : records_[static_cast<std::size_t>(moment.record)].queue;
  if (moment.time > needs.by_queue[queue].time) needs.by_queue[queue] = moment;
}

void LanePlayer::play_kernel(const LaneOp& op, std::size_t run) {
  if (op.uses == 0 && !is_held_) {
    note_lead(run);
    run_kernel(op);
    return;
  }
  const Needs needs = needs_of(op, run);
  wait_for(needs);
  note_lead(run);
  const double began = run_kernel(op);
  // If the inputs arrive in pieces, the work on the last piece starts only after that piece has arrived.
  if (needs.last_piece.time > 0.0 && !needs.by_compute)
    wait_until(needs.last_piece.time + op.seconds / op.pieces, needs.last_piece.record);
  const double first = compute_end_ - (compute_end_ - began) * (1.0 - 1.0 / op.pieces);
  note_uses(op, run, first, {compute_end_, kNone});
}

/// Called when a kernel of the run is about to begin.
void LanePlayer::note_lead(std::size_t run) {
  if (lead_ || !runs_[run].in_slot) return;
  constexpr auto kPp = static_cast<std::size_t>(CommAxis::pp);
  lead_.emplace().bubble = times_.bubble;
  lead_->exposed[kPp] = times_.exposed[kPp];
}

/// Waits for the queues in the order of their numbers, as the simulator does. So a wait is booked to the
/// first queue whose operation is not done.
void LanePlayer::wait_for(const Needs& needs) {
  for (std::size_t queue = 0; queue < kQueueCount; ++queue) {
    const Moment& held = holds_.by_queue[queue];
    const Moment& needed = needs.by_queue[queue];
    const Moment& later = held.time > needed.time ? held : needed;
    wait_until(later.time, later.record);
  }
  if (is_held_) holds_ = {};
  is_held_ = false;
  wait_until(needs.first_piece, needs.last_piece.record);
}

/// Runs the kernel as soon as the host has issued it. Returns when it began.
double LanePlayer::run_kernel(const LaneOp& op) {
  // As long as the host itself waits for a communication, the wait is that communication's.
  if (op.is_host_point && host_end_ > compute_end_ && host_awaited_.record != kNone)
    wait_until(host_awaited_.time, host_awaited_.record);
  if (op.is_host_point && host_end_ > compute_end_) {
    times_.host += Seconds(host_end_ - compute_end_);
    resume_at(host_end_);
  }
  const double began = compute_end_;
  compute_end_ = loads_.kernel_end(began, op.seconds);
  last_kernel_ = op.is_of_optimizer ? &times_.optimizer : &times_.compute;
  *last_kernel_ += Seconds(compute_end_ - began);
  return began;
}

/// When this rank is ready to start a communication.
LanePlayer::Moment LanePlayer::start_of(const LaneOp& op, const Needs& needs) const {
  Moment start;
  const auto not_before = [&](Moment moment) {
    if (moment.time > start.time) start = moment;
  };
  for (const Moment& needed : needs.by_queue) not_before(needed);
  not_before({needs.first_piece, needs.last_piece.record});
  if (op.after_compute) not_before({compute_end_, kNone});
  if (issuing_ >= kRunsAhead) not_before({kernels_by_run_[issuing_ - kRunsAhead], kNone});
  not_before(lane_end_[op.queue]);
  return start;
}

/// When the last of the stages is ready; none if some stage has not reached the collective yet.
std::optional<LanePlayer::Moment> LanePlayer::join_stages(const LaneOp& op, Moment ready) {
  if (!join_) join_ = Seconds(ready.time);
  if (board_ == nullptr) return ready;
  const std::size_t meeting = meetings_[op.queue];
  if (!is_at_join_) board_->arrive(op.queue, meeting, ready.time);
  is_at_join_ = true;
  const std::optional<double> start = board_->joined(op.queue, meeting);
  if (!start) return std::nullopt;
  is_at_join_ = false;
  ++meetings_[op.queue];
  return Moment{*start, ready.record};
}

bool LanePlayer::play_communication(const LaneOp& op, std::size_t run) {
  const Needs needs = needs_of(op, run);
  Moment ready = start_of(op, needs);
  const bool is_late = op.is_host_point && host_end_ > ready.time;
  if (is_late) ready = {host_end_, kNone};
  Moment start = ready;
  if (op.joins_stages) {
    const std::optional<Moment> joined = join_stages(op, ready);
    if (!joined) return false;
    start = *joined;
  }
  double end = start.time + op.seconds;
  if (needs.last_piece.time > 0.0) end = std::max(end, needs.last_piece.time + op.seconds / op.pieces);
  if (op.transfer == LaneOp::Transfer::send) {
    sent_end_ = end;
    if (board_ != nullptr) board_->send(stage_, op.transfer_lane, {end - op.seconds, end});
  }
  end_communication(op, run,
                    {.start = start.time,
                     .end = end,
                     .axis = op.axis,
                     .queue = op.queue,
                     .before = start.record,
                     .waits_for_stage = start.time > ready.time,
                     .waits_for_host = is_late},
                    true);
  return true;
}

/// Plays a Recv, which ends when the matching Send's transfer ends.
bool LanePlayer::play_receive(const LaneOp& op, std::size_t run) {
  const std::optional<StageBoard::Transfer> sent =
      board_->received(stage_, op.transfer_lane, meetings_[op.queue]);
  if (!sent) return false;
  ++meetings_[op.queue];
  Moment ready = start_of(op, needs_of(op, run));
  if (op.is_host_point && host_end_ > ready.time) ready = {host_end_, kNone};
  const bool is_late = sent->end > ready.time;
  end_communication(op, run,
                    {.start = is_late ? std::max(ready.time, sent->start) : ready.time,
                     .end = std::max(ready.time, sent->end),
                     .axis = op.axis,
                     .queue = op.queue,
                     .before = ready.record,
                     .waits_for_stage = is_late && sent->start > ready.time},
                    false);
  return true;
}

void LanePlayer::end_communication(const LaneOp& op, std::size_t run, const Record& ran, bool is_local) {
  Moment done{ran.end, ran.before};
  if (ran.end > ran.start || ran.waits_for_stage) {
    done.record = static_cast<std::int32_t>(records_.size());
    records_.push_back(ran);
    // Copy engines and the CPU take nothing from kernels.
    const double share = ends_turn(op.queue) ? exchange_share_ : communication_share_;
    if (is_local && ran.axis != CommAxis::offload) add_load({ran.end - op.seconds, ran.end, share});
  }
  const Moment former = std::exchange(lane_end_[op.queue], done);
  if (op.holds_former) {
    need(holds_, former);
    is_held_ = true;
  }
  if (op.blocks_compute) {
    need(holds_, done);
    is_held_ = true;
  }
  note_uses(op, run, done.time - op.seconds * (1.0 - 1.0 / op.pieces), done);
}

void LanePlayer::note_uses(const LaneOp& op, std::size_t run, double first, Moment whole) {
  for (const LaneOp::Use& use : plan_.uses_of(op)) {
    LastUse& last = last_use(use, run);
    if (use.access == Access::read) {
      if (whole.time > last.read.time) last.read = whole;
      continue;
    }
    last.first = first;
    last.whole = whole;
    last.pieces = op.pieces;
    last.by_compute = op.is_kernel;
    last.read = {};
  }
}

/// Notes that a communication runs. Kernels that were already played in this interval lose time to it; the
/// last of them is lengthened by that loss.
void LanePlayer::add_load(const Load& load) {
  if (load.share == 0.0 || load.to <= load.from) return;
  if (load.from < compute_end_ && last_kernel_ != nullptr) {
    busy_.push_back({busy_since_, compute_end_});
    const double lost = loads_.taken_from(busy_, load);
    busy_.pop_back();
    compute_end_ += lost;
    *last_kernel_ += Seconds(lost);
  }
  loads_.add(load);
}

/// The compute lane resumes at `time` after a pause.
void LanePlayer::resume_at(double time) {
  constexpr std::size_t kMostStretches = 256;
  if (slows_kernels_ && compute_end_ > busy_since_) {
    busy_.push_back({busy_since_, compute_end_});
    if (busy_.size() > kMostStretches) busy_.erase(busy_.begin(), busy_.begin() + kMostStretches / 2);
  }
  compute_end_ = busy_since_ = time;
}

/// The compute lane is idle until `time` because it waits for the communication `record`.
void LanePlayer::wait_until(double time, std::int32_t record) {
  if (time <= compute_end_) return;
  expose(compute_end_, time, record);
  resume_at(time);
}

/// Books a wait to the axes of the communication that ran during it. Starts with the communication that was
/// waited for and follows the chain of those that delayed it.
/// Example: compute waits from 10 to 16 for a dp gather that ran from 13 to 16 and was queued behind a dp
/// all-reduce that waited for a tp collective ending at 12. From 12 to 16 the wait is dp's, from 10 to 12 it
/// is tp's.
void LanePlayer::expose(double from, double to, std::int32_t record) {
  while (record != kNone && to > from) {
    const Record& ran = records_[static_cast<std::size_t>(record)];
    const bool is_first = ran.before == kNone && !ran.waits_for_stage && !ran.waits_for_host;
    const double since = is_first ? from : std::clamp(ran.start, from, to);
    times_.exposed[static_cast<std::size_t>(ran.axis)] += Seconds(to - since);
    to = since;
    if (ran.waits_for_stage) {
      times_.bubble += Seconds(to - from);
      return;
    }
    if (ran.waits_for_host) {
      times_.host += Seconds(to - from);
      return;
    }
    record = ran.before;
  }
}

}  // namespace foreshard
