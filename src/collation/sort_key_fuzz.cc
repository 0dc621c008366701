// Two JSON texts, a line break between them: the order of their sort keys is the order of compare(), of a
// text and of its value the key is the same, and none is the prefix of another.

#include "collation/sort_key.h"
#include "json/parser.h"
#include "json/writer.h"

#include <cstdlib>

namespace {

using divan::collation::Order;

int sign(int number) {
    return (number > 0) - (number < 0);
}

void require(bool condition) {
    if (!condition)
        std::abort();
}

std::string key_of(const divan::json::Value &value, Order order) {
    auto key = divan::collation::sort_key(value, order);
    std::string of_text;
    divan::collation::append_sort_key(of_text, std::string_view(divan::json::to_text(value)), order);
    require(key == of_text);
    return key;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char *>(data), size);
    // Texts that are not canonical have some key.
    std::string ignored;
    divan::collation::append_sort_key(ignored, text);
    auto split = text.find('\n');
    if (split == std::string_view::npos)
        return 0;
    divan::json::ParseOptions options;
    options.depth_max = 200;
    auto left = divan::json::parse(text.substr(0, split), options);
    auto right = divan::json::parse(text.substr(split + 1), options);
    if (!left.ok() || !right.ok())
        return 0;
    for (auto order : {Order::unicode, Order::raw}) {
        auto a = key_of(*left, order), b = key_of(*right, order);
        require(sign(a.compare(b)) == sign(divan::collation::compare(*left, *right, order)));
        require(a == b || (!a.starts_with(b) && !b.starts_with(a)));
    }
    return 0;
}
