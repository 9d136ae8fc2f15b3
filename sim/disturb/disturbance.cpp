#include "sim/disturb/disturbance.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include <fmt/format.h>

#include "planner/units/mixed_bits.hpp"

namespace foreshard {

namespace {

/// Names the quantity that is drawn: each has its own stream of random numbers, so draws are independent.
enum class Stream : std::uint64_t { straggles, by_how_much, spread, jitter };

/// A uniform random number in (0, 1] that depends only on seed, stream and counter.
double uniform(std::uint64_t seed, Stream stream, std::uint64_t counter) {
  constexpr double kUnit = 0x1.0p-53;
  const std::uint64_t key = mixed_bits(seed ^ mixed_bits(static_cast<std::uint64_t>(stream)));
  return kUnit * static_cast<double>((mixed_bits(key ^ mixed_bits(counter)) >> 11U) + 1);
}

/// A standard normal random number. Source: Box and Muller 1958.
double normal(std::uint64_t seed, Stream stream, std::uint64_t counter) {
  const double radius = std::sqrt(-2.0 * std::log(uniform(seed, stream, 2 * counter)));
  return radius * std::cos(2.0 * std::numbers::pi * uniform(seed, stream, 2 * counter + 1));
}

/// A lognormal value with mean 1, from a standard normal z.
double lognormal(double sigma, double z) { return std::exp(sigma * z - 0.5 * sigma * sigma); }

/// The speed 1/factor, limited to the range that the engine can represent.
Speed speed_of(double factor) {
  const double parts = std::clamp(static_cast<double>(Speed::kFull) / factor, 1.0, 1e12);
  return {std::llround(parts)};
}

}  // namespace

SimTime Disturbance::jittered(SimTime duration, Rank rank, std::uint32_t run) const {
  if (jitter <= 0.0) return duration;
  const std::uint64_t counter = static_cast<std::uint64_t>(rank.value()) << 32U | run;
  const double factor = lognormal(jitter, normal(seed, Stream::jitter, counter));
  return checked_sim_time(std::round(static_cast<double>(duration.picoseconds()) * factor));
}

Disturbance draw(const DisturbanceSpec& spec, std::int64_t ranks, std::uint64_t seed) {
  Disturbance drawn{.speeds = {}, .jitter = spec.jitter, .seed = seed};
  std::vector<double> factors(static_cast<std::size_t>(ranks), 1.0);
  for (std::size_t rank = 0; rank < factors.size(); ++rank) {
    if (spec.spread > 0.0) factors[rank] *= lognormal(spec.spread, normal(seed, Stream::spread, rank));
    const auto& stragglers = spec.stragglers;
    if (stragglers && uniform(seed, Stream::straggles, rank) <= stragglers->share) {
      const double at = uniform(seed, Stream::by_how_much, rank);
      factors[rank] *= stragglers->least + at * (stragglers->most - stragglers->least);
    }
  }
  for (const DisturbanceSpec::Slowdown& slowdown : spec.slowdowns) {
    if (slowdown.first.value() < 0 || slowdown.last.value() >= ranks) {
      throw std::out_of_range(
          fmt::format("rank {} is not one of the job's {} ranks",
                      slowdown.first.value() < 0 ? slowdown.first.value() : slowdown.last.value(), ranks));
    }
    for (std::size_t rank = slowdown.first.at(); rank <= slowdown.last.at(); ++rank)
      factors[rank] *= slowdown.factor;
  }
  drawn.speeds.reserve(factors.size());
  for (const double factor : factors) drawn.speeds.push_back(speed_of(factor));
  return drawn;
}

}  // namespace foreshard
