#include "cli/password_hiding.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace divan::cli {
namespace {

void cover(char *begin, const char *end) {
    for (char *c = begin; c < end; ++c)
        *c = '*';
}

// http://NAME:PASSWORD@HOST; a password may hold any character but a slash, if it is not encoded.
void hide_in_url(char *value) {
    constexpr const char *kScheme = "://";
    for (char *scheme = std::strstr(value, kScheme); scheme != nullptr;) {
        char *login = scheme + std::strlen(kScheme);
        char *next = std::strstr(login, kScheme);
        // The last @ before the next URL: a password that was not encoded is hidden, too.
        std::string_view rest(login,
                              next == nullptr ? std::strlen(login) : static_cast<std::size_t>(next - login));
        auto at = rest.rfind('@');
        auto colon = rest.find(':');
        if (at != std::string_view::npos && colon < at)
            cover(login + colon + 1, login + at);
        scheme = next;
    }
}

// NAME:PASSWORD
void hide_in_login(char *value) {
    if (char *colon = std::strchr(value, ':'); colon != nullptr)
        cover(colon + 1, colon + std::strlen(colon));
}

} // namespace

void hide_passwords(int argc, char **argv) {
    constexpr std::string_view kAdmin = "--admin";
    for (int i = 1; i < argc; ++i) {
        std::string_view argument(argv[i]);
        if (argument == kAdmin && i + 1 < argc)
            hide_in_login(argv[++i]);
        else if (argument.starts_with(kAdmin) && argument.substr(kAdmin.size()).starts_with("="))
            hide_in_login(argv[i] + kAdmin.size() + 1);
        else
            hide_in_url(argv[i]);
    }
}

std::string without_passwords(std::string message) {
    hide_in_url(message.data());
    return message;
}

} // namespace divan::cli
