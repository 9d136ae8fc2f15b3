// A run that fails in the way that its argument names. Used by ends_test.sh.
//
//   mpirun -n 2 ends_probe FAILURE

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "runtime/comm/end_run.hpp"
#include "runtime/comm/mpi_communicator.hpp"
#include "tests/runtime/comm/test_buffers.hpp"
#include "tests/support/mpi_test.hpp"

namespace foreshard::test {
namespace {

constexpr std::chrono::hours kForever{1};
/// Long enough that a rank on a busy machine does not count as silent.
constexpr Seconds kTimeout{5.0};
/// One tick of the watchdog is a sixth of the timeout: a rank has sent its first message by then, and is silent long enough.
constexpr std::chrono::seconds kHeard{1};

/// Imitates the layers of a training step: "qkv", then an all-reduce over tp.
class Step {
 public:
  Step(MpiSession& session, MpiCommunicator& communicator) : session_(session), communicator_(communicator) {}

  void compute(const char* name, int layer) { session_.note().begin(name, LayerId(layer), MicroBatch(0)); }
  void communicate(CollectiveKind kind, GroupKind group) {
    session_.note().begin("all-reduce out", LayerId(3), MicroBatch(0));
    const std::vector<Piece> pieces{{.send = numbers_.buffer(), .receive = numbers_.buffer()}};
    communicator_.run({.kind = kind, .group = group, .in_place = true, .pieces = pieces});
  }

 private:
  MpiSession& session_;
  MpiCommunicator& communicator_;
  WireVector numbers_{DType::fp32, 64};
};

void end_badly(const std::string& way, MpiSession& session, MpiCommunicator& communicator) {
  Step step(session, communicator);
  step.communicate(CollectiveKind::all_reduce, GroupKind::tp);
  step.compute("qkv", 3);
  const bool culprit = session.rank() == Rank(way.ends_with("first") ? 0 : 1);
  if (way == "wrong_input") throw std::invalid_argument("no such thing");
  if (way == "throw_all") throw std::runtime_error("no such thing");
  if (culprit) {
    if (way == "throw") throw std::runtime_error("no such thing");
    if (way == "kill") std::raise(SIGKILL);
    if (way.starts_with("stop")) {
      // A rank that stops before its first message is told as one that was never heard.
      std::this_thread::sleep_for(kHeard);
      std::raise(SIGSTOP);
    }
    if (way.starts_with("compute")) std::this_thread::sleep_for(kForever);
    if (way == "mismatch") step.communicate(CollectiveKind::all_gather, GroupKind::world);
    if (way == "receive") {
      WireVector number(DType::fp32, 1);
      communicator.wait(
          communicator.start({.is_send = false, .peer = Peer::previous_stage, .buffer = number.buffer()}));
    }
  }
  step.communicate(CollectiveKind::all_reduce, way == "receive" ? GroupKind::pp : GroupKind::tp);
  if (way == "interrupt") {
    session.note().idle();
    std::this_thread::sleep_for(kForever);
  }
}

}  // namespace
}  // namespace foreshard::test

int main(int argc, char** argv) {
  using namespace foreshard;
  MpiSession session(argc, argv);
  try {
    const std::string way = argc > 1 ? argv[1] : "";
    const DeviceMesh mesh =
        way == "receive" ? test::mesh_of({.pp = session.size()}) : test::mesh_of({.tp = session.size()});
    session.watch(mesh, test::kTimeout);
    MpiCommunicator communicator(session, mesh);
    test::end_badly(way, session, communicator);
  } catch (const std::invalid_argument& error) {
    end_run(session, kWrongInput, error.what());
  } catch (const std::exception& error) {
    end_run(session, kEnvironmentFailed, error.what());
  }
}
