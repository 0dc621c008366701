#include "net/loopback.h"

#include <algorithm>

namespace divan::net {

bool is_loopback(std::string_view host) {
    if (host == "localhost" || host == "::1" || host.ends_with(".localhost"))
        return true;
    // "127.example" is a name.
    return host.starts_with("127.") &&
           std::all_of(host.begin(), host.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

} // namespace divan::net
