#include "net/absolute_url.h"

#include "base/encoding.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace divan::net {
namespace {

constexpr std::size_t kUrlBytesMax = 8'192;

Error malformed(const char *what) {
    return {ErrorCode::bad_request, what};
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char &c : out)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
}

std::string decoded(std::string_view text) {
    return percent_decode(text, false).value_or(std::string(text));
}

bool is_visible(char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) != 0x7f;
}

std::string encoded_path(std::string_view path) {
    std::string out;
    for (char c : path) {
        if (is_visible(c) && static_cast<unsigned char>(c) < 0x80)
            out.push_back(c);
        else
            out.append(percent_encode(std::string_view(&c, 1)));
    }
    while (out.ends_with('/'))
        out.pop_back();
    return out;
}

bool is_host(std::string_view host, bool bracketed) {
    return std::all_of(host.begin(), host.end(), [&](char c) {
        return is_visible(c) && std::string_view("/\\?#@[]<>\"").find(c) == std::string_view::npos &&
               (bracketed || c != ':');
    });
}

// "", ":", ":5984"
Result<void> read_port(std::string_view text, AbsoluteUrl &url) {
    url.port = url.scheme == "https" ? 443 : 80;
    if (text.empty() || text == ":")
        return {};
    if (text.front() != ':')
        return malformed("something stands between the host and the path");
    auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), url.port);
    if (error != std::errc() || end != text.data() + text.size() || url.port == 0)
        return malformed("the port is not a number from 1 to 65535");
    return {};
}

// "host:port", "[::1]:port"
Result<void> read_host(std::string_view text, AbsoluteUrl &url) {
    std::string_view port;
    bool bracketed = text.starts_with('[');
    if (bracketed) {
        auto end = text.find(']');
        if (end == std::string_view::npos)
            return malformed("a bracket is missing");
        url.host = lower(text.substr(1, end - 1));
        port = text.substr(end + 1);
    } else {
        auto colon = std::min(text.find(':'), text.size());
        url.host = lower(text.substr(0, colon));
        port = text.substr(colon);
    }
    if (url.host.empty())
        return malformed("the host is missing");
    if (!is_host(url.host, bracketed))
        return malformed("the host has a character that no host has");
    return read_port(port, url);
}

} // namespace

Result<AbsoluteUrl> AbsoluteUrl::parse(std::string_view text) {
    AbsoluteUrl url;
    if (text.size() > kUrlBytesMax)
        return malformed("it is longer than 8192 bytes");
    auto colon = text.find("://");
    if (colon == std::string_view::npos)
        return malformed("http:// is missing");
    url.scheme = lower(text.substr(0, colon));
    text.remove_prefix(colon + 3);
    auto slash = std::min(text.find_first_of("/?#"), text.size());
    auto host = text.substr(0, slash);
    auto path = text.substr(slash);
    if (path.find_first_of("?#") != std::string_view::npos)
        return malformed("a query or a fragment belongs to no name");
    if (auto at = host.rfind('@'); at != std::string_view::npos) {
        auto pair = host.substr(0, at);
        auto middle = std::min(pair.find(':'), pair.size());
        url.user = decoded(pair.substr(0, middle));
        url.password = decoded(pair.substr(std::min(middle + 1, pair.size())));
        host.remove_prefix(at + 1);
    }
    DIVAN_TRY_VOID(read_host(host, url));
    url.path = encoded_path(path);
    return url;
}

std::string authority(std::string_view host, std::uint16_t port) {
    return host.find(':') == std::string_view::npos ? fmt::format("{}:{}", host, port)
                                                    : fmt::format("[{}]:{}", host, port);
}

std::string authority(std::string_view host, std::uint16_t port, std::uint16_t default_port) {
    auto text = authority(host, port);
    if (port == default_port)
        text.resize(text.rfind(':'));
    return text;
}

std::string basic_credentials(std::string_view user, std::string_view password) {
    return "Basic " + base64_encode(fmt::format("{}:{}", user, password));
}

} // namespace divan::net
