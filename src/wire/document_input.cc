#include "wire/document_input.h"

#include "base/encoding.h"
#include "db/store.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::wire {
namespace {

Error invalid(std::string reason) {
    return Error(ErrorCode::doc_validation, std::move(reason));
}

// The text of a member was parsed already: it parses.
json::Value parsed(const json::Value &raw) {
    return raw.is_raw() ? json::parse(raw.raw_text(), {.depth_max = json::kAnyDepth}).value() : raw;
}

Result<doc::RevPath> read_revisions(const json::Value &value) {
    const auto *start = value.object().find("start");
    const auto *ids = value.object().find("ids");
    if (start == nullptr || !start->as_int64() || *start->as_int64() < 0)
        return invalid("_revisions.start isn't an integer.");
    if (ids == nullptr || !ids->is_array())
        return invalid("_revisions.ids isn't a array.");
    doc::RevPath path;
    path.start = static_cast<std::uint64_t>(*start->as_int64());
    for (const auto &id : ids->array()) {
        if (!id.is_string())
            return invalid("RevId isn't a string");
        path.hashes.push_back(doc::RevHash::from_text(id.string()));
    }
    if (path.hashes.size() > path.start)
        return invalid("_revisions.ids has no id for every generation, or more than there are.");
    return path;
}

// Inline data: the standard alphabet with padding; white space is skipped (couch's b64fast).
std::optional<std::string> decode_strictly(std::string_view text) {
    auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
    auto digits = text.size() - static_cast<std::size_t>(std::count_if(text.begin(), text.end(), is_space));
    if (digits % 4 != 0 || text.find_first_of("-_") != std::string_view::npos)
        return std::nullopt;
    return base64_decode(text);
}

Result<AttachmentInput> read_attachment_input(const std::string &name, const json::Value &value) {
    if (!name.empty()) {
        DIVAN_TRY_VOID(check_attachment_name(name));
    }
    AttachmentInput input;
    input.name = name;
    const auto &members = value.object();
    if (const auto *type = members.find("content_type"); type != nullptr && type->is_string())
        input.content_type = type->string();
    if (const auto *revpos = members.find("revpos");
        revpos != nullptr && revpos->as_int64().value_or(-1) >= 0)
        input.revpos = static_cast<std::uint64_t>(*revpos->as_int64());
    if (const auto *encoding = members.find("encoding"); encoding != nullptr && encoding->is_string())
        input.gzip = encoding->string() == "gzip";
    auto read_length = [&](const char *key) -> std::optional<std::uint64_t> {
        const auto *length = members.find(key);
        if (length == nullptr || length->as_int64().value_or(-1) < 0)
            return std::nullopt;
        return static_cast<std::uint64_t>(*length->as_int64());
    };
    input.content_length = read_length("length");
    input.length = input.gzip ? read_length("encoded_length") : input.content_length;
    if (const auto *digest = members.find("digest"); digest != nullptr && digest->is_string())
        input.digest = digest->string();
    auto is_set = [&](const char *key) {
        const auto *member = members.find(key);
        return member != nullptr && member->is_true();
    };
    input.follows = is_set("follows");
    if (input.follows || is_set("stub"))
        return input;
    const auto *data = members.find("data");
    auto decoded = data != nullptr && data->is_string() ? decode_strictly(data->string()) : std::nullopt;
    if (!decoded)
        return Error(ErrorCode::bad_request, fmt::format("Invalid attachment data for {}", name));
    input.data = std::move(*decoded);
    // `encoding` tells of data that follows. Inline data is always that of the attachment itself, as it was
    // read with att_encoding_info.
    input.gzip = false;
    return input;
}

Result<void> read_attachments(const json::Value &value, std::vector<AttachmentInput> &attachments) {
    for (const auto &member : value.object()) {
        if (!member.value.is_object())
            continue; // CouchDB passes over them
        DIVAN_TRY(auto attachment, read_attachment_input(member.key, member.value));
        attachments.push_back(std::move(attachment));
    }
    return {};
}

bool is_dropped(std::string_view key) {
    return key == "_revs_info" || key == "_local_seq" || key == "_conflicts" || key == "_deleted_conflicts";
}

bool is_kept(std::string_view key) {
    return key == "_access" || key == "_replication_id" || key == "_replication_state" ||
           key == "_replication_state_time" || key == "_replication_state_reason" ||
           key == "_replication_stats";
}

Result<void> read_special(const std::string &key, const json::Value &raw, DocumentInput &input) {
    if (is_dropped(key))
        return {};
    auto value = parsed(raw);
    if (key == "_id") {
        if (!value.is_string())
            return Error(ErrorCode::illegal_docid, "Document id must be a string");
        DIVAN_TRY_VOID(db::check_document_id(value.string()));
        input.id = value.string();
        return {};
    }
    if (key == "_rev") {
        if (!value.is_string())
            return Error(ErrorCode::bad_request, "Invalid rev format");
        DIVAN_TRY(auto rev, doc::RevId::parse(value.string()));
        if (!input.path)
            input.rev = std::move(rev);
        return {};
    }
    if (key == "_revisions" && value.is_object()) {
        DIVAN_TRY(auto path, read_revisions(value));
        if (path.hashes.empty())
            return {};
        input.path = std::move(path);
        input.rev = doc::RevId{input.path->start, input.path->hashes.front()};
        return {};
    }
    if (key == "_deleted" && value.is_boolean()) {
        input.deleted = value.boolean();
        return {};
    }
    if (key == "_attachments" && value.is_object())
        return read_attachments(value, input.attachments);
    return invalid("Bad special document member: " + key);
}

} // namespace

