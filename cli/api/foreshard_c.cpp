#include <cstdlib>
#include <cstring>
#include <string>

#include "cli/api/call_json.hpp"
#include "cli/api/foreshard.h"

const char* foreshard_call(const char* request) {
  const std::string answer = foreshard::cli::call(request != nullptr ? request : "");
  auto* const copy = static_cast<char*>(std::malloc(answer.size() + 1));
  if (copy == nullptr) std::abort();
  std::memcpy(copy, answer.c_str(), answer.size() + 1);
  return copy;
}

void foreshard_free(const char* answer) { std::free(const_cast<char*>(answer)); }

const char* foreshard_version() { return FORESHARD_VERSION; }
