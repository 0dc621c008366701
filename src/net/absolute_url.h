#pragma once

// Absolute URLs of servers and databases (RFC 3986), and what requests say of them.

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace divan::net {

// "SCHEME://NAME:PASSWORD@HOST:PORT/PATH", taken apart. Without query and fragment.
struct AbsoluteUrl {
    std::string scheme;     // lower case
    std::string host;       // lower case; an address of IPv6 without its brackets
    std::uint16_t port = 0; // if none is named: 443 of https, else 80
    std::string path;       // encoded, without slashes at its end; what no request line can hold is encoded
    std::string user;       // decoded; what is no proper escape is taken as it stands
    std::string password;   // the same

    // Any scheme. Errors: bad_request with what is wrong, in words that end no sentence: "the host is
    // missing". They never show the text, which may hold a password.
    [[nodiscard]] static Result<AbsoluteUrl> parse(std::string_view text);
};

// "host:5984", with brackets around an address of IPv6.
[[nodiscard]] std::string authority(std::string_view host, std::uint16_t port);
// The same without the port if it is `default_port`.
[[nodiscard]] std::string authority(std::string_view host, std::uint16_t port, std::uint16_t default_port);

// The value of an Authorization header (RFC 7617).
[[nodiscard]] std::string basic_credentials(std::string_view user, std::string_view password);

} // namespace divan::net
