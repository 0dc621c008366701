// The table of docs/costs.md: what each request asks of the engine, and its budget. With DIVAN_WRITE_DOCS set
// the test writes the table anew instead of comparing it.

#include "api/testing/measured_server.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace divan::api {
namespace {

struct Operation {
    std::string name;
    // Round trips to a remote engine at most.
    std::uint64_t budget;
    // Makes the database ready and returns the request that is measured.
    std::function<Request(MeasuredDatabase &)> prepare;
};

const std::string kLarge = R"({"text":")" + std::string(20'000, 'x') + "\"}";
const std::string kLargeMember = R"("text":")" + std::string(20'000, 'x') + "\"";
const std::string kDocument = R"({"value":2})";
// A design document whose function judges every write.
const std::string kValidation = R"({"validate_doc_update":"function (newDoc, oldDoc) {}"})";

std::string revs_diff(std::size_t count, const std::string &revs) {
    std::string text = "{";
    for (std::size_t i = 0; i < count; ++i)
        text.append(i > 0 ? "," : "").append(fmt::format(R"("{}":[{}])", MeasuredDatabase::id(i), revs));
    return text + "}";
}

std::string ids(std::size_t count, std::string_view format) {
    return MeasuredDatabase::docs(
        count, [&](const std::string &id) { return fmt::format(fmt::runtime(format), id); });
}

std::string keys(std::size_t count) {
    auto text = MeasuredDatabase::docs(count, [&](const std::string &id) { return "\"" + id + "\""; });
    return text.replace(2, 4, "keys");
}

Request with_header(Request request, std::string name, std::string value) {
    request.headers.add(std::move(name), std::move(value));
    return request;
}

