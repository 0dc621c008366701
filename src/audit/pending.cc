#include "audit/pending.h"

#include "base/bytes.h"

#include <algorithm>
#include <map>

namespace divan::audit {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kRowBytesMax = kv::kValueBytesMax / 2;
constexpr std::uint64_t kMicrosMax = 253'402'300'799'999'999; // the end of the year 9999
constexpr std::size_t kDocumentBytesMax = 2'048;
constexpr std::size_t kRevisionBytesMax = 256;

enum Flag : std::uint8_t { kDeleted = 1, kReplaces = 2 };

class RowWriter {
  public:
    RowWriter(kv::WriteBatch &batch, std::uint64_t sequence, std::chrono::microseconds time)
        : batch_(batch), place_{sequence, 0}, time_(time) {
        begin();
    }

    // As many of the edits as fit into the row; the rest goes into the next ones.
    void write(const PendingWrite &write) {
        for (std::size_t at = 0; at < write.edits.size();) {
            std::string edits;
            std::uint64_t count = 0;
            while (at < write.edits.size() && value_.size() + edits.size() < kRowBytesMax) {
                append_edit(edits, write.edits[at++]);
                ++count;
            }
            append_sized(value_, write.origin);
            append_varint(value_, count);
            value_.append(edits);
            if (value_.size() >= kRowBytesMax)
                flush();
        }
    }

    void finish() {
        if (value_.size() > empty_bytes_)
            flush();
    }

  private:
    void begin() {
        value_.clear();
        append_u8(value_, kVersion);
        append_u64(value_, static_cast<std::uint64_t>(time_.count()));
        empty_bytes_ = value_.size();
    }

    void flush() {
        batch_.put(kv::Table::documents, pending_key(place_), std::move(value_));
        ++place_.part;
        begin();
    }

    static void append_edit(std::string &out, const PendingEdit &edit) {
        append_u8(out, static_cast<std::uint8_t>(edit.kind));
        append_u8(out, static_cast<std::uint8_t>((edit.deleted ? kDeleted : 0) |
                                                 (edit.replaced.empty() ? 0 : kReplaces)));
        append_sized(out, edit.document);
        append_sized(out, edit.revision);
        if (!edit.replaced.empty())
            append_sized(out, edit.replaced);
    }

    kv::WriteBatch &batch_;
    PendingPlace place_;
    const std::chrono::microseconds time_;
    std::string value_;
    std::size_t empty_bytes_ = 0;
};

std::string_view action_of(std::uint8_t flags) {
    if ((flags & kDeleted) != 0)
        return "deleted";
    return (flags & kReplaces) != 0 ? "updated" : "created";
}

struct ReadEdit {
    std::string_view document, revision, replaced;
};

void append_edit(std::string &out, const ReadEdit &edit) {
    append_member(out, "document", edit.document, kDocumentBytesMax);
    append_member(out, "revision", edit.revision, kRevisionBytesMax);
    append_member(out, "replaced", edit.replaced, kRevisionBytesMax);
}

// The edits of one write that have the same kind and action.
class Group {
  public:
    void add(const ReadEdit &edit) { edits_.push_back(edit); }

    // `begin`: the members before those of the edits.
    void append_bodies(std::string_view begin, std::vector<std::string> &bodies) const {
        for (std::size_t at = 0; at < edits_.size(); at += kDocumentsOfRecord) {
            auto some = std::span(edits_).subspan(at, std::min(kDocumentsOfRecord, edits_.size() - at));
            std::string body(begin);
            if (some.size() == 1) {
                append_edit(body, some.front());
                body.back() = '}';
            } else {
                append_list(body, some);
            }
            bodies.push_back(std::move(body));
        }
    }

  private:
    static void append_list(std::string &body, std::span<const ReadEdit> edits) {
        body.append("\"documents\":[");
        for (const auto &edit : edits) {
            body.push_back('{');
            append_edit(body, edit);
            body.back() = '}';
            body.push_back(',');
        }
        body.back() = ']';
        body.push_back('}');
    }

    std::vector<ReadEdit> edits_;
};

// The groups of a write, by kind and flags. False: it is malformed.
bool read_write(ByteReader &reader, std::map<std::pair<std::uint8_t, std::uint8_t>, Group> &groups) {
    auto count = reader.varint();
    for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
        auto kind = reader.u8();
        auto flags = reader.u8();
        ReadEdit edit;
        edit.document = reader.sized();
        edit.revision = reader.sized();
        if ((flags & kReplaces) != 0)
            edit.replaced = reader.sized();
        if (!reader.ok() || kind >= kKindCount || flags > (kDeleted | kReplaces))
            return false;
        groups[{kind, flags}].add(edit);
    }
    return true;
}

} // namespace

void append_pending(kv::WriteBatch &batch, std::uint64_t sequence, std::chrono::microseconds time,
                    std::span<const PendingWrite> writes) {
    RowWriter writer(batch, sequence, time);
    for (const auto &write : writes)
        writer.write(write);
    writer.finish();
}

Result<void> expand_pending(std::string_view value, std::string_view node,
                            const std::function<void(std::string body)> &take) {
    ByteReader reader(value);
    if (reader.u8() != kVersion)
        return Error(ErrorCode::corruption, "Pending records have an unknown format.");
    auto micros = reader.u64();
    if (micros > kMicrosMax)
        return Error(ErrorCode::corruption, "Pending records cannot be read.");
    auto time = time_text(std::chrono::microseconds(static_cast<std::int64_t>(micros)));
    std::vector<std::string> bodies;
    while (reader.ok() && !reader.at_end()) {
        auto origin = reader.sized();
        std::map<std::pair<std::uint8_t, std::uint8_t>, Group> groups;
        if (!read_write(reader, groups))
            return Error(ErrorCode::corruption, "Pending records cannot be read.");
        for (const auto &[what, group] : groups) {
            auto begin = body_begin(time, node, static_cast<Kind>(what.first));
            begin.append("\"action\":\"").append(action_of(what.second));
            begin.append("\",\"outcome\":\"granted\",").append(origin);
            group.append_bodies(begin, bodies);
        }
    }
    DIVAN_TRY_VOID(reader.finish("pending records"));
    for (auto &body : bodies)
        take(std::move(body));
    return {};
}

} // namespace divan::audit
