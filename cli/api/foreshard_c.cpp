#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <utility>

#include "cli/api/call_json.hpp"
#include "cli/api/foreshard.h"

const char* foreshard_call(const char* request) { return foreshard_call_heard(request, nullptr, nullptr); }

const char* foreshard_call_heard(const char* request, foreshard_listener listener, void* context) {
  std::function<bool(const std::string&)> hear;
  if (listener != nullptr)
    hear = [listener, context](const std::string& event) { return listener(event.c_str(), context) == 0; };
  const std::string answer = foreshard::cli::call(request != nullptr ? request : "", std::move(hear));
  auto* const copy = static_cast<char*>(std::malloc(answer.size() + 1));
  if (copy == nullptr) std::abort();
  std::memcpy(copy, answer.c_str(), answer.size() + 1);
  return copy;
}

void foreshard_free(const char* answer) { std::free(const_cast<char*>(answer)); }

const char* foreshard_version() { return FORESHARD_VERSION; }
