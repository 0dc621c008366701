#include "api/document_json.h"

#include "base/encoding.h"
#include "net/gzip.h"
#include "json/writer.h"

#include <algorithm>
#include <limits>

namespace divan::api {
namespace {

// `{"_id":...,"_rev":...` and the body's members, without the closing brace.
void begin_document(std::string &out, std::string_view id, const doc::RevId &rev, const db::Body &body,
                    bool deleted) {
    out.reserve(out.size() + body.json.size() + id.size() + 128);
    out.append("{\"_id\":");
    json::write_string(out, id);
    out.append(",\"_rev\":\"");
    rev.append_text(out);
    out.push_back('"');
    if (body.json.size() > 2) {
        out.push_back(',');
        out.append(body.json, 1, body.json.size() - 2);
    }
    if (deleted)
        out.append(",\"_deleted\":true");
}

void append_rev_list(std::string &out, const char *member, const std::vector<doc::Leaf> &leaves, bool deleted,
                     bool &written) {
    bool first = true;
    for (std::size_t i = 1; i < leaves.size(); ++i) {
        if (leaves[i].info.deleted != deleted)
            continue;
        out.append(first ? std::string(",\"").append(member).append("\":[") : std::string(","));
        first = false;
        out.push_back('"');
        leaves[i].rev.append_text(out);
        out.push_back('"');
    }
    if (!first) {
        out.push_back(']');
        written = true;
    }
}

void append_revisions(std::string &out, const doc::RevPath &path) {
    out.append(",\"_revisions\":{\"start\":").append(std::to_string(path.start)).append(",\"ids\":[");
    for (std::size_t i = 0; i < path.hashes.size(); ++i) {
        out.append(i > 0 ? ",\"" : "\"");
        path.hashes[i].append_text(out);
        out.push_back('"');
    }
    out.append("]}");
}

Result<void> append_revs_info(std::string &out, db::Database &database, const db::Head &head,
                              const std::vector<doc::Leaf> &history) {
    out.append(",\"_revs_info\":[");
    for (std::size_t i = 0; i < history.size(); ++i) {
        const char *status = "missing";
        if (history[i].info.deleted) {
            status = "deleted";
        } else {
            DIVAN_TRY(auto body, database.body(head, history[i].rev, history[i].info));
            if (body)
                status = "available";
        }
        out.append(i > 0 ? ",{\"rev\":\"" : "{\"rev\":\"");
        history[i].rev.append_text(out);
        out.append("\",\"status\":\"").append(status).append("\"}");
    }
    out.push_back(']');
    return {};
}

// Attachments with a higher revpos than the newest revision that the reader has are sent with data.
std::optional<std::uint64_t> newest_known(const std::vector<doc::Leaf> &history,
                                          const DocumentOptions &options) {
    if (!options.atts_since)
        return std::nullopt;
    for (const auto &node : history)
        if (std::find(options.atts_since->begin(), options.atts_since->end(), node.rev) !=
            options.atts_since->end())
            return node.rev.generation;
    return std::nullopt;
}

Result<void> append_attachment(std::string &out, db::Database &database, const db::Attachment &attachment,
                               const DocumentOptions &options, bool with_data) {
    json::write_string(out, attachment.name);
    out.push_back(':');
    json::ObjectWriter writer(out);
    writer.member("content_type", std::string_view(attachment.content_type));
    writer.member("revpos", attachment.revpos);
    writer.member("digest", std::string_view(attachment_digest(attachment.data)));
    bool gzipped = attachment.data.encoding == db::Encoding::gzip;
    if (with_data && !options.follows) {
        DIVAN_TRY(auto bytes, read_attachment(database, attachment.data));
        writer.member("data", std::string_view(base64_encode(bytes)));
    } else {
        bool encoded_follows = with_data && options.follows && gzipped;
        writer.member("length", attachment.data.content_bytes);
        writer.member(with_data ? "follows" : "stub", true);
        if (encoded_follows && !options.encoding_info)
            writer.member("encoding", "gzip").member("encoded_length", attachment.data.stored_bytes);
    }
    if (options.encoding_info && gzipped)
        writer.member("encoding", "gzip").member("encoded_length", attachment.data.stored_bytes);
    writer.close();
    return {};
}

Result<void> append_attachments(std::string &out, db::Database &database, const db::Body &body,
                                const DocumentOptions &options, std::optional<std::uint64_t> known,
                                WrittenDocument &written) {
    if (body.attachments.empty())
        return {};
    bool wants_data = options.attachments || options.follows || options.atts_since.has_value();
    out.append(",\"_attachments\":{");
    for (std::size_t i = 0; i < body.attachments.size(); ++i) {
        const auto &attachment = body.attachments[i];
        bool with_data = wants_data && (!known || attachment.revpos > *known);
        if (i > 0)
            out.push_back(',');
        DIVAN_TRY_VOID(append_attachment(out, database, attachment, options, with_data));
        if (with_data && options.follows)
            written.following.push_back(attachment);
    }
    out.push_back('}');
    return {};
}

} // namespace

std::string attachment_digest(const db::StoredData &data) {
    return "md5-" + base64_encode(data.md5);
}

Result<void> append_winner(std::string &out, db::Database &database, const db::Head &head,
                           const DocumentOptions &options) {
    if (options.plain() && head.body) {
        out.append(plain_document_json(head, *head.body));
        return {};
    }
    DIVAN_TRY(auto tree, database.tree(head));
    DIVAN_TRY(auto document, write_document(database, head, tree, tree.winner(), options));
    out.append(document.json);
    return {};
}

Result<std::string> read_attachment(db::Database &database, const db::StoredData &data) {
    auto reader = database.open_attachment(data);
    std::string bytes;
    for (;;) {
        DIVAN_TRY(auto part, reader->read_some());
        if (part.empty())
            break;
        bytes.append(part);
    }
    if (data.encoding == db::Encoding::identity)
        return bytes;
    return net::gunzip(bytes, std::numeric_limits<std::size_t>::max());
}

std::string plain_document_json(const db::Head &head, const db::Body &body) {
    std::string out;
    begin_document(out, head.id, head.rev, body, head.deleted);
    if (!body.attachments.empty()) {
        out.append(",\"_attachments\":{");
        for (std::size_t i = 0; i < body.attachments.size(); ++i) {
            const auto &attachment = body.attachments[i];
            if (i > 0)
                out.push_back(',');
            json::write_string(out, attachment.name);
            out.push_back(':');
            json::ObjectWriter writer(out);
            writer.member("content_type", std::string_view(attachment.content_type));
            writer.member("revpos", attachment.revpos);
            writer.member("digest", std::string_view(attachment_digest(attachment.data)));
            writer.member("length", attachment.data.content_bytes).member("stub", true);
            writer.close();
        }
        out.push_back('}');
    }
    out.push_back('}');
    return out;
}

Result<WrittenDocument> write_document(db::Database &database, const db::Head &head, const doc::RevTree &tree,
                                       const doc::Leaf &revision, const DocumentOptions &options) {
    DIVAN_TRY(auto body, database.body(head, revision.rev, revision.info));
    if (!body)
        return ErrorCode::not_found;
    WrittenDocument written;
    auto &out = written.json;
    begin_document(out, head.id, revision.rev, *body, revision.info.deleted);
    if (options.revs)
        append_revisions(out, *tree.path(revision.rev));
    std::vector<doc::Leaf> history;
    if (options.revs_info || options.atts_since)
        history = *tree.history(revision.rev);
    if (options.revs_info) {
        DIVAN_TRY_VOID(append_revs_info(out, database, head, history));
        written.has_meta = true;
    }
    if (options.local_seq) {
        out.append(",\"_local_seq\":").append(std::to_string(head.sequence.value));
        written.has_meta = true;
    }
    if (options.conflicts || options.deleted_conflicts) {
        auto leaves = tree.leaves();
        if (options.conflicts)
            append_rev_list(out, "_conflicts", leaves, false, written.has_meta);
        if (options.deleted_conflicts)
            append_rev_list(out, "_deleted_conflicts", leaves, true, written.has_meta);
    }
    DIVAN_TRY_VOID(
        append_attachments(out, database, *body, options, newest_known(history, options), written));
    out.push_back('}');
    return written;
}

} // namespace divan::api
