#include "tests/emulated_cuda/blocks.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>

#include "tests/emulated_cuda/stream.hpp"

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

namespace emulated_cuda {
namespace {

constexpr unsigned kWarp = 32;
constexpr std::size_t kStackBytes = std::size_t{64} << 10U;

enum class State { ready, at_block_barrier, at_warp_barrier, done };

/// A thread of the running block. It is used again for later blocks.
class Thread {
 public:
  explicit Thread(const std::function<void()>*& body)
      : fiber_(std::allocator_arg, boost::context::fixedsize_stack(kStackBytes),
               [this, &body](boost::context::fiber&& caller) {
                 caller_ = std::move(caller);
                 for (;;) {
                   (*body)();
                   leave(State::done);
                 }
                 return std::move(caller_);
               }) {}

  /// Continues where it stopped, until it stops again.
  void resume() { fiber_ = std::move(fiber_).resume(); }
  void leave(State state) {
    this->state = state;
    caller_ = std::move(caller_).resume();
  }

  State state = State::ready;
  unsigned exchanges = 0;
  uint3 index;

 private:
  boost::context::fiber caller_;
  boost::context::fiber fiber_;
};

/// Numbers that the lanes of a warp exchange. Two buffers, used in turn: no lane is more than one exchange
/// ahead.
using Exchange = std::array<std::array<float, kWarp>, 2>;

struct Multiprocessor {
  const std::function<void()>* body = nullptr;
  std::vector<std::unique_ptr<Thread>> threads;
  std::vector<Exchange> exchanges;  // by warp
  std::vector<std::uint64_t> shared;
  std::size_t count = 0;  // threads of this block
  std::size_t current = 0;
  std::minstd_rand draw{1};

  void begin_block() {
    for (std::size_t i = 0; i < count; ++i) {
      Thread& thread = *threads[i];
      const auto place = static_cast<unsigned>(i);
      thread.state = State::ready;
      thread.exchanges = 0;
      thread.index = {place % blockDim.x, place / blockDim.x % blockDim.y, place / blockDim.x / blockDim.y};
    }
  }

  /// Resumes every thread that can run, once. False if there was none.
  bool take_turns() {
    const std::size_t first = draw() % count;
    const bool is_backward = draw() % 2 == 0;
    bool some = false;
    for (std::size_t i = 0; i < count; ++i) {
      current = (first + (is_backward ? count - i : i)) % count;
      Thread& thread = *threads[current];
      if (thread.state != State::ready) continue;
      some = true;
      threadIdx = thread.index;
      thread.resume();
    }
    return some;
  }

  /// Opens a barrier if all threads that have not ended have arrived at it.
  bool release(std::size_t begin, std::size_t end, State barrier) {
    bool some = false;
    for (std::size_t i = begin; i < end; ++i) {
      if (threads[i]->state == State::done) continue;
      if (threads[i]->state != barrier) return false;
      some = true;
    }
    for (std::size_t i = begin; i < end; ++i) {
      if (threads[i]->state == barrier) threads[i]->state = State::ready;
    }
    return some;
  }

  void run_block() {
    begin_block();
    for (bool goes_on = true; goes_on;) {
      goes_on = take_turns();
      for (std::size_t warp = 0; warp < count; warp += kWarp)
        goes_on =
            release(warp, std::min<std::size_t>(warp + kWarp, count), State::at_warp_barrier) || goes_on;
      goes_on = release(0, count, State::at_block_barrier) || goes_on;
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (threads[i]->state == State::done) continue;
      threads.clear();  // they cannot be used again
      throw std::logic_error("threads of a block wait at different barriers");
    }
  }
};

Multiprocessor& multiprocessor() {
  static Multiprocessor one;
  return one;
}

/// @return the value of lane `from` of the caller's warp
float exchange(float value, unsigned from) {
  Multiprocessor& on = multiprocessor();
  const std::size_t self = on.current;
  Thread& thread = *on.threads[self];
  std::array<float, kWarp>& slots = on.exchanges[self / kWarp][thread.exchanges++ % 2];
  slots[self % kWarp] = value;
  thread.leave(State::at_warp_barrier);
  return slots[from];
}

}  // namespace

void run_blocks(dim3 grid, dim3 block, std::size_t shared_bytes, const std::function<void()>& body) {
  constexpr std::size_t kMostThreads = 1024;
  Multiprocessor& on = multiprocessor();
  on.count = std::size_t{block.x} * block.y * block.z;
  if (on.count == 0 || on.count > kMostThreads || std::size_t{grid.x} * grid.y * grid.z == 0)
    throw std::logic_error("a kernel was started with no threads, or more than a block can have");
  on.body = &body;
  while (on.threads.size() < on.count) on.threads.push_back(std::make_unique<Thread>(on.body));
  on.exchanges.resize((on.count + kWarp - 1) / kWarp);
  gridDim = grid;
  blockDim = block;
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = {x, y, z};
        on.shared.assign((shared_bytes + 7) / 8, ~std::uint64_t{0});
        on.run_block();
      }
    }
  }
}

void start_blocks(cudaStream_t stream, dim3 grid, dim3 block, std::size_t shared_bytes,
                  std::function<void()> body) {
  enqueue(stream, [=, body = std::move(body)] {
    run_blocks(grid, block, shared_bytes, body);
    return true;
  });
}

float* dynamic_shared() { return reinterpret_cast<float*>(multiprocessor().shared.data()); }

}  // namespace emulated_cuda

void __syncthreads() {
  emulated_cuda::Multiprocessor& on = emulated_cuda::multiprocessor();
  on.threads[on.current]->leave(emulated_cuda::State::at_block_barrier);
}

float __shfl_sync(unsigned /*mask*/, float value, int lane) {
  return emulated_cuda::exchange(value, static_cast<unsigned>(lane) % emulated_cuda::kWarp);
}

float __shfl_xor_sync(unsigned /*mask*/, float value, int lanes) {
  const auto self = static_cast<unsigned>(emulated_cuda::multiprocessor().current);
  return emulated_cuda::exchange(value, (self ^ static_cast<unsigned>(lanes)) % emulated_cuda::kWarp);
}
