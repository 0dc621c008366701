#include "replication/checkpoint.h"

#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::replication {
namespace {

const json::Value *find(const json::Object *object, std::string_view key) {
    return object == nullptr ? nullptr : object->find(key);
}

// The session of a checkpoint or of an entry; null if it names none.
const std::string *session_of(const json::Object *object) {
    const auto *id = find(object, "session_id");
    return id != nullptr && id->is_string() ? &id->string() : nullptr;
}

const std::string *session_of(const json::Value &entry) {
    return entry.is_object() ? session_of(&entry.object()) : nullptr;
}

std::string sequence_text(const json::Object &object, std::string_view key) {
    const auto *sequence = object.find(key);
    return sequence == nullptr || sequence->is_null() ? std::string() : json::to_text(*sequence);
}

json::Array history_of(const json::Object *checkpoint) {
    const auto *history = find(checkpoint, "history");
    return history != nullptr && history->is_array() ? history->array() : json::Array();
}

bool has_session(const json::Array &history, std::size_t from, const std::string *id) {
    return id != nullptr && std::any_of(history.begin() + static_cast<std::ptrdiff_t>(from), history.end(),
                                        [&](const json::Value &entry) {
                                            const auto *other = session_of(entry);
                                            return other != nullptr && *other == *id;
                                        });
}

json::Array behind(const json::Array &history, std::size_t at) {
    return {history.begin() + static_cast<std::ptrdiff_t>(at), history.end()};
}

} // namespace

CommonPoint common_point(const json::Object *source, const json::Object *target) {
    const auto *source_session = session_of(source);
    const auto *target_session = session_of(target);
    if (source_session != nullptr && target_session != nullptr && *source_session == *target_session)
        return {sequence_text(*source, "source_last_seq"), history_of(source)};
    // The newest session that both know, looked for from both sides.
    auto at_source = history_of(source);
    auto at_target = history_of(target);
    for (std::size_t i = 0; i < std::min(at_source.size(), at_target.size()); ++i) {
        if (has_session(at_target, i, session_of(at_source[i])))
            return {sequence_text(at_source[i].object(), "recorded_seq"), behind(at_source, i + 1)};
        if (has_session(at_source, i + 1, session_of(at_target[i])))
            return {sequence_text(at_target[i].object(), "recorded_seq"), behind(at_target, i + 1)};
    }
    return {};
}

Statistics counted(const json::Array &history) {
    Statistics statistics;
    if (history.empty() || !history.front().is_object())
        return statistics;
    const auto &entry = history.front().object();
    auto read = [&](const char *key) {
        const auto *count = entry.find(key);
        auto number = count == nullptr ? std::nullopt : count->as_int64();
        return static_cast<std::uint64_t>(std::max<std::int64_t>(0, number.value_or(0)));
    };
    statistics.revisions_checked = read("missing_checked");
    statistics.missing_revisions_found = read("missing_found");
    statistics.docs_read = read("docs_read");
    statistics.docs_written = read("docs_written");
    statistics.doc_write_failures = read("doc_write_failures");
    statistics.bulk_get_attempts = read("bulk_get_attempts");
    statistics.bulk_get_docs = read("bulk_get_docs");
    return statistics;
}

json::Object make_checkpoint(const CheckpointEntry &entry, const json::Array &history, bool by_doc_ids) {
    const auto &counts = entry.statistics;
    auto start_time = http_date(entry.start_time);
    auto end_time = http_date(entry.end_time);
    json::Object newest;
    newest.append("session_id", entry.session_id);
    newest.append("start_time", start_time);
    newest.append("end_time", end_time);
    newest.append("start_last_seq", json::Raw{entry.start_seq});
    newest.append("end_last_seq", json::Raw{entry.recorded_seq});
    newest.append("recorded_seq", json::Raw{entry.recorded_seq});
    newest.append("missing_checked", counts.revisions_checked);
    newest.append("missing_found", counts.missing_revisions_found);
    newest.append("docs_read", counts.docs_read);
    newest.append("docs_written", counts.docs_written);
    newest.append("doc_write_failures", counts.doc_write_failures);
    newest.append("bulk_get_docs", counts.bulk_get_docs);
    newest.append("bulk_get_attempts", counts.bulk_get_attempts);

    json::Array entries;
    entries.emplace_back(std::move(newest));
    for (std::size_t i = 0; i < history.size() && entries.size() < kHistoryEntriesMax; ++i)
        entries.push_back(history[i]);

    json::Object checkpoint;
    checkpoint.append("session_id", entry.session_id);
    checkpoint.append("source_last_seq", json::Raw{entry.recorded_seq});
    checkpoint.append("replication_id_version", kReplicationIdVersion);
    if (by_doc_ids) {
        checkpoint.append("start_time", std::move(start_time));
        checkpoint.append("end_time", std::move(end_time));
        checkpoint.append("docs_read", counts.docs_read);
        checkpoint.append("docs_written", counts.docs_written);
        checkpoint.append("doc_write_failures", counts.doc_write_failures);
    }
    checkpoint.append("history", std::move(entries));
    return checkpoint;
}

} // namespace divan::replication
