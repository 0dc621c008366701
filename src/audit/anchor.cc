#include "audit/anchor.h"

#include "base/encoding.h"
#include "net/client.h"
#include "json/parser.h"
#include "json/writer.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <syslog.h>
#include <unistd.h>

namespace divan::audit {
namespace {

constexpr Millis kPeerConnectTimeout{2'000};
constexpr Millis kPeerAnswerTimeout{5'000};
constexpr std::size_t kPeerAnswerBytesMax = 64 << 10;

Error unreadable() {
    return {ErrorCode::corruption, "This is no anchor of an audit log."};
}

// The raw bytes of a member in hexadecimal digits; empty: there is none of this size.
std::string raw_member(const json::Object &object, std::string_view name) {
    const auto *value = object.find(name);
    auto bytes = value != nullptr && value->is_string() ? hex_decode(value->string()) : std::nullopt;
    return bytes && bytes->size() == kMacBytes ? std::move(*bytes) : std::string();
}

std::string text_member(const json::Object &object, std::string_view name) {
    const auto *value = object.find(name);
    return value != nullptr && value->is_string() ? value->string() : std::string();
}

} // namespace

std::string anchor_text(const Anchor &anchor) {
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("time", std::string_view(anchor.time))
        .member("count", anchor.head.count)
        .member("mac", std::string_view(hex_encode(anchor.head.mac)))
        .member("node", std::string_view(anchor.node))
        .member("uuid", std::string_view(anchor.head.uuid))
        .member("seal", std::string_view(hex_encode(anchor.seal)));
    writer.close();
    return text;
}

Result<Anchor> parse_anchor(std::string_view line) {
    auto value = json::parse(line, json::ParseOptions());
    if (!value.ok() || !value->is_object())
        return unreadable();
    const auto &object = value->object();
    const auto *count = object.find("count");
    auto number = count != nullptr ? count->as_int64() : std::nullopt;
    Anchor anchor;
    anchor.time = text_member(object, "time");
    anchor.node = text_member(object, "node");
    anchor.head.uuid = text_member(object, "uuid");
    anchor.head.mac = raw_member(object, "mac");
    anchor.seal = raw_member(object, "seal");
    if (!number || *number < 0 || anchor.head.mac.empty() || anchor.seal.empty())
        return unreadable();
    anchor.head.count = static_cast<std::uint64_t>(*number);
    return anchor;
}

std::vector<AnchorLine> parse_anchors(std::string_view text) {
    std::vector<AnchorLine> anchors;
    for (std::uint64_t line = 1; !text.empty(); ++line) {
        auto end = text.find('\n');
        auto one = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (auto begin = one.find('{'); begin != std::string_view::npos)
            one.remove_prefix(begin);
        if (one.find_first_not_of(" \t\r") != std::string_view::npos)
            anchors.push_back({line, parse_anchor(one)});
    }
    return anchors;
}

Result<void> append_to_file(const std::string &path, const Anchor &anchor) {
    auto failed = [&] {
        return Error(ErrorCode::storage_failed,
                     fmt::format("[audit] anchor_file {}: {}", path, std::strerror(errno)));
    };
    int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (file < 0)
        return failed();
    auto text = anchor_text(anchor) + "\n";
    // One call: lines of two servers do not mix.
    bool written =
        write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(file) == 0;
    Result<void> result;
    if (!written)
        result = failed();
    close(file);
    return result;
}

void send_to_syslog(const Anchor &anchor) {
    syslog(LOG_AUTHPRIV | LOG_NOTICE, "divan audit anchor %s", anchor_text(anchor).c_str());
}

Result<void> put_at_peer(const AnchorOptions &options, const Anchor &anchor) {
    auto failed = [](std::string_view why) {
        return Error(ErrorCode::service_unavailable, fmt::format("[audit] anchor_peer: {}", why));
    };
    auto url = net::ServerUrl::parse(options.peer);
    if (!url.ok())
        return failed(url.error().reason());
    net::ClientOptions limits;
    limits.connect_timeout = kPeerConnectTimeout;
    limits.answer_timeout = kPeerAnswerTimeout;
    limits.body_bytes_max = kPeerAnswerBytesMax;
    limits.tls_options.ca_file = options.peer_ca_file;
    if (!options.peer_user.empty()) {
        url->user = options.peer_user;
        url->password = options.peer_password->reveal();
    }
    auto shown = url->shown();
    net::ClientRequest request;
    request.method = "PUT";
    // Sorted by count; the same anchor twice is the same document.
    request.target = fmt::format("/anchor-{}-{:020}", percent_encode(anchor.head.uuid), anchor.head.count);
    request.headers.add("Content-Type", "application/json");
    request.body = anchor_text(anchor);
    net::Client client(std::move(*url), limits);
    auto answer = client.send(request);
    if (!answer.ok())
        return failed(fmt::format("{}: {}", shown, answer.error().reason()));
    // 409: it is there already, of an attempt whose answer was lost.
    if (answer->status != 201 && answer->status != 202 && answer->status != 409)
        return failed(fmt::format("{} answers {}", shown, answer->status));
    return {};
}

} // namespace divan::audit
