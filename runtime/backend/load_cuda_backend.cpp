#include "runtime/backend/load_cuda_backend.hpp"

#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

namespace foreshard {
namespace {

constexpr const char* kLibrary = "libforeshard-cuda.so";

std::filesystem::path library_path() {
  if (const char* named = std::getenv("FORESHARD_CUDA_LIBRARY"); named != nullptr && *named != '\0')
    return named;
  std::error_code problem;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", problem);
  const std::filesystem::path in_same_folder = program.parent_path() / kLibrary;
  if (std::filesystem::exists(in_same_folder)) return in_same_folder;
  const std::filesystem::path installed = program.parent_path().parent_path() / FORESHARD_LIBDIR / kLibrary;
  if (std::filesystem::exists(installed)) return installed;
  throw std::runtime_error(fmt::format(
      "this foreshard was built without GPUs: there is no {} beside {}\nhint: build it where nvcc, cuBLASLt "
      "and NCCL are found, or name the library in FORESHARD_CUDA_LIBRARY",
      kLibrary, program.string()));
}

const CudaBackend* load() {
  const std::filesystem::path path = library_path();
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    throw std::runtime_error(
        fmt::format("the runtime on GPUs does not load: {}\nhint: CUDA's libraries must be found: "
                    "say where they are in LD_LIBRARY_PATH",
                    dlerror()));
  using Entry = const CudaBackend* (*)();
  const auto entry = reinterpret_cast<Entry>(dlsym(library, kCudaBackendEntry));
  if (entry == nullptr)
    throw std::runtime_error(fmt::format("'{}' is no library of foreshard: {}", path.string(), dlerror()));
  return entry();
}

}  // namespace

const CudaBackend& cuda_backend() {
  static const CudaBackend* backend = load();
  return *backend;
}

}  // namespace foreshard