std::vector<Operation> document_operations() {
    return {
        {"GET a document", 1,
         [](auto &db) {
             db.put("a");
             return db.request("GET", "/a");
         }},
        {"HEAD a document", 1,
         [](auto &db) {
             db.put("a");
             return db.request("HEAD", "/a");
         }},
        {"GET a document that is not there", 1, [](auto &db) { return db.request("GET", "/a"); }},
        {"GET a document of 20 kB", 2,
         [](auto &db) {
             db.put("a", kLarge);
             return db.request("GET", "/a");
         }},
        {"GET a replaced revision", 2,
         [](auto &db) {
             auto rev = db.put("a");
             db.put("a?rev=" + rev);
             return db.request("GET", "/a?rev=" + rev);
         }},
        {"GET with revs=true, 1,000 revisions", 2,
         [](auto &db) {
             db.put_revisions("a", 1'000);
             return db.request("GET", "/a?revs=true");
         }},
        {"GET with conflicts=true, two leaves", 2,
         [](auto &db) {
             db.fill_with_conflicts(1);
             return db.request("GET", "/d00000?conflicts=true");
         }},
        {"PUT a new document", 3, [](auto &db) { return db.request("PUT", "/a", kDocument); }},
        {"PUT an edit", 3, [](auto &db) { return db.request("PUT", "/a?rev=" + db.put("a"), kDocument); }},
        {"PUT an edit, 1,000 revisions", 3,
         [](auto &db) { return db.request("PUT", "/a?rev=" + db.put_revisions("a", 1'000), kDocument); }},
        {"PUT an edit, two leaves", 4,
         [](auto &db) {
             db.fill_with_conflicts(1);
             return db.request("PUT", "/d00000?rev=2-bb", kDocument);
         }},
        {"PUT an edit that a function validates", 4,
         [](auto &db) {
             db.put("_design/v", kValidation);
             return db.request("PUT", "/a?rev=" + db.put("a"), kDocument);
         }},
        {"PUT that is a conflict (409)", 2,
         [](auto &db) {
             db.put("a");
             return db.request("PUT", "/a", kDocument);
         }},
        {"DELETE a document", 3, [](auto &db) { return db.request("DELETE", "/a?rev=" + db.put("a")); }},
        {"COPY a document", 4,
         [](auto &db) {
             db.put("a");
             return with_header(db.request("COPY", "/a"), "Destination", "b");
         }},
        {"GET a local document", 1,
         [](auto &db) {
             db.put("_local/a");
             return db.request("GET", "/_local/a");
         }},
        {"PUT a local document", 3,
         [](auto &db) {
             db.put("_local/a");
             return db.request("PUT", "/_local/a", kDocument);
         }},
        {"DELETE a local document", 3,
         [](auto &db) {
             db.put("_local/a");
             return db.request("DELETE", "/_local/a");
         }},
    };
}

std::vector<Operation> attachment_operations() {
    return {
        {"PUT an attachment of 1 MiB (4 chunks)", 8,
         [](auto &db) {
             return with_header(db.request("PUT", "/a/b?rev=" + db.put("a"), std::string(1 << 20, 'x')),
                                "Content-Type", "image/png");
         }},
        {"GET an attachment of 1 MiB (4 chunks)", 5,
         [](auto &db) {
             db.server().ask(with_header(db.request("PUT", "/a/b", std::string(1 << 20, 'x')), "Content-Type",
                                         "image/png"));
             return db.request("GET", "/a/b");
         }},
        {"GET 1,000 bytes of it by Range", 3,
         [](auto &db) {
             db.server().ask(with_header(db.request("PUT", "/a/b", std::string(1 << 20, 'x')), "Content-Type",
                                         "image/png"));
             return with_header(db.request("GET", "/a/b"), "Range", "bytes=600000-600999");
         }},
        {"PUT a document with a small inline attachment", 4,
         [](auto &db) {
             return db.request("PUT", "/a",
                               R"({"_attachments":{"b":{"content_type":"image/png","data":"aGVsbG8="}}})");
         }},
        {"PUT an edit that keeps it as a stub", 3,
         [](auto &db) {
             auto rev =
                 db.put("a", R"({"_attachments":{"b":{"content_type":"image/png","data":"aGVsbG8="}}})");
             return db.request("PUT", "/a?rev=" + rev, R"({"_attachments":{"b":{"stub":true}}})");
         }},
    };
}

std::vector<Operation> bulk_operations() {
    return {
        {"_bulk_docs, 1,000 new documents", 4,
         [](auto &db) {
             return db.request("POST", "/_bulk_docs", ids(1'000, R"({{"_id":"{}","value":2}})"));
         }},
        {"_bulk_docs, 1,000 edits", 4,
         [](auto &db) {
             db.fill(1'000);
             auto rev = db.filled_rev();
             return db.request("POST", "/_bulk_docs", db.docs(1'000, [&](const std::string &id) {
                 return fmt::format(R"({{"_id":"{}","_rev":"{}","value":2}})", id, rev);
             }));
         }},
        {"_bulk_docs, 1,000 edits that a function validates", 5,
         [](auto &db) {
             db.put("_design/v", kValidation);
             db.fill(1'000);
             auto rev = db.filled_rev();
             return db.request("POST", "/_bulk_docs", db.docs(1'000, [&](const std::string &id) {
                 return fmt::format(R"({{"_id":"{}","_rev":"{}","value":2}})", id, rev);
             }));
         }},
        {"_bulk_docs, 1,000 edits of documents of 20 kB", 4,
         [](auto &db) {
             db.fill(1'000, kLargeMember);
             auto rev = db.filled_rev();
             return db.request("POST", "/_bulk_docs", db.docs(1'000, [&](const std::string &id) {
                 return fmt::format(R"({{"_id":"{}","_rev":"{}","value":2}})", id, rev);
             }));
         }},
        {"_bulk_docs, 1,000 edits of conflicts", 4,
         [](auto &db) {
             db.fill_with_conflicts(1'000);
             return db.request("POST", "/_bulk_docs",
                               ids(1'000, R"({{"_id":"{}","_rev":"2-bb","value":2}})"));
         }},
        {"_bulk_docs, 1,000 replicated revisions", 4,
         [](auto &db) {
             return db.request("POST", "/_bulk_docs?new_edits=false",
                               ids(1'000, R"({{"_id":"{}","_rev":"1-aa","value":2}})"));
         }},
        {"_bulk_docs, 1,000 replicated edits that make conflicts", 4,
         [](auto &db) {
             db.fill_with_conflicts(1'000);
             return db.request(
                 "POST", "/_bulk_docs?new_edits=false",
                 ids(1'000, R"({{"_id":"{}","_revisions":{{"start":2,"ids":["cc","00"]}},"value":2}})"));
         }},
        {"_bulk_get, 100 documents", 1,
         [](auto &db) {
             db.fill(100);
             return db.request("POST", "/_bulk_get?revs=true&latest=true", ids(100, R"({{"id":"{}"}})"));
         }},
        {"_bulk_get, 100 conflicts, all leaves", 3,
         [](auto &db) {
             db.fill_with_conflicts(100);
             return db.request("POST", "/_bulk_get?revs=true&latest=true", ids(100, R"({{"id":"{}"}})"));
         }},
        {"_bulk_get, 100 documents of 20 kB", 2,
         [](auto &db) {
             db.fill(100, kLargeMember);
             return db.request("POST", "/_bulk_get?revs=true&latest=true", ids(100, R"({{"id":"{}"}})"));
         }},
        {"_revs_diff, 100 documents", 1,
         [](auto &db) {
             db.fill(100);
             return db.request("POST", "/_revs_diff", revs_diff(100, R"("2-cc")"));
         }},
        {"_revs_diff, 1,000 documents", 1,
         [](auto &db) {
             db.fill(1'000);
             return db.request("POST", "/_revs_diff", revs_diff(1'000, R"("2-cc")"));
         }},
        {"_revs_diff, 1,000 conflicts", 2,
         [](auto &db) {
             db.fill_with_conflicts(1'000);
             return db.request("POST", "/_revs_diff", revs_diff(1'000, R"("3-dd","2-aa")"));
         }},
        {"_purge, 1 document", 3,
         [](auto &db) { return db.request("POST", "/_purge", R"({"a":[")" + db.put("a") + R"("]})"); }},
        {"_purge, 100 documents", 3,
         [](auto &db) {
             db.fill(100);
             return db.request("POST", "/_purge", revs_diff(100, "\"" + db.filled_rev() + "\""));
         }},
    };
}

std::vector<Operation> listing_operations() {
    auto filled = [](std::size_t count, std::string path, std::string members = R"("value":1)") {
        return [=](MeasuredDatabase &db) {
            db.fill(count, members);
            return db.request("GET", path);
        };
    };
    return {
        {"_all_docs, 1,000 documents", 2, filled(1'000, "/_all_docs")},
        {"_all_docs, 10,000 documents", 11, filled(10'000, "/_all_docs")},
        {"_all_docs, include_docs, 1,000 documents", 2, filled(1'000, "/_all_docs?include_docs=true")},
        {"_all_docs, include_docs, 100 documents of 20 kB", 3,
         filled(100, "/_all_docs?include_docs=true", kLargeMember)},
        {"_all_docs, 100 rows from a startkey, 500 rows before it", 3,
         filled(10'000, "/_all_docs?startkey=%22d00500%22&limit=100")},
        {"_all_docs, 100 rows from a startkey, 5,000 rows before it", 3,
         filled(10'000, "/_all_docs?startkey=%22d05000%22&limit=100")},
        {"_all_docs, 1,000 keys", 2,
         [](auto &db) {
             db.fill(1'000);
             return db.request("POST", "/_all_docs", keys(1'000));
         }},
        {"_all_docs, include_docs, 100 keys, documents of 20 kB", 3,
         [](auto &db) {
             db.fill(100, kLargeMember);
             return db.request("POST", "/_all_docs?include_docs=true", keys(100));
         }},
        {"_changes, 1,000 documents", 2, filled(1'000, "/_changes")},
        {"_changes, 10,000 documents", 11, filled(10'000, "/_changes")},
        {"_changes, include_docs, 1,000 documents", 3, filled(1'000, "/_changes?include_docs=true")},
        {"_changes, include_docs, 100 documents of 20 kB", 4,
         filled(100, "/_changes?include_docs=true", kLargeMember)},
        {"_changes, style=all_docs, 1,000 conflicts", 2,
         [](auto &db) {
             db.fill_with_conflicts(1'000);
             return db.request("GET", "/_changes?style=all_docs");
         }},
        {"_changes, limit=100 of 10,000, with pending", 5, filled(10'000, "/_changes?limit=100")},
        {"_changes, since=now", 2, filled(10, "/_changes?since=now")},
        {"_changes, 100 doc_ids, with pending", 5,
         [](auto &db) {
             db.fill(100);
             auto body = keys(100);
             return db.request("POST", "/_changes?filter=_doc_ids", body.replace(2, 4, "doc_ids"));
         }},
    };
}

// Queries of a view that is up to date: a row for each document.
std::vector<Operation> view_operations() {
    auto viewed = [](std::string query, std::string members = R"("value":1)") {
        return [=](MeasuredDatabase &db) {
            db.fill(5'000, members);
            db.put("_design/d", R"({"views":{"v":{"map":"function (doc) { emit([doc._id, doc.value], 1) }",)"
                                R"("reduce":"_sum"}},"autoupdate":false})");
            auto request = db.request("GET", "/_design/d/_view/v?" + query);
            db.server().ask(request);
            return request;
        };
    };
    return {
        {"_view, 1 row of 5,000 by its key", 7, viewed("reduce=false&key=[%22d03000%22,1]")},
        {"_view, 1,000 rows from a key", 7, viewed("reduce=false&startkey=[%22d03000%22]&limit=1000")},
        {"_view, 10 rows behind 4,000", 7, viewed("reduce=false&skip=4000&limit=10")},
        {"_view, include_docs, 100 rows", 5, viewed("reduce=false&include_docs=true&limit=100")},
        {"_view, reduce of 5,000 rows", 5, viewed("")},
        {"_view, reduce of a range of 3,000 rows", 9,
         viewed("startkey=[%22d01000%22]&endkey=[%22d03999%22,{}]")},
        {"_view, 100 groups of 5,000", 4, viewed("group_level=1&limit=100")},
    };
}

std::vector<Operation> database_operations() {
    return {
        {"GET a database", 3,
         [](auto &db) {
             db.put("a");
             return db.request("GET", "");
         }},
        {"PUT a database", 2, [](auto &db) { return Request{"PUT", "/" + db.name() + "_new"}; }},
        {"DELETE a database", 2, [](auto &db) { return db.request("DELETE", ""); }},
        {"First request to a database that is not open (GET a document)", 4,
         [](auto &db) {
             db.put("a");
             db.server().restart();
             return db.request("GET", "/a");
         }},
        {"_purge, a document with 10 revisions", 4,
         [](auto &db) {
             return db.request("POST", "/_purge", R"({"a":[")" + db.put_revisions("a", 10) + R"("]})");
         }},
        {"GET _security", 0, [](auto &db) { return db.request("GET", "/_security"); }},
        {"PUT _security", 3, [](auto &db) { return db.request("PUT", "/_security", "{}"); }},
    };
}

std::string count_of(std::uint64_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string describe(const kv::EngineCalls &calls) {
    std::vector<std::string> parts;
    if (calls.cached_reads > 0)
        parts.push_back(count_of(calls.cached_reads, "cached read"));
    if (calls.reads > 0)
        parts.push_back(count_of(calls.reads, "read") + " of " + count_of(calls.read_keys, "key"));
    if (calls.scans > 0)
        parts.push_back(count_of(calls.scans, "scan") + " of " + count_of(calls.scan_rows, "row"));
    if (calls.sequence_reads > 0)
        parts.push_back(count_of(calls.sequence_reads, "last sequence"));
    if (calls.size_reads > 0)
        parts.push_back(count_of(calls.size_reads, "size"));
    if (calls.stages > 0)
        parts.push_back(count_of(calls.stages, "stage"));
    if (calls.begins > 0)
        parts.push_back(count_of(calls.begins, "begin"));
    if (calls.finishes > 0)
        parts.push_back(count_of(calls.finishes, "finish"));
    if (parts.empty())
        return "none";
    return fmt::format("{}", fmt::join(parts, ", "));
}

class RequestCosts : public testing::Test {
  protected:
    // Rows of the table, in order.
    static std::vector<std::string> measure(const std::vector<Operation> &operations) {
        MeasuredServer remote(EngineKind::remote);
        MeasuredServer embedded(EngineKind::embedded);
        std::vector<std::string> rows;
        for (std::size_t i = 0; i < operations.size(); ++i) {
            const auto &operation = operations[i];
            auto name = fmt::format("c{}", i);
            auto measured = [&](MeasuredServer &server) {
                MeasuredDatabase database(server, name);
                auto request = operation.prepare(database);
                return server.cost(request);
            };
            auto on_remote = measured(remote);
            auto on_embedded = measured(embedded);
            EXPECT_LE(on_remote.round_trips(), operation.budget)
                << operation.name << ": " << describe(on_remote);
            EXPECT_LE(on_embedded.round_trips(), operation.budget)
                << operation.name << ": " << describe(on_embedded);
            rows.push_back(fmt::format("| {} | {} | {}: {} | {} | {} |", operation.name, operation.budget,
                                       on_remote.round_trips(), describe(on_remote), describe(on_embedded),
                                       on_embedded.batch_bytes));
        }
        return rows;
    }
};

constexpr std::string_view kMark = "<!-- What follows is written by the test RequestCosts. -->\n";

// Tests run somewhere below the root of the repository.
std::filesystem::path page() {
    for (auto folder = std::filesystem::current_path(); folder.has_relative_path();
         folder = folder.parent_path())
        if (auto found = folder / "docs/costs.md"; std::filesystem::exists(found))
            return found;
    return "docs/costs.md";
}

TEST_F(RequestCosts, StayInTheirBudgetsAndInTheTable) {
    std::string table =
        "\n| Request | Budget | Calls of a remote engine | Calls of RocksDB | Bytes written |\n"
        "| --- | ---: | --- | --- | ---: |\n";
    for (const auto &operations : {document_operations(), attachment_operations(), bulk_operations(),
                                   listing_operations(), view_operations(), database_operations()})
        for (const auto &row : measure(operations))
            table.append(row).push_back('\n');
    std::stringstream text;
    text << std::ifstream(page()).rdbuf();
    auto before = text.str();
    auto mark = before.find(kMark);
    ASSERT_NE(mark, std::string::npos) << page();
    auto after = before.substr(0, mark).append(kMark).append(table);
    if (std::getenv("DIVAN_WRITE_DOCS") != nullptr)
        std::ofstream(page()) << after;
    else
        EXPECT_EQ(before, after) << "DIVAN_WRITE_DOCS=1 " << "api_testing_test"
                                 << " writes docs/costs.md anew";
}

// No edit writes the whole history, whatever its turn: not even of a document that is hardly larger than
// what surrounds it.
TEST_F(RequestCosts, EditOfALongHistoryWritesAtMostFourTimesTheBytes) {
    MeasuredServer server(EngineKind::memory);
    MeasuredDatabase database(server, "db");
    for (const auto &document : {std::string(kDocument), R"({"text":")" + std::string(600, 'x') + "\"}"}) {
        auto bytes_of_edit = [&](const std::string &id, std::string &rev) {
            auto before = server.calls().batch_bytes;
            rev = database.put(id + "?rev=" + rev, document);
            return server.calls().batch_bytes - before;
        };
        auto suffix = std::to_string(document.size());
        auto rev = database.put("fresh" + suffix, document);
        auto fresh = bytes_of_edit("fresh" + suffix, rev);
        rev = database.put_revisions("old" + suffix, 1'000, document);
        std::uint64_t most = 0;
        for (int i = 0; i < 150; ++i)
            most = std::max(most, bytes_of_edit("old" + suffix, rev));
        std::printf("bytes of an edit of %zu bytes: %llu fresh, %llu at most after 1,000 revisions\n",
                    document.size(), static_cast<unsigned long long>(fresh),
                    static_cast<unsigned long long>(most));
        EXPECT_LE(most, 4 * fresh);
    }
}

} // namespace
} // namespace divan::api