Result<void> check_attachment_name(std::string_view name) {
    if (name.empty())
        return Error(ErrorCode::bad_request, "Attachment name must not be empty");
    if (name[0] == '_')
        return Error(ErrorCode::bad_request,
                     fmt::format("Attachment name '{}' starts with prohibited character '_'", name));
    if (!is_utf8(name))
        return Error(ErrorCode::bad_request, "Attachment name is not UTF-8 encoded");
    return {};
}

Result<DocumentInput> read_document(const json::Value &value) {
    if (!value.is_object())
        return Error(ErrorCode::bad_request, "Document must be a JSON object");
    DocumentInput input;
    std::string body = "{";
    for (const auto &member : value.object()) {
        if (member.key.starts_with("_") && !is_kept(member.key)) {
            DIVAN_TRY_VOID(read_special(member.key, member.value, input));
            continue;
        }
        if (body.size() > 1)
            body.push_back(',');
        json::write_string(body, member.key);
        body.push_back(':');
        json::write(body, member.value);
    }
    body.push_back('}');
    input.json = std::move(body);
    return input;
}

Result<void> check_document(const config::Config &config, const db::Database &database,
                            const DocumentInput &input, bool replicated) {
    DIVAN_TRY_VOID(database.check_id(*input.id));
    if (input.json.size() > static_cast<std::uint64_t>(config.integer("couchdb", "max_document_size")))
        return Error(ErrorCode::document_too_large, *input.id);
    if (!replicated)
        return {};
    if (!input.path && !input.rev)
        return Error(ErrorCode::bad_request,
                     "When `new_edits: false`, the document needs `_rev` or `_revisions` specified");
    auto generation = input.path ? input.path->start : input.rev->generation;
    if (generation == 0 && !input.id->starts_with("_local/"))
        return Error(ErrorCode::bad_request, "Revisions begin with 1-: a revision 0-... cannot be stored.");
    return {};
}

namespace {

// The 16 bytes of "md5-BASE64"; empty: it is no such digest.
std::string md5_of(std::string_view digest) {
    constexpr std::string_view kPrefix = "md5-";
    constexpr std::size_t kMd5Bytes = 16;
    auto bytes = digest.starts_with(kPrefix) ? base64_decode(digest.substr(kPrefix.size())) : std::nullopt;
    return bytes && bytes->size() == kMd5Bytes ? *bytes : std::string();
}

} // namespace

Result<PreparedDocument> prepare_document(const config::Config &config, db::Database &database,
                                          DocumentInput input, bool replicated) {
    DIVAN_TRY_VOID(check_document(config, database, input, replicated));
    PreparedDocument prepared;
    auto &edit = prepared.edit;
    edit.id = std::move(*input.id);
    edit.deleted = input.deleted;
    edit.json = std::move(input.json);
    if (replicated) {
        edit.path =
            input.path ? std::move(input.path) : doc::RevPath{input.rev->generation, {input.rev->hash}};
    } else {
        edit.parent = input.rev;
    }
    for (auto &attachment : input.attachments) {
        db::AttachmentEdit stored;
        stored.name = attachment.name;
        stored.content_type = attachment.content_type;
        stored.revpos = attachment.revpos;
        if (replicated && !attachment.data)
            stored.md5 = md5_of(attachment.digest);
        if (attachment.data) {
            DIVAN_TRY(auto sink, AttachmentSink::open(config, database, attachment.name,
                                                      attachment.content_type, attachment.gzip));
            DIVAN_TRY_VOID(sink->write(*attachment.data));
            DIVAN_TRY(stored.data, sink->finish());
            prepared.sinks.push_back(std::move(sink));
        }
        edit.attachments.push_back(std::move(stored));
    }
    return prepared;
}

} // namespace divan::wire
