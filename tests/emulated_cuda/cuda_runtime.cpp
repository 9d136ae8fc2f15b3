// Emulates one GPU. Streams are queues; waiting for any stream runs the work of all streams.
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <sched.h>
#include <utility>
#include <vector>

#include "tests/emulated_cuda/stream.hpp"

struct EmulatedStream {
  std::deque<emulated_cuda::Work> queue;
};

namespace {

constexpr std::size_t kMemory = std::size_t{1} << 30U;

/// One recording of an event.
struct Point {
  bool is_reached = false;
  std::chrono::steady_clock::time_point time;
};

struct Streams {
  std::vector<EmulatedStream*> all;
  std::minstd_rand draw{1};

  /// Some of the streams run some of their work.
  void run_some() {
    bool some = false;
    const std::size_t first = all.empty() ? 0 : draw() % all.size();
    for (std::size_t i = 0; i < all.size(); ++i) {
      EmulatedStream& stream = *all[(first + i) % all.size()];
      for (std::size_t most = draw() % 4; most > 0 && !stream.queue.empty(); --most) {
        if (!stream.queue.front()()) break;
        stream.queue.pop_front();
        some = true;
      }
    }
    if (!some) sched_yield();  // lets other ranks run
  }
  void finish(const EmulatedStream& stream) {
    while (!stream.queue.empty()) run_some();
  }
  void finish() {
    for (const EmulatedStream* stream : all) finish(*stream);
  }
};

Streams& streams() {
  static Streams all;
  return all;
}

}  // namespace

struct EmulatedEvent {
  std::shared_ptr<Point> last;  // null before the first recording
};

void emulated_cuda::enqueue(cudaStream_t stream, Work work) { stream->queue.push_back(std::move(work)); }

const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorMemoryAllocation ? "out of memory" : "an emulated GPU's error";
}
const char* cudaGetErrorName(cudaError_t error) {
  return error == cudaErrorMemoryAllocation ? "cudaErrorMemoryAllocation" : "cudaError";
}
cudaError_t cudaGetLastError() { return cudaSuccess; }

cudaError_t cudaDriverGetVersion(int* version) {
  *version = 0;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 0;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidValue; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int /*device*/) {
  *properties = {"emulated GPU", 0, 0, 4};
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr /*attribute*/, int /*device*/) {
  *value = 4;
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *free = *total = kMemory;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  constexpr std::size_t kAlignment = 256;
  if (bytes > kMemory) return cudaErrorMemoryAllocation;
  *memory = std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  if (*memory == nullptr) return cudaErrorMemoryAllocation;
  std::memset(*memory, 0xFF, bytes);
  return cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
  streams().finish();
  std::free(memory);
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind /*kind*/) {
  std::memmove(to, from, bytes);
  return cudaSuccess;
}
/// Like CUDA with pageable memory: a copy from the host has read the source when this returns, a copy to the
/// host is done.
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (kind == cudaMemcpyHostToDevice) {
    const auto* begin = static_cast<const unsigned char*>(from);
    emulated_cuda::enqueue(stream, [to, taken = std::vector<unsigned char>(begin, begin + bytes)] {
      std::memcpy(to, taken.data(), taken.size());
      return true;
    });
    return cudaSuccess;
  }
  emulated_cuda::enqueue(stream, [=] {
    std::memmove(to, from, bytes);
    return true;
  });
  return cudaStreamSynchronize(stream);
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  emulated_cuda::enqueue(stream, [=] {
    std::memset(to, value, bytes);
    return true;
  });
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned /*flags*/) {
  *stream = new EmulatedStream;
  streams().all.push_back(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  streams().finish(*stream);
  std::erase(streams().all, stream);
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  streams().finish(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned /*flags*/) {
  if (event->last) emulated_cuda::enqueue(stream, [point = event->last] { return point->is_reached; });
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned /*flags*/) {
  *event = new EmulatedEvent;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  event->last = std::make_shared<Point>();
  emulated_cuda::enqueue(stream, [point = event->last] {
    *point = {true, std::chrono::steady_clock::now()};
    return true;
  });
  return cudaSuccess;
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (!event->last || event->last->is_reached) return cudaSuccess;
  streams().run_some();
  return event->last->is_reached ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  if (!begin->last || !end->last) return cudaErrorInvalidValue;
  if (!begin->last->is_reached || !end->last->is_reached) return cudaErrorNotReady;
  *milliseconds = std::chrono::duration<float, std::milli>(end->last->time - begin->last->time).count();
  return cudaSuccess;
}
