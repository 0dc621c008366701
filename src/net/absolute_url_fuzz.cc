// URLs from outside: what is taken apart can be put together to the same, and no error shows a password.

#include "base/encoding.h"
#include "net/absolute_url.h"

#include <cstdlib>

namespace {

using divan::net::AbsoluteUrl;

std::string put_together(const AbsoluteUrl &url) {
    std::string text = url.scheme + "://";
    if (!url.user.empty() || !url.password.empty())
        text += divan::percent_encode(url.user) + ":" + divan::percent_encode(url.password) + "@";
    return text + divan::net::authority(url.host, url.port) + url.path;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    std::string text(reinterpret_cast<const char *>(data), size);
    auto url = AbsoluteUrl::parse(text);
    if (auto broken = AbsoluteUrl::parse("http://u:password@:" + text);
        !broken.ok() && broken.error().reason().find("password") != std::string::npos)
        std::abort();
    // A name at the limit grows by its port.
    if (!url.ok() || size > 1'000)
        return 0;
    auto again = AbsoluteUrl::parse(put_together(*url));
    if (!again.ok() || again->scheme != url->scheme || again->host != url->host || again->port != url->port ||
        again->path != url->path || again->user != url->user || again->password != url->password)
        std::abort();
    return 0;
}
