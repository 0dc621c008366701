#include "wire/document_json.h"

#include "base/encoding.h"
#include "db/document_text.h"
#include "net/gzip.h"
#include "json/writer.h"

#include <algorithm>
#include <limits>

namespace divan::wire {
namespace {

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
    writer.member("digest", std::string_view(db::attachment_digest(attachment.data)));
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
    return db::document_text(head.id, head.rev, body, head.deleted);
}

Result<WrittenDocument> write_document(db::Database &database, const db::Head &head, const doc::RevTree &tree,
                                       const doc::Leaf &revision, const DocumentOptions &options) {
    DIVAN_TRY(auto body, database.body(head, revision.rev, revision.info));
    if (!body)
        return ErrorCode::not_found;
    WrittenDocument written;
    auto &out = written.json;
    db::begin_document_text(out, head.id, revision.rev, body->json, revision.info.deleted);
    if (options.revs)
        db::append_revisions(out, *tree.path(revision.rev));
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
            written.has_meta |= db::append_other_leaves(out, "_conflicts", leaves, false);
        if (options.deleted_conflicts)
            written.has_meta |= db::append_other_leaves(out, "_deleted_conflicts", leaves, true);
    }
    DIVAN_TRY_VOID(
        append_attachments(out, database, *body, options, newest_known(history, options), written));
    out.push_back('}');
    return written;
}

} // namespace divan::wire
