// NCCL between ranks, one per GPU or several on one GPU: checks collectives of every kind, and a sharded step
// against the unsharded one. Runs under mpirun. Exit code 77: there is no GPU.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "runtime/calibrate/measure_links.hpp"
#include "runtime/comm/collective_shape.hpp"
#include "runtime/comm/end_run.hpp"
#include "runtime/comm/nccl/nccl_communicator.hpp"
#include "runtime/cuda/cuda_check.hpp"
#include "runtime/device/cuda/cuda_device.hpp"
#include "runtime/verify/sharding_check.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

constexpr int kSkipped = 77;

/// What stands in for a GPU is slow, and its own tests run all kinds of steps: here two kinds are enough.
#ifdef FORESHARD_EMULATED_GPU
constexpr bool kIsEmulated = true;
#else
constexpr bool kIsEmulated = false;
#endif

int count_gpus() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) return 0;
  return count;
}

/// NCCL refuses two ranks on the same GPU of one host. So every rank gets an NCCL_HOSTID of its own, and they
/// connect through sockets.
void pretend_hosts(const MpiSession& session) {
  setenv("NCCL_HOSTID", fmt::format("rank-{}", session.rank().value()).c_str(), 1);
  setenv("NCCL_SOCKET_IFNAME", "lo", 1);
  setenv("NCCL_IB_DISABLE", "1", 1);
  setenv("NCCL_P2P_DISABLE", "1", 1);
  setenv("NCCL_SHM_DISABLE", "1", 1);
  // The processes take turns on the GPU, so few of NCCL's blocks should wait for a neighbour.
  setenv("NCCL_MAX_NCHANNELS", "1", 1);
}

class Probe {
 public:
  Probe(const MpiSession& session, CudaDevice& device) : session_(session), device_(device) {}

  void check(bool holds, const std::string& what) {
    ++checks_;
    if (holds) return;
    ++failures_;
    std::printf("rank %d: %s\n", session_.rank().value(), what.c_str());
  }

  void collectives() {
    ParallelismSpec degrees;
    degrees.dp = session_.size();
    NcclCommunicator communicator(session_, DeviceMesh(degrees), device_);
    for (const DType type : {DType::fp32, DType::bf16}) {
      for (const std::int64_t elements : {64, 7}) {
        for (const bool in_place : {false, true}) {
          for (const CollectiveKind kind : {CollectiveKind::all_reduce, CollectiveKind::all_gather,
                                            CollectiveKind::reduce_scatter, CollectiveKind::all_to_all})
            collective(communicator, kind, type, elements, in_place);
        }
      }
    }
  }

  void transfers() {
    ParallelismSpec degrees;
    degrees.pp = session_.size();
    NcclCommunicator communicator(session_, DeviceMesh(degrees), device_);
    const double own = session_.rank().value();
    Memory forth(device_, DType::fp32, {own, own + 0.5});
    Memory back(device_, DType::fp32, {own + 100.0});
    Memory from_previous(device_, DType::fp32, {0.0, 0.0});
    Memory from_next(device_, DType::fp32, {0.0});
    const std::vector<Ticket> tickets{
        communicator.start({.is_send = false, .peer = Peer::previous_stage, .buffer = from_previous.buffer}),
        communicator.start({.peer = Peer::next_stage, .buffer = forth.buffer}),
        communicator.start({.is_send = false, .peer = Peer::next_stage, .buffer = from_next.buffer}),
        communicator.start({.peer = Peer::previous_stage, .buffer = back.buffer})};
    for (const Ticket ticket : tickets) communicator.wait(ticket);
    communicator.finish();
    const auto n = static_cast<double>(session_.size());
    const double previous = std::fmod(own + n - 1.0, n);
    check(from_previous.read() == std::vector<double>{previous, previous + 0.5},
          "a transfer from the previous stage");
    check(from_next.read() == std::vector<double>{std::fmod(own + 1.0, n) + 100.0},
          "a transfer from the next stage");
  }

