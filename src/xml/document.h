#pragma once

// XML as messages of protocols use it, read into values. What such messages have no use for and attacks live
// of is refused: document types, entities, processing instructions, comments, other encodings than UTF-8.

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace divan::xml {

struct Limits {
    std::size_t bytes_max = 256 * 1024;
    std::size_t depth_max = 64;
    std::size_t elements_max = 20'000;
    // Comments and processing instructions are passed over: the text before and behind them is one. Files
    // that people edit have them.
    bool allow_comments = false;
};

struct Attribute {
    std::string space; // empty: none
    std::string name;
    std::string value;
};

struct Element {
    std::string space; // the namespace, not its prefix
    std::string name;
    std::vector<Attribute> attributes;
    std::vector<Element> children;
    std::string text; // what stands directly in it, in one piece

    [[nodiscard]] bool is(std::string_view of_space, std::string_view of_name) const {
        return space == of_space && name == of_name;
    }
    // Of an attribute without a namespace; null if it is absent.
    [[nodiscard]] const std::string *attribute(std::string_view of_name) const;
    // The first one; null if there is none.
    [[nodiscard]] const Element *child(std::string_view of_space, std::string_view of_name) const;
    [[nodiscard]] std::vector<const Element *> all(std::string_view of_space, std::string_view of_name) const;
    // How many there are in it, itself included, however deep.
    [[nodiscard]] std::size_t count(std::string_view of_space, std::string_view of_name) const;
    // The text without white space around it.
    [[nodiscard]] std::string_view trimmed() const;
};

// The root. Errors: bad_request with what is wrong, in words that end no sentence and show nothing of the
// text. Thread-safe.
[[nodiscard]] Result<Element> parse(std::string_view text, const Limits &limits);

// For between tags, and for values of attributes between double quotes.
[[nodiscard]] std::string escape(std::string_view text);

} // namespace divan::xml
