// Answers of strangers, in pieces: however they are cut, the same elements come; and they are those that the
// parser finds in the whole.

#include "json/element_stream.h"
#include "json/parser.h"
#include "json/writer.h"

#include <cstdlib>
#include <vector>

namespace {

using namespace divan::json;

struct Taken {
    std::vector<std::string> elements;
    bool ok = true;
    std::optional<Value> rest;
};

Taken take(std::string_view text, std::size_t step) {
    ElementStream stream("r");
    Taken taken;
    for (std::size_t at = 0; at < text.size() && taken.ok; at += step) {
        taken.ok = stream.feed(text.substr(at, step)).ok();
        while (auto element = stream.next())
            taken.elements.push_back(std::move(*element));
    }
    if (auto rest = stream.finish(); taken.ok && rest.ok())
        taken.rest = std::move(*rest);
    return taken;
}

// Of a text that is one JSON object with one array `r`: the elements are the array's.
void check_against_parser(std::string_view text, const Taken &taken) {
    auto whole = divan::json::parse(text);
    if (!whole.ok() || !whole->is_object())
        return;
    const auto *array = whole->object().find("r");
    if (array == nullptr || !array->is_array() || !taken.rest)
        return;
    Array parsed;
    for (const auto &element : taken.elements) {
        auto value = divan::json::parse(element);
        if (!value.ok())
            std::abort();
        parsed.push_back(std::move(*value));
    }
    // A member that stands twice: the parser keeps one of them.
    if (text.find("\"r\"") == text.rfind("\"r\"") && to_text(Value(parsed)) != to_text(*array))
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char *>(data), size);
    auto whole = take(text, std::max<std::size_t>(size, 1));
    for (std::size_t step : {1u, 7u}) {
        auto pieces = take(text, step);
        if (pieces.ok != whole.ok || (whole.ok && pieces.elements != whole.elements) ||
            pieces.rest.has_value() != whole.rest.has_value())
            std::abort();
    }
    check_against_parser(text, whole);
    return 0;
}
