#include "audit/record.h"

#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace divan::audit {
namespace {

constexpr std::size_t kNameBytesMax = 256;
constexpr std::size_t kPathBytesMax = 2'048;
constexpr std::size_t kReasonBytesMax = 1'024;
constexpr std::size_t kDetailsBytesMax = 8'192;
constexpr std::string_view kNumberBegin = "{\"number\":";

constexpr std::string_view kKindNames[] = {
#define DIVAN_AUDIT_KIND_NAME(name) #name,
    DIVAN_AUDIT_KINDS(DIVAN_AUDIT_KIND_NAME)
#undef DIVAN_AUDIT_KIND_NAME
};

// Parts of names, in lower case, whose values are nobody's business.
constexpr std::string_view kSecretParts[] = {"password", "passwd",     "token",      "secret",
                                             "cookie",   "api_key",    "credential", "derived_key",
                                             "otp",      "private_key"};

std::string lower(std::string_view text) {
    std::string out(text);
    for (auto &c : out)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return out;
}

bool is_redacted(std::string_view name, const RedactedFields &redacted) {
    auto folded = lower(name);
    return folded == "authorization" ||
           std::any_of(std::begin(kSecretParts), std::end(kSecretParts),
                       [&](auto part) { return folded.find(part) != std::string::npos; }) ||
           std::any_of(redacted.begin(), redacted.end(),
                       [&](const auto &field) { return lower(field) == folded; });
}

void redact(json::Value &value, const RedactedFields &redacted) {
    if (value.is_array())
        for (auto &element : value.array())
            redact(element, redacted);
    if (!value.is_object())
        return;
    for (auto &member : value.object())
        if (is_redacted(member.key, redacted))
            member.value = json::Value(kRedacted);
        else
            redact(member.value, redacted);
}

// Bytes of the UTF-8 character that begins here; 0: there is none.
std::size_t character_bytes(std::string_view text) {
    auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    auto lead = byte(0);
    std::size_t bytes = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (bytes == 1)
        return 1;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes)
        return 0;
    for (std::size_t i = 1; i < bytes; ++i)
        if ((byte(i) & 0xc0) != 0x80)
            return 0;
    bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
    bool beyond = (lead == 0xed && byte(1) > 0x9f) || (lead == 0xf4 && byte(1) > 0x8f);
    return overlong || beyond ? 0 : bytes;
}

bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

// As UTF-8, whatever came: an attacker's bytes must not make a record that cannot be read.
std::string clean(std::string_view text, std::size_t bytes_max) {
    std::string out;
    bool cut = false;
    while (!text.empty() && !cut) {
        auto bytes = character_bytes(text);
        std::string_view next = bytes == 0 ? std::string_view("?") : text.substr(0, bytes);
        cut = out.size() + next.size() > bytes_max;
        if (!cut)
            out.append(next);
        text.remove_prefix(std::max<std::size_t>(bytes, 1));
    }
    return cut ? out + "..." : out;
}

std::string details_text(const Record &record, const RedactedFields &redacted) {
    json::Value value(record.details);
    redact(value, redacted);
    auto text = json::to_text(value);
    return text.size() <= kDetailsBytesMax ? text : fmt::format(R"({{"omitted_bytes":{}}})", text.size());
}

} // namespace

std::string_view kind_name(Kind kind) {
    return kKindNames[static_cast<std::size_t>(kind)];
}

std::optional<Kind> parse_kind(std::string_view name) {
    const auto *found = std::find(std::begin(kKindNames), std::end(kKindNames), name);
    if (found == std::end(kKindNames))
        return std::nullopt;
    return static_cast<Kind>(found - std::begin(kKindNames));
}

std::string_view outcome_name(Outcome outcome) {
    switch (outcome) {
    case Outcome::granted:
        return "granted";
    case Outcome::refused:
        return "refused";
    case Outcome::failed:
        return "failed";
    }
    return "";
}

std::string time_text(std::chrono::microseconds time) {
    using namespace std::chrono;
    auto day = floor<days>(time);
    year_month_day date{sys_days(day)};
    hh_mm_ss clock{time - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", int(date.year()), unsigned(date.month()),
                       unsigned(date.day()), clock.hours().count(), clock.minutes().count(),
                       clock.seconds().count(), clock.subseconds().count());
}

void append_member(std::string &out, std::string_view name, std::string_view text, std::size_t bytes_max) {
    if (text.empty())
        return;
    out.append("\"").append(name).append("\":");
    if (text.size() <= bytes_max && is_plain(text))
        json::write_string(out, text);
    else
        json::write_string(out, clean(text, bytes_max));
    out.push_back(',');
}

std::string origin_members(const Record &record) {
    std::string out;
    append_member(out, "principal", record.principal, kNameBytesMax);
    append_member(out, "authenticated", record.authenticated, kNameBytesMax);
    append_member(out, "address", record.address, kNameBytesMax);
    append_member(out, "method", record.method, kNameBytesMax);
    append_member(out, "path", record.path, kPathBytesMax);
    append_member(out, "database", record.database, kNameBytesMax);
    return out;
}

std::string body_begin(std::string_view time, std::string_view node, Kind kind) {
    std::string out;
    out.append("\"time\":\"").append(time).append("\",");
    append_member(out, "node", node, kNameBytesMax);
    out.append("\"kind\":\"").append(kind_name(kind)).append("\",");
    return out;
}

std::string body_of(const Record &record, std::string_view node, const RedactedFields &redacted) {
    auto out = body_begin(time_text(record.time), node, record.kind);
    append_member(out, "action", record.action, kNameBytesMax);
    out.append("\"outcome\":\"").append(outcome_name(record.outcome)).append("\",");
    out.append(origin_members(record));
    append_member(out, "document", record.document, kPathBytesMax);
    append_member(out, "revision", record.revision, kNameBytesMax);
    append_member(out, "replaced", record.replaced, kNameBytesMax);
    append_member(out, "reason", record.reason, kReasonBytesMax);
    if (!record.details.empty())
        out.append("\"details\":").append(details_text(record, redacted)).push_back(',');
    out.back() = '}'; // the last comma
    return out;
}

std::string numbered(std::uint64_t number, std::string_view body) {
    std::string text;
    text.reserve(kNumberBegin.size() + 21 + body.size());
    text.append(kNumberBegin).append(std::to_string(number)).append(",").append(body);
    return text;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
    if (!text.starts_with(kNumberBegin))
        return std::nullopt;
    text.remove_prefix(kNumberBegin.size());
    std::uint64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end == text.data() + text.size() || *end != ',')
        return std::nullopt;
    return number;
}

Result<json::Object> parse_record(std::string_view text) {
    auto value = json::parse(text, json::ParseOptions());
    if (!value.ok() || !value->is_object() || !number_of(text))
        return Error(ErrorCode::corruption, "A record of the audit log cannot be read.");
    return std::move(value->object());
}

} // namespace divan::audit
