#include "audit/query.h"

#include <algorithm>
#include <charconv>

namespace divan::audit {
namespace {

// The first moment of the epoch and the last that has four digits for its year.
constexpr std::string_view kShape = "0000-00-00T00:00:00.000000Z";
constexpr std::int64_t kMicrosMax = 253'402'300'799'999'999;

std::string_view text_of(const json::Object &record, std::string_view name) {
    const auto *value = record.find(name);
    return value != nullptr && value->is_string() ? std::string_view(value->string()) : std::string_view();
}

// By itself, or among others of its write.
bool names_document(const json::Object &record, std::string_view id) {
    if (text_of(record, "document") == id)
        return true;
    const auto *list = record.find("documents");
    return list != nullptr && list->is_array() &&
           std::any_of(list->array().begin(), list->array().end(), [&](const auto &one) {
               return one.is_object() && text_of(one.object(), "document") == id;
           });
}

bool has_shape(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        bool digit = kShape[i] == '0';
        if (digit ? (text[i] < '0' || text[i] > '9') : text[i] != kShape[i])
            return false;
    }
    return true;
}

Error bad_time() {
    return {ErrorCode::query_parse_error,
            "A time is written as 2026-11-29T04:08:55Z, as 2026-11-29, or in microseconds since 1970."};
}

} // namespace

bool Filter::open() const {
    return since.empty() && until.empty() && kind.empty() && action.empty() && outcome.empty() &&
           principal.empty() && database.empty() && document.empty() && address.empty();
}

bool Filter::admits(const json::Object &record) const {
    auto time = text_of(record, "time");
    if ((!since.empty() && time < since) || (!until.empty() && time >= until))
        return false;
    const std::pair<std::string_view, const std::string *> wanted[] = {
        {"kind", &kind},           {"action", &action},     {"outcome", &outcome},
        {"principal", &principal}, {"database", &database}, {"address", &address}};
    if (!document.empty() && !names_document(record, document))
        return false;
    return std::all_of(std::begin(wanted), std::end(wanted), [&](const auto &one) {
        return one.second->empty() || text_of(record, one.first) == *one.second;
    });
}

Result<std::string> read_time(std::string_view text) {
    std::int64_t micros = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), micros);
    if (error == std::errc() && end == text.data() + text.size()) {
        if (micros < 0 || micros > kMicrosMax)
            return bad_time();
        return time_text(std::chrono::microseconds(micros));
    }
    constexpr std::size_t kDateSize = 10;
    constexpr std::size_t kSecondsSize = 19;
    if (text.ends_with("Z"))
        text.remove_suffix(1);
    else if (text.size() != kDateSize)
        return bad_time();
    // As far as it goes, then zeros; digits beyond microseconds are dropped.
    text = text.substr(0, kShape.size() - 1);
    bool legal = text.size() == kDateSize || text.size() == kSecondsSize || text.size() > kSecondsSize + 1;
    if (!legal || !has_shape(text))
        return bad_time();
    return std::string(text).append(kShape.substr(text.size()));
}

Result<QueryPage> read_records(kv::Engine &engine, const Query &query) {
    QueryPage page;
    auto from = query.from != 0 ? query.from : query.descending ? query.count : 1;
    from = std::min(from, query.descending ? query.count : from);
    std::size_t scanned = 0;
    BlockScan scan(engine, from, query.descending);
    for (;;) {
        DIVAN_TRY(auto block, scan.next());
        if (!block)
            return page;
        if (!block->records)
            continue;
        auto &records = *block->records;
        if (query.descending)
            std::reverse(records.begin(), records.end());
        for (auto &record : records) {
            if (record.number > query.count ||
                (query.descending ? record.number > from : record.number < from))
                continue;
            if (page.texts.size() >= query.records_max || scanned >= query.scanned_max) {
                page.next = record.number;
                return page;
            }
            ++scanned;
            auto parsed =
                query.filter.open() ? Result<json::Object>(json::Object()) : parse_record(record.text);
            if (parsed.ok() && (query.filter.open() || query.filter.admits(*parsed)))
                page.texts.push_back(std::move(record.text));
        }
    }
}

} // namespace divan::audit
