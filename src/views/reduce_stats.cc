// _stats: of numbers, of figures that were made before ({"sum", "count", "min", "max", "sumsqr"}), and of
// arrays of both, place by place.

#include "views/number.h"
#include "views/reduce_functions.h"
#include "json/parser.h"
#include "json/writer.h"

#include <fmt/format.h>

#include <ranges>
#include <vector>

namespace divan::views {
namespace {

constexpr char kFailure = '!';
constexpr std::size_t kQuotedBytesMax = 1'000;

// The beginning of a value, for messages.
std::string quoted(const json::Value &value) {
    auto text = json::to_text(value);
    if (text.size() <= kQuotedBytesMax)
        return text;
    auto end = kQuotedBytesMax;
    while ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) // within a character
        --end;
    return text.substr(0, end).append("...");
}

struct Figures {
    Number sum, count, min, max, sumsqr;

    static Figures of(const Number &number) {
        Figures figures{number, 1, number, number, number};
        figures.sumsqr.multiply(number);
        return figures;
    }
    // What is added is of rows before these: of equal numbers (1 and 1.0) it is the least and the greatest.
    void add(const Number &number) {
        sum.add(number);
        count.add(1);
        if (!min.less(number))
            min = number;
        if (!number.less(max))
            max = number;
        auto square = number;
        square.multiply(number);
        sumsqr.add(square);
    }
    void add(const Figures &other) {
        sum.add(other.sum);
        count.add(other.count);
        if (!min.less(other.min))
            min = other.min;
        if (!other.max.less(max))
            max = other.max;
        sumsqr.add(other.sumsqr);
    }
    [[nodiscard]] bool in_range() const {
        return sum.in_range() && count.in_range() && min.in_range() && max.in_range() && sumsqr.in_range();
    }
    void write(std::string &out) const {
        json::ObjectWriter(out)
            .raw("sum", sum.text())
            .raw("count", count.text())
            .raw("min", min.text())
            .raw("max", max.text())
            .raw("sumsqr", sumsqr.text())
            .close();
    }
};

// Figures, or an array of such.
struct Shape {
    bool is_array = false;
    Figures figures;
    std::vector<Shape> elements;
};

class Stats {
  public:
    // false: it failed.
    bool add(std::string_view text);
    // What a text stands for.
    bool read(Shape &shape, std::string_view text);
    bool add(Shape shape);
    [[nodiscard]] const std::string &failure() const { return failure_; }
    // REQUIRES: something was added, and nothing failed.
    [[nodiscard]] std::string summary() const;

  private:
    bool fail(std::string reason) {
        failure_ = std::move(reason);
        return false;
    }
    bool read(Shape &shape, const json::Value &value);
    bool read_figures(Figures &figures, const json::Object &object);
    static bool add_shape(Shape &shape, const Shape &other);
    static bool write(std::string &out, const Shape &shape);

    bool begun_ = false;
    Shape total_;
    std::string failure_;
};

bool Stats::add(std::string_view text) {
    if (!total_.is_array) {
        if (auto number = Number::parse(text)) {
            if (begun_)
                total_.figures.add(*number);
            else
                total_.figures = Figures::of(*number);
            begun_ = true;
            return true;
        }
    }
    Shape shape;
    return read(shape, text) && add(std::move(shape));
}

bool Stats::read(Shape &shape, std::string_view text) {
    auto value = parse_stored(text);
    return value ? read(shape, *value) : fail("unreadable _stats input");
}

bool Stats::add(Shape shape) {
    if (!begun_) {
        begun_ = true;
        total_ = std::move(shape);
        return true;
    }
    return add_shape(total_, shape) ||
           fail("_stats input of different shapes, or arrays of different lengths");
}

bool Stats::read(Shape &shape, const json::Value &value) {
    if (value.is_number()) {
        auto number = Number::parse(value.number_text());
        if (!number)
            return fail(fmt::format("_stats input out of range: {}", quoted(value)));
        shape.figures = Figures::of(*number);
        return true;
    }
    if (value.is_object())
        return read_figures(shape.figures, value.object());
    if (!value.is_array())
        return fail(fmt::format("non-numeric _stats input: {}", quoted(value)));
    shape.is_array = true;
    shape.elements.resize(value.array().size());
    for (std::size_t i = 0; i < shape.elements.size(); ++i)
        if (!read(shape.elements[i], value.array()[i]))
            return false;
    return true;
}

bool Stats::read_figures(Figures &figures, const json::Object &object) {
    auto read_one = [&](Number &number, std::string_view name) {
        const auto *member = object.find(name);
        if (member == nullptr)
            return fail(
                fmt::format("user _stats input missing required field {} ({})", name, quoted(object)));
        auto read = member->is_number() ? Number::parse(member->number_text()) : std::nullopt;
        if (!read)
            return fail(fmt::format("non-numeric _stats input received for {}: {}", name, quoted(*member)));
        number = std::move(*read);
        return true;
    };
    return read_one(figures.sum, "sum") && read_one(figures.count, "count") && read_one(figures.min, "min") &&
           read_one(figures.max, "max") && read_one(figures.sumsqr, "sumsqr");
}

bool Stats::add_shape(Shape &shape, const Shape &other) {
    if (shape.is_array != other.is_array || shape.elements.size() != other.elements.size())
        return false;
    if (!shape.is_array)
        shape.figures.add(other.figures);
    for (std::size_t i = 0; i < shape.elements.size(); ++i)
        if (!add_shape(shape.elements[i], other.elements[i]))
            return false;
    return true;
}

bool Stats::write(std::string &out, const Shape &shape) {
    if (!shape.is_array) {
        if (!shape.figures.in_range())
            return false;
        shape.figures.write(out);
        return true;
    }
    out.push_back('[');
    for (std::size_t i = 0; i < shape.elements.size(); ++i) {
        if (i > 0)
            out.push_back(',');
        if (!write(out, shape.elements[i]))
            return false;
    }
    out.push_back(']');
    return true;
}

std::string Stats::summary() const {
    std::string out;
    if (!write(out, total_))
        out = fmt::format("{}figures of _stats are too large for numbers", kFailure);
    return out;
}

class StatsReduce final : public BuiltinReduce {
  public:
    // From the last row to the first, as CouchDB does.
    [[nodiscard]] std::string reduce(std::span<const ReduceInput> rows) const override {
        Stats stats;
        for (const auto &row : std::views::reverse(rows))
            if (!stats.add(row.value))
                return kFailure + stats.failure();
        return stats.summary();
    }

    // A summary is what the function takes as a value, too.
    [[nodiscard]] std::string combine(std::span<const std::string_view> summaries) const override {
        Stats stats;
        for (auto summary : std::views::reverse(summaries)) {
            if (summary.starts_with(kFailure))
                return std::string(summary);
            Shape shape;
            if (!stats.read(shape, summary))
                return std::string(kDamagedSummary);
            if (!stats.add(std::move(shape)))
                return kFailure + stats.failure();
        }
        return stats.summary();
    }

    [[nodiscard]] script::Outcome finish(std::string_view summary) const override {
        if (summary.starts_with(kFailure))
            return script::FunctionError{"invalid_value", std::string(summary.substr(1))};
        Stats stats;
        if (!stats.add(summary))
            return damaged_summary();
        return stats.summary();
    }
};

} // namespace

std::unique_ptr<BuiltinReduce> make_stats_reduce() {
    return std::make_unique<StatsReduce>();
}

} // namespace divan::views
