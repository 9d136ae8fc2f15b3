#include "tests/planner/cost/count_allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

// The replacements are in a file of their own: if they were inlined into their callers, GCC would report
// malloc and free as a mismatched pair.

namespace {
std::atomic<std::size_t> allocations{0};
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

std::size_t foreshard::test::allocations_so_far() { return allocations; }
