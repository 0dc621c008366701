#include "api/document_handlers.h"
#include "api/parameters.h"
#include "api/router.h"
#include "base/encoding.h"
#include "db/visibility.h"
#include "json/parser.h"

#include <algorithm>

namespace divan::api {

using access::Permission;

std::string document_id(const Call &call) {
    for (const auto &[name, value] : call.path_parameters) {
        if (name == "docid")
            return value;
        if (name == "ddoc")
            return "_design/" + value;
        if (name == "localid")
            return "_local/" + value;
    }
    DIVAN_CHECK(false);
}

std::string document_location(const Call &call, std::string_view id) {
    // couch_util:url_encode leaves colons.
    auto encoded = percent_encode(id);
    for (auto at = encoded.find("%3A"); at != std::string::npos; at = encoded.find("%3A", at))
        encoded.replace(at, 3, ":");
    return call.base_url() + "/" + percent_encode(call.path_parameter("db")) + "/" + encoded;
}

bool etag_matches(const Call &call, std::string_view etag) {
    auto header = call.header("If-None-Match").value_or("");
    while (!header.empty()) {
        auto comma = header.find(',');
        auto part = header.substr(0, comma);
        header.remove_prefix(comma == std::string_view::npos ? header.size() : comma + 1);
        while (!part.empty() && part.front() == ' ')
            part.remove_prefix(1);
        while (!part.empty() && part.back() == ' ')
            part.remove_suffix(1);
        if (part.starts_with("W/"))
            part.remove_prefix(2);
        if (part == etag)
            return true;
    }
    return false;
}

std::string document_etag(const db::Database &database, const doc::RevId &rev) {
    auto etag = "\"" + rev.text();
    if (database.hides_fields())
        etag.append("-").append(database.visibility()->digest());
    return etag.append("\"");
}

namespace {

// What document_etag() made, without quotes, or a revision.
std::string_view rev_of_etag(std::string_view etag, const db::Database &database) {
    auto dash = etag.rfind('-');
    return database.hides_fields() && dash != etag.find('-') ? etag.substr(0, dash) : etag;
}

} // namespace

Result<std::optional<doc::RevId>> requested_rev(const Call &call) {
    std::optional<doc::RevId> rev;
    auto parameter = call.query.find("rev");
    auto header = call.header("If-Match");
    if (header && header->size() >= 2 && header->front() == '"' && header->back() == '"')
        header = rev_of_etag(header->substr(1, header->size() - 2), *call.database);
    if (parameter && header && *parameter != *header)
        return Error(ErrorCode::bad_request, "Document rev and etag have different values");
    if (auto text = parameter ? parameter : header) {
        DIVAN_TRY(rev, doc::RevId::parse(*text));
    }
    return rev;
}

Result<wire::DocumentOptions> document_options(const net::Query &query) {
    wire::DocumentOptions options;
    bool meta = is_true(query, "meta");
    options.revs = is_true(query, "revs");
    options.revs_info = meta || is_true(query, "revs_info");
    options.conflicts = meta || is_true(query, "conflicts");
    options.deleted_conflicts = meta || is_true(query, "deleted_conflicts");
    options.local_seq = is_true(query, "local_seq");
    options.attachments = is_true(query, "attachments");
    options.encoding_info = is_true(query, "att_encoding_info");
    if (auto since = query.find("atts_since")) {
        DIVAN_TRY(auto list, json::parse(*since));
        if (!list.is_array())
            return Error(ErrorCode::bad_request, "Invalid list of revisions");
        options.atts_since.emplace();
        for (const auto &entry : list.array()) {
            DIVAN_TRY(auto rev, doc::RevId::parse(entry.is_string() ? entry.string() : ""));
            options.atts_since->push_back(std::move(rev));
        }
    }
    return options;
}

bool accepts(const Call &call, std::string_view type) {
    auto header = call.header("Accept");
    if (!header || header->empty())
        return true;
    auto family = std::string(type.substr(0, type.find('/'))) + "/*";
    std::string_view rest = *header;
    while (!rest.empty()) {
        auto comma = rest.find(',');
        auto part = rest.substr(0, comma);
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
        part = part.substr(0, part.find(';'));
        while (!part.empty() && part.front() == ' ')
            part.remove_prefix(1);
        while (!part.empty() && part.back() == ' ')
            part.remove_suffix(1);
        if (net::equal_without_case(part, type) || part == family || part == "*/*")
            return true;
    }
    return false;
}

std::vector<Route> document_routes() {
    static constexpr Permission kReader = Permission::database_reader;
    std::vector<ParameterInfo> read_parameters = {
        {"rev", "string", "A revision instead of the winner."},
        {"open_revs", "json", "Several leaves: a list of revisions, or all."},
        {"latest", "boolean", "The leaves that descend from the revisions asked for."},
        {"revs", "boolean", "Adds _revisions."},
        {"revs_info", "boolean", "Adds _revs_info with the state of each ancestor."},
        {"conflicts", "boolean", "Adds _conflicts."},
        {"deleted_conflicts", "boolean", "Adds _deleted_conflicts."},
        {"local_seq", "boolean", "Adds _local_seq."},
        {"meta", "boolean", "conflicts, deleted_conflicts and revs_info."},
        {"attachments", "boolean", "Attachments with their data."},
        {"atts_since", "json", "Only attachments that came after these revisions carry data."},
        {"att_encoding_info", "boolean", "Adds encoding and encoded_length to attachments."}};
    std::vector<ParameterInfo> write_parameters = {
        {"rev", "string", "The revision that is replaced; also If-Match or _rev in the body."},
        {"batch", "string", "ok: answered 202."},
        {"new_edits", "boolean", "false: stores the revision as it is given."}};
    std::vector<Route> routes = {{"POST",
                                  "/{db}",
                                  Permission::database_writer,
                                  post_document,
                                  "Creates or changes a document; makes an id if it has none.",
                                  {{"batch", "string", "ok: answered 202."}}}};
    // That design documents are written by admins is decided where all writes pass (access/write_guard.h).
    for (std::string_view pattern : {"/{db}/{docid}", "/{db}/_design/{ddoc}"}) {
        const auto writer = writer_of(pattern);
        routes.push_back(
            {"DELETE", pattern, writer, delete_document, "Deletes a document.", write_parameters});
        routes.push_back({"GET", pattern, kReader, get_document, "A document.", read_parameters});
        routes.push_back(
            {"POST", pattern, writer, post_form, "Files from a browser's form (multipart/form-data)."});
        routes.push_back(
            {"PUT", pattern, writer, put_document, "Creates or changes a document.", write_parameters});
        routes.push_back(
            {"COPY", pattern, writer, copy_document, "Copies a document; Destination names the new one."});
    }
    routes.push_back({"DELETE", "/{db}/_local/{localid}", Permission::database_checkpointer, delete_local,
                      "Deletes a local document."});
    routes.push_back({"GET", "/{db}/_local/{localid}", kReader, get_local,
                      "A local document: not replicated, no history."});
    routes.push_back({"POST", "/{db}/_local/{localid}", kReader, post_form,
                      "Refused: local documents have no attachments."});
    routes.push_back({"PUT", "/{db}/_local/{localid}", Permission::database_checkpointer, put_local,
                      "Writes a local document."});
    routes.push_back({"COPY", "/{db}/_local/{localid}", Permission::database_checkpointer, copy_local,
                      "Copies a local document."});
    for (std::string_view method : {"DELETE", "GET", "PUT"})
        routes.push_back({method, "/{db}/_local/{localid}/{attname...}", kReader, refuse_local_attachment,
                          "Refused: local documents have no attachments."});
    return routes;
}

} // namespace divan::api