  void steps() {
    const std::int64_t n = session_.size();
    std::vector<JobSpec> jobs;
    jobs.push_back(sharded(tiny_job(false), {.dp = n, .ep = n}));
    jobs.back().name = "experts in turns";
    jobs.back().model.experts = ExpertsSpec{.count = 8, .per_token = 2, .hidden = 12};
    jobs.back().model.experts->imbalance = static_cast<double>(n);
    jobs.back().training.overlap.ep = EpOverlap::in_turns;
    jobs.back().training.delay_wgrad = true;
    jobs.back().cluster.accelerator.is_cpu = false;  // so that exchanges run beside kernels
    jobs.push_back(sharded(tiny_job(false), {.pp = 2, .dp = n / 2}));
    jobs.back().name = "interleaved, tied";
    jobs.back().training.schedule = ScheduleKind::interleaved;
    jobs.back().parallelism.vp = 2;
    jobs.back().model.tied_embeddings = true;
    if (!kIsEmulated) {
      jobs.push_back(sharded(tiny_job(false), {.tp = n / 2, .cp = 2}));
      jobs.push_back(sharded(tiny_job(false), {.dp = n, .zero = 3}));
      for (const Degrees& degrees : degrees_of(n)) {
        jobs.push_back(sharded(tiny_job(false), degrees));
        jobs.back().training.overlap = {
            .tp = TpOverlap::wgrad, .dp = true, .pp = true, .cp = false, .ep = EpOverlap::none};
      }
    }
    for (const JobSpec& job : jobs) {
      NcclCommunicator communicator(session_, DeviceMesh(job.parallelism), device_);
      const ShardingErrors errors = compare_with_unsharded(job, device_, communicator, 2);
      std::fflush(stdout);
      constexpr double kBound = 1e-5;  // fp32 sums in another order
      check(errors.loss <= kBound && errors.outputs <= kBound && errors.gradients <= kBound,
            fmt::format("{}, tp {} pp {} dp {}: loss {:.1e}, outputs {:.1e}, gradients {:.1e} ({})", job.name,
                        job.parallelism.tp, job.parallelism.pp, job.parallelism.dp, errors.loss,
                        errors.outputs, errors.gradients, errors.worst_gradient));
    }
  }

  /// Uneven shares, in every kind of collective that has shares: rank r sends r + m numbers to member m.
  void uneven() {
    ParallelismSpec degrees;
    degrees.dp = session_.size();
    NcclCommunicator communicator(session_, DeviceMesh(degrees), device_);
    const std::int64_t n = session_.size();
    const std::int64_t me = session_.rank().value();
    std::vector<std::int64_t> sent;
    std::vector<std::int64_t> received;
    std::vector<double> given;
    std::vector<double> expected;
    for (std::int64_t member = 0; member < n; ++member) {
      sent.push_back(me + member);
      received.push_back(me + member);
      for (std::int64_t i = 0; i < me + member; ++i) {
        given.push_back(value(me, 10 * member + i));
        expected.push_back(value(member, 10 * me + i));
      }
    }
    Memory send(device_, DType::fp32, given);
    Memory receive(device_, DType::fp32, std::vector<double>(given.size(), 50.0));
    const Piece exchanged{send.buffer, receive.buffer};
    communicator.run({.kind = CollectiveKind::all_to_all,
                      .group = GroupKind::dp,
                      .pieces = std::span(&exchanged, 1),
                      .send_elements = sent,
                      .receive_elements = received});
    check(receive.read() == expected, "an exchange of unequal shares");

    // Member m's share has m + 1 elements; it becomes the sum of all ranks' numbers for it.
    std::vector<std::int64_t> shares;
    for (std::int64_t member = 0; member < n; ++member) shares.push_back(member + 1);
    const std::int64_t whole = n * (n + 1) / 2;
    const std::int64_t first = me * (me + 1) / 2;
    std::vector<double> mine;
    std::vector<double> sums;
    for (std::int64_t i = 0; i < whole; ++i) mine.push_back(value(me, i));
    for (std::int64_t i = first; i < first + me + 1; ++i) sums.push_back(sum_over_ranks(i));
    Memory all(device_, DType::fp32, mine);
    Memory own(device_, DType::fp32, std::vector<double>(sums.size(), 50.0));
    const Piece scattered{all.buffer, own.buffer};
    communicator.run({.kind = CollectiveKind::reduce_scatter,
                      .group = GroupKind::dp,
                      .pieces = std::span(&scattered, 1),
                      .send_elements = shares});
    check(own.read() == sums, "a reduce-scatter of unequal shares");

    Memory gathered(device_, DType::fp32, std::vector<double>(static_cast<std::size_t>(whole), 50.0));
    const Piece back{own.buffer, gathered.buffer};
    communicator.run({.kind = CollectiveKind::all_gather,
                      .group = GroupKind::dp,
                      .pieces = std::span(&back, 1),
                      .receive_elements = shares});
    std::vector<double> totals;
    for (std::int64_t i = 0; i < whole; ++i) totals.push_back(sum_over_ranks(i));
    check(gathered.read() == totals, "a gather of unequal shares");
  }

  /// The measurements of the calibration: every operation, on small messages.
  void links() {
    const LinkEnds ends{.device = device_, .connect = [this](const DeviceMesh& mesh) {
                          return std::make_unique<NcclCommunicator>(session_, mesh, device_);
                        }};
    constexpr Bytes kLargest{std::int64_t{1} << 16};
    const LinkMeasurements measured =
        measure_links(session_, ends, {.each = Seconds(1e-4), .largest = kLargest}, {});
    check(measured.in_node.size() == 16, fmt::format("{} measurements of links", measured.in_node.size()));
    for (const MeasuredLink& link : measured.in_node) {
      check(link.time.median > Seconds() && link.time.ranks == session_.size(),
            fmt::format("the time of {}", to_string(link.operation)));
    }
  }

