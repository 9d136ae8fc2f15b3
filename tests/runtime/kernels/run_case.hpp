#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/device/reference/reference_device.hpp"
#include "tests/support/catch.hpp"

// Runs one kernel call with its operands on any device. All tests of kernels use it.

namespace foreshard::test {

using Numbers = std::vector<double>;

/// A buffer of a call, and its contents before the call. Empty: the operand is absent.
template <class Call>
struct Bound {
  Buffer Call::*buffer;
  Numbers values;
  DType type = DType::fp32;
};

template <class Call>
struct Case {
  Call call;
  std::vector<Bound<Call>> operands;
  /// Operands that share memory: with {dx, residual} the call runs in place.
  std::vector<std::pair<Buffer Call::*, Buffer Call::*>> same = {};
};

/// Runs the call. Returns the contents of every operand after it.
template <class Call>
std::vector<Numbers> run_case(Device& device, const Case<Call>& one) {
  Call call = one.call;
  std::vector<std::unique_ptr<DeviceMemory>> memory;
  for (const Bound<Call>& operand : one.operands) {
    if (operand.values.empty()) continue;
    const auto elements = static_cast<std::int64_t>(operand.values.size());
    const DType type = device.stored_as(operand.type);
    memory.push_back(device.allocate(bytes_of(type, elements).value()));
    call.*operand.buffer = Buffer{memory.back()->data(), elements, type};
    device.write(call.*operand.buffer, operand.values.data());
  }
  for (const auto& [present, further] : one.same) call.*further = call.*present;
  device.run(call);
  std::vector<Numbers> results;
  for (const Bound<Call>& operand : one.operands) {
    results.emplace_back(operand.values.size());
    device.read(call.*operand.buffer, results.back().data());
  }
  return results;
}

/// ‖a − b‖ / ‖b‖, or ‖a‖ if b is zero.
inline double distance(const Numbers& a, const Numbers& b) {
  double difference = 0.0;
  double norm = 0.0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  return std::sqrt(norm > 0.0 ? difference / norm : difference);
}

/// Draws fp32 numbers from [−1, 1), the same on every machine.
class Draw {
 public:
  explicit Draw(std::uint32_t seed) : engine_(seed) {}
  Numbers numbers(std::int64_t count, double scale = 1.0) {
    Numbers drawn(static_cast<std::size_t>(count));
    for (double& x : drawn)
      x = static_cast<float>(scale * (static_cast<double>(engine_()) / 2147483648.0 - 1.0));
    return drawn;
  }
  /// Whole numbers first … last.
  Numbers integers(std::int64_t count, std::int64_t first, std::int64_t last) {
    Numbers drawn(static_cast<std::size_t>(count));
    for (double& x : drawn)
      x = static_cast<double>(first + static_cast<std::int64_t>(engine_()) % (last - first + 1));
    return drawn;
  }

 private:
  std::mt19937 engine_;
};

/// Compares `gradient` with finite differences: the derivative of Σ weights·result of the forward case with
/// respect to its operand `input`. Central differences in fp64: truncation and rounding errors are below 1e-8
/// of the gradient.
template <class Call>
void check_gradient(Case<Call> forward, std::size_t input, std::size_t result, const Numbers& weights,
                    const Numbers& gradient) {
  constexpr double kStep = 1e-5;
  ReferenceDevice reference;
  const auto weighted = [&] {
    const Numbers values = run_case(reference, forward)[result];
    double sum = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) sum += weights[i] * values[i];
    return sum;
  };
  Numbers differences;
  for (double& x : forward.operands[input].values) {
    const double before = x;
    x = before + kStep;
    const double above = weighted();
    x = before - kStep;
    differences.push_back((above - weighted()) / (2.0 * kStep));
    x = before;
  }
  CHECK(distance(gradient, differences) <= 1e-7);
}

}  // namespace foreshard::test
