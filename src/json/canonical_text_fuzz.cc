// Whatever parses is read by walking over its text as it is in the tree; other texts are read to some end.

#include "json/canonical_text.h"
#include "json/parser.h"
#include "json/writer.h"

#include <cstdlib>

namespace {

using namespace divan::json;

void require(bool condition) {
    if (!condition)
        std::abort();
}

void require_same(const Value &value, std::string_view text) {
    if (value.is_object()) {
        MemberReader members(text);
        for (const auto &member : value.object()) {
            require(members.next());
            std::string key;
            append_unescaped(key, members.key());
            require(key == member.key);
            require_same(member.value, members.value());
        }
        require(!members.next());
    } else if (value.is_array()) {
        ElementReader elements(text);
        for (const auto &element : value.array()) {
            require(elements.next());
            require_same(element, elements.value());
        }
        require(!elements.next());
    } else {
        require(text == to_text(value));
    }
}

void walk(std::string_view text) {
    MemberReader members(text);
    while (members.next()) {
        std::string key;
        append_unescaped(key, members.key());
        require(members.value().size() <= text.size());
    }
    ElementReader elements(text);
    while (elements.next())
        require(elements.value().size() <= text.size());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    walk(text);
    ParseOptions options;
    options.depth_max = 200;
    if (auto value = parse(text, options); value.ok()) {
        const auto canonical = to_text(*value) + ",1]";
        const char *end = skip_value(canonical.data(), canonical.data() + canonical.size());
        require(static_cast<std::size_t>(end - canonical.data()) == canonical.size() - 3);
        require_same(*value, std::string_view(canonical).substr(0, canonical.size() - 3));
    }
    return 0;
}
