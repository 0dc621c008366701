#include "access/handlers.h"

#include <fmt/format.h>

namespace divan::access {
namespace {

struct Known {
    std::string_view name;
    Handler handler;
};
constexpr Known kKnown[] = {{"cookie", Handler::cookie},
                            {"default", Handler::password},
                            {"proxy", Handler::proxy},
                            {"jwt", Handler::jwt},
                            {"certificate", Handler::certificate}};

constexpr std::string_view kSuffixes[] = {"_authentication_handler", "_authentification_handler"};
constexpr std::string_view kModules[] = {"chttpd_auth", "couch_httpd_auth"};

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string_view without_suffix(std::string_view word) {
    for (auto suffix : kSuffixes)
        if (word.ends_with(suffix))
            return word.substr(0, word.size() - suffix.size());
    return word;
}

bool is_module(std::string_view word) {
    return word == kModules[0] || word == kModules[1];
}

} // namespace

std::string_view handler_name(Handler handler) {
    return kKnown[static_cast<std::size_t>(handler)].name;
}

Result<std::vector<Handler>> parse_handlers(std::string_view text) {
    std::vector<Handler> handlers;
    while (!text.empty()) {
        if (!is_word(text.front())) {
            if (std::string_view(" \t,{}").find(text.front()) == std::string_view::npos)
                return Error(ErrorCode::bad_request, fmt::format("`{}` is no list of handlers.", text));
            text.remove_prefix(1);
            continue;
        }
        std::size_t size = 0;
        while (size < text.size() && is_word(text[size]))
            ++size;
        auto word = text.substr(0, size);
        text.remove_prefix(size);
        if (is_module(word))
            continue;
        auto name = without_suffix(word);
        const Known *found = nullptr;
        for (const auto &known : kKnown)
            if (known.name == name)
                found = &known;
        if (found == nullptr)
            return Error(ErrorCode::bad_request, fmt::format("`{}` is no handler. There are: cookie, "
                                                             "default (passwords), proxy, jwt, certificate.",
                                                             word));
        handlers.push_back(found->handler);
    }
    return handlers;
}

} // namespace divan::access
