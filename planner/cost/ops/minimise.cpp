#include "planner/cost/ops/minimise.hpp"

#include <algorithm>
#include <cmath>

namespace foreshard {
namespace {

using Point = std::vector<double>;
using Cost = std::function<double(const Point&)>;

constexpr int kIterationsPerCoordinate = 150;
// The costs are sums of absolute values, which have creases where a simplex can become flat and stop. So each
// round starts a new simplex at the best point found, with steps of either sign and of several lengths.
constexpr double kScales[] = {1.0, -1.0, 3.0, -3.0, 0.3, -0.3};
constexpr int kRounds = 4;

struct Corner {
  Point point;
  double cost;
};

class Simplex {
 public:
  Simplex(const std::vector<Coordinate>& space, const Cost& cost, const Point& centre, double scale)
      : space_(space), cost_(cost) {
    add(centre);
    for (std::size_t i = 0; i < space.size(); ++i) {
      Point corner = centre;
      // If the corner lies on a bound, the step goes away from it.
      const double step = scale * space[i].step;
      const double moved = corner[i] + step;
      corner[i] += moved > space[i].most || moved < space[i].least ? -step : step;
      add(corner);
    }
  }

  Corner run() {
    for (std::size_t i = 0; i < kIterationsPerCoordinate * space_.size(); ++i) improve();
    sort();
    return vertices_.front();
  }

 private:
  void add(const Point& point) { vertices_.push_back(at(point)); }

  [[nodiscard]] Corner at(Point point) const {
    for (std::size_t i = 0; i < point.size(); ++i)
      point[i] = std::clamp(point[i], space_[i].least, space_[i].most);
    const double cost = cost_(point);
    return {std::move(point), cost};
  }

  void sort() {
    std::stable_sort(vertices_.begin(), vertices_.end(),
                     [](const Corner& a, const Corner& b) { return a.cost < b.cost; });
  }

  /// The worst vertex moved through the centre of the others by a factor: 1 reflects it, 2 goes twice as far,
  /// −½ contracts it halfway towards the centre.
  [[nodiscard]] Corner moved(const Point& centre, double by) const {
    Point point = centre;
    for (std::size_t i = 0; i < point.size(); ++i) point[i] += by * (centre[i] - vertices_.back().point[i]);
    return at(std::move(point));
  }

  [[nodiscard]] Point centre_of_others() const {
    Point centre(space_.size(), 0.0);
    for (std::size_t v = 0; v + 1 < vertices_.size(); ++v)
      for (std::size_t i = 0; i < centre.size(); ++i)
        centre[i] += vertices_[v].point[i] / static_cast<double>(space_.size());
    return centre;
  }

  void improve() {
    sort();
    const Point centre = centre_of_others();
    Corner reflected = moved(centre, 1.0);
    if (reflected.cost < vertices_.front().cost) {
      Corner expanded = moved(centre, 2.0);
      vertices_.back() = expanded.cost < reflected.cost ? std::move(expanded) : std::move(reflected);
    } else if (reflected.cost < vertices_[vertices_.size() - 2].cost) {
      vertices_.back() = std::move(reflected);
    } else if (Corner contracted = moved(centre, -0.5); contracted.cost < vertices_.back().cost) {
      vertices_.back() = std::move(contracted);
    } else {
      shrink();
    }
  }

  void shrink() {
    const Point best = vertices_.front().point;
    for (std::size_t v = 1; v < vertices_.size(); ++v) {
      Point point = vertices_[v].point;
      for (std::size_t i = 0; i < point.size(); ++i) point[i] = 0.5 * (point[i] + best[i]);
      vertices_[v] = at(std::move(point));
    }
  }

  const std::vector<Coordinate>& space_;
  const Cost& cost_;
  std::vector<Corner> vertices_;
};

}  // namespace

std::vector<double> minimise(const std::vector<Coordinate>& space, const Cost& cost) {
  Point centre(space.size());
  std::transform(space.begin(), space.end(), centre.begin(),
                 [](const Coordinate& c) { return std::clamp(c.start, c.least, c.most); });
  Corner best{centre, cost(centre)};
  for (int round = 0; round < kRounds; ++round) {
    for (const double scale : kScales) {
      const Corner found = Simplex(space, cost, best.point, scale).run();
      if (found.cost < best.cost) best = found;
    }
  }
  return best.point;
}

double rounded(double value, int digits) {
  if (value == 0.0) return 0.0;
  const double scale = std::pow(10.0, digits - 1 - static_cast<int>(std::floor(std::log10(std::abs(value)))));
  return std::round(value * scale) / scale;
}

}  // namespace foreshard