  [[nodiscard]] int finish() const {
    if (session_.rank() == Rank(0)) std::printf("%d checks, %d failed\n", checks_, failures_);
    return failures_ == 0 ? 0 : 1;
  }

 private:
  struct Memory {
    Memory(CudaDevice& of, DType type, const std::vector<double>& values)
        : device(of), memory(of.allocate(256 * static_cast<std::int64_t>(values.size()))) {
      buffer = {memory->data(), static_cast<std::int64_t>(values.size()), type};
      device.write(buffer, values.data());
    }
    [[nodiscard]] std::vector<double> read() const {
      std::vector<double> values(static_cast<std::size_t>(buffer.elements));
      device.read(buffer, values.data());
      return values;
    }
    CudaDevice& device;
    std::unique_ptr<DeviceMemory> memory;
    Buffer buffer;
  };

  /// Element i of a rank's numbers: small integers, which bf16 sums exactly.
  static double value(std::int64_t rank, std::int64_t i) { return static_cast<double>(3 * rank + i % 5); }

  [[nodiscard]] double sum_over_ranks(std::int64_t i) const {
    double total = 0.0;
    for (std::int64_t rank = 0; rank < session_.size(); ++rank) total += value(rank, i);
    return total;
  }

  void collective(NcclCommunicator& communicator, CollectiveKind kind, DType type, std::int64_t elements,
                  bool in_place) {
    const std::int64_t n = session_.size();
    const std::int64_t me = session_.rank().value();
    if (kind == CollectiveKind::all_to_all && (in_place || elements % n != 0)) return;
    std::vector<double> mine;
    for (std::int64_t i = 0; i < elements; ++i) mine.push_back(value(me, i));
    const Share own = share_of(elements, n, me);
    const std::string what = fmt::format("{} of {} elements of {} bytes{}", to_string(kind), elements,
                                         size_in_bytes(type), in_place ? ", in place" : "");
    Memory whole(device_, type, mine);
    Memory other(device_, type, std::vector<double>(static_cast<std::size_t>(elements), 50.0));
    std::vector<Piece> pieces{{whole.buffer, other.buffer}};
    if (in_place) pieces = {{whole.buffer, whole.buffer}};
    if (!in_place && kind == CollectiveKind::all_gather)
      pieces = {{whole.buffer.part(own.first, own.elements), other.buffer}};
    if (!in_place && kind == CollectiveKind::reduce_scatter)
      pieces = {{whole.buffer, other.buffer.part(0, own.elements)}};
    const bool adds = !in_place && kind == CollectiveKind::reduce_scatter;
    communicator.run(
        {.kind = kind, .group = GroupKind::dp, .accumulate = adds, .in_place = in_place, .pieces = pieces});
    communicator.finish();
    const std::vector<double> result = in_place ? whole.read() : other.read();
    bool holds = true;
    for (std::int64_t i = 0; i < elements; ++i) {
      const double found = result[static_cast<std::size_t>(i)];
      switch (kind) {
        case CollectiveKind::all_reduce: holds = holds && found == sum_over_ranks(i); break;
        case CollectiveKind::all_gather:
          for (std::int64_t rank = 0; rank < n; ++rank) {
            const Share share = share_of(elements, n, rank);
            if (i >= share.first && i < share.first + share.elements)
              holds = holds && found == value(rank, i);
          }
          break;
        case CollectiveKind::reduce_scatter:
          if (in_place && i >= own.first && i < own.first + own.elements)
            holds = holds && found == sum_over_ranks(i);
          if (!in_place && i < own.elements) holds = holds && found == 50.0 + sum_over_ranks(own.first + i);
          break;
        case CollectiveKind::all_to_all: {
          const std::int64_t part = elements / n;
          holds = holds && found == value(i / part, me * part + i % part);
          break;
        }
      }
    }
    check(holds, what);
  }

  const MpiSession& session_;
  CudaDevice& device_;
  int checks_ = 0;
  int failures_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  MpiSession session(argc, argv);
  const int gpus = count_gpus();
  if (gpus == 0) {
    if (session.rank() == Rank(0)) std::printf("skipped: no GPU to test on\n");
    return kSkipped;
  }
  try {
    if (session.local_ranks() > gpus) pretend_hosts(session);
    CudaDevice device(static_cast<int>(session.local_rank()) % gpus);
    Probe probe(session, device);
    const auto say = [&](const char* what) {
      if (session.rank() == Rank(0)) std::printf("%s\n", what);
      std::fflush(stdout);
    };
    say("collectives");
    probe.collectives();
    probe.uneven();
    say("transfers");
    probe.transfers();
    say("links");
    probe.links();
    say("steps");
    probe.steps();
    return probe.finish();
  } catch (const std::exception& error) {
    end_run(session, 1, error.what());
  }
}
