#include "api/included_documents.h"
#include "api/view_options.h"
#include "json/parser.h"
#include "json/writer.h"

#include <gtest/gtest.h>

namespace divan::api {
namespace {

Result<ViewOptions> read(std::string_view query, const char *body = nullptr, ReadViewOptions how = {}) {
    auto parsed_query = net::Query::parse(query);
    if (body == nullptr)
        return read_view_options(*parsed_query, nullptr, how);
    auto parsed = json::parse(body);
    return read_view_options(*parsed_query, &parsed->object(), how);
}

std::string reason(std::string_view query, const char *body = nullptr) {
    auto options = read(query, body);
    return options.ok() ? "" : options.error().reason();
}

std::string refusal(std::string_view query, ViewType type, const char *body = nullptr) {
    auto options = read(query, body);
    if (!options.ok())
        return options.error().reason();
    auto checked = check_view_options(*options, type);
    return checked.ok() ? "" : checked.error().reason();
}

TEST(ViewOptions, AreRead) {
    auto options =
        read("startkey=[1]&end_key=%22b%22&startkey_docid=x&end_key_doc_id=y&descending=TRUE"
             "&inclusive_end=False&limit=3&skip=2&include_docs=true&conflicts=true&attachments=true"
             "&att_encoding_info=true&update_seq=true&sorted=false&stable=true&update=lazy&unknown=1");
    ASSERT_TRUE(options.ok()) << options.error().reason();
    auto range = options->range();
    EXPECT_EQ(json::to_text(*range.start), "[1]");
    EXPECT_EQ(json::to_text(*range.end), "\"b\"");
    EXPECT_EQ(range.start_id, "x");
    EXPECT_EQ(range.end_id, "y");
    EXPECT_TRUE(range.descending);
    EXPECT_FALSE(range.inclusive_end);
    EXPECT_EQ(options->limit, 3U);
    EXPECT_EQ(options->skip, 2U);
    EXPECT_TRUE(options->include_docs && options->update_seq && options->document.conflicts);
    EXPECT_TRUE(options->document.attachments && options->document.encoding_info);
    EXPECT_EQ(options->update, UpdateMode::later);
}

TEST(ViewOptions, LaterOnesWinAndTheUrlWinsOverTheBodyOfAPost) {
    EXPECT_EQ(json::to_text(*read("startkey=2&key=1")->start_key), "1");
    auto options = read("key=1&startkey=2");
    EXPECT_EQ(json::to_text(*options->start_key), "2");
    EXPECT_EQ(json::to_text(*options->end_key), "1");
    EXPECT_EQ(read("limit=1", R"({"limit":2})")->limit, 1U);
    EXPECT_EQ(read("limit=1", R"({"limit":2})", {.precedence = Precedence::body})->limit, 2U);
}

TEST(ViewOptions, IdsCountOnlyWithTheirKeys) {
    auto range = read("startkey_docid=x&endkey_docid=y")->range();
    EXPECT_EQ(range.start_id, std::nullopt);
    EXPECT_EQ(range.end_id, std::nullopt);
}

TEST(ViewOptions, OneKeyIsAKeyForViews) {
    auto options = read("", R"({"keys":[1],"endkey":2})", {.one_key_is_key = true});
    EXPECT_EQ(options->keys, std::nullopt);
    EXPECT_EQ(json::to_text(*options->start_key), "1");
    EXPECT_EQ(json::to_text(*options->end_key), "2");
    EXPECT_TRUE(read("keys=[1]")->keys.has_value());
    EXPECT_TRUE(read("keys=[1,2]", nullptr, {.one_key_is_key = true})->keys.has_value());
}

TEST(ViewOptions, QueriesDoNotInheritKeysAndGroups) {
    auto options = read("keys=[1,2]&group_level=2&group=true&limit=5", "{}",
                        {.precedence = Precedence::body, .one_key_is_key = true});
    EXPECT_EQ(options->keys, std::nullopt);
    EXPECT_EQ(options->grouping().level, 0U);
    EXPECT_EQ(options->limit, 5U);
}

TEST(ViewOptions, OldNamesOfUpdate) {
    EXPECT_EQ(read("stale=ok")->update, UpdateMode::none);
    EXPECT_EQ(read("stale=update_after")->update, UpdateMode::later);
    EXPECT_EQ(read("update=true")->update, UpdateMode::wait);
    EXPECT_EQ(read("", R"({"update":false})")->update, UpdateMode::none);
    EXPECT_EQ(reason("stale=x"), "Invalid value for `stale`.");
    EXPECT_EQ(reason("update=TRUE"), "Invalid value for `update`.");
    EXPECT_EQ(reason("stable=1"), "Invalid value for `stable`.");
}

TEST(ViewOptions, WhatCannotBeReadIsRefused) {
    EXPECT_EQ(reason("limit=x"), "Invalid value for integer: \"x\"");
    EXPECT_EQ(reason("limit="), "Invalid value for integer: []");
    EXPECT_EQ(reason("skip=-1"), "Invalid value for positive integer: \"-1\"");
    EXPECT_EQ(reason("", R"({"limit":-1})"), "Invalid value for positive integer: -1");
    EXPECT_EQ(reason("", R"({"limit":1.0})"), "Invalid value for integer: 1.0");
    EXPECT_EQ(reason("descending="), "Invalid boolean parameter: []");
    EXPECT_EQ(reason("sorted=x"), "Invalid boolean parameter: \"x\"");
    EXPECT_EQ(reason("", R"({"descending":1})"), "Invalid boolean parameter: 1");
    EXPECT_EQ(reason("", R"({"descending":"true"})"), "");
    EXPECT_EQ(reason("partition="), "Partition must not be empty");
    EXPECT_EQ(reason("partition=_a"), "Partition must not start with an underscore");
    EXPECT_EQ(reason("partition=a:b"), "Partition must not contain a colon");
}

TEST(ViewOptions, AKeyWithoutQuotesIsShownWithThem) {
    EXPECT_EQ(reason("key=abc"), R"(invalid UTF-8 JSON; did you mean key="abc"?)");
    EXPECT_EQ(reason("startkey=2024-01-31"), R"(invalid UTF-8 JSON; did you mean startkey="2024-01-31"?)");
    EXPECT_EQ(reason("end_key='a%22b'"), R"(invalid UTF-8 JSON; did you mean end_key="a\"b"?)");
    for (const char *query : {"key=", "key=%7B", "key=[1", "key=%22a", "key=%00a", "key=%FF", "keys=a"})
        EXPECT_EQ(reason(query), "invalid UTF-8 JSON") << query;
    EXPECT_EQ(reason(std::string("key=").append(101, 'a')), "invalid UTF-8 JSON");
    EXPECT_EQ(read("key=abc").error().code(), ErrorCode::bad_request);
}

TEST(ViewOptions, WhatDoesNotFitTheViewIsRefused) {
    using enum ViewType;
    EXPECT_EQ(refusal("reduce=true", map), "Reduce is invalid for map-only views.");
    EXPECT_EQ(refusal("group=true", map), "Invalid use of grouping on a map view.");
    EXPECT_EQ(refusal("group_level=1", map), "Invalid use of grouping on a map view.");
    EXPECT_EQ(refusal("group_level=0", map), "");
    EXPECT_EQ(refusal("keys=1", map), "`keys` must be an array of strings.");
    EXPECT_EQ(refusal("keys=1", reduce), "`keys` must be an array of strings.");
    EXPECT_EQ(refusal("keys=[1,2]", reduce), "Multi-key fetches for reduce views must use `group=true`");
    EXPECT_EQ(refusal("keys=[1,2]&group_level=1", reduce),
              "Multi-key fetches for reduce views must use `group=true`");
    EXPECT_EQ(refusal("keys=[1,2]&group=true", reduce), "");
    EXPECT_EQ(refusal("include_docs=true", reduce), "`include_docs` is invalid for reduce");
    EXPECT_EQ(refusal("conflicts=false", reduce), "`conflicts` is invalid for reduce views.");
    EXPECT_EQ(refusal("group=false&group_level=1", reduce),
              "Can't specify group=false and group_level>0 at the same time");
    constexpr const char *kIncompatible = "`keys` is incompatible with `key`, `start_key` and `end_key`";
    EXPECT_EQ(refusal("keys=[1,2]&key=1", map), kIncompatible);
    EXPECT_EQ(refusal("keys=[1,2]&endkey=1", map), kIncompatible);
    EXPECT_EQ(refusal("keys=[1]&startkey=1", map), kIncompatible);
    EXPECT_EQ(refusal("keys=[1]&key=1", map), "");
    EXPECT_EQ(refusal("keys=[]&key=1", map), "");
}

TEST(ViewOptions, GroupLevels) {
    EXPECT_EQ(read("")->grouping().level, 0U);
    EXPECT_EQ(read("group=true")->grouping().level, views::Grouping::kExact);
    EXPECT_EQ(read("group=true&group_level=2")->grouping().level, 2U);
    EXPECT_EQ(read("group=true&group_level=0")->grouping().level, 0U);
}

TEST(LinkedDocument, IsNamedByTheValue) {
    for (const char *value : {"null", "1", "\"_id\"", "[{\"_id\":\"a\"}]", "{}", R"({"x":{"_id":"a"}})"}) {
        auto linked = linked_document(value);
        EXPECT_FALSE(linked.none || linked.id || linked.rev) << value;
    }
    EXPECT_EQ(linked_document(R"({"_id":"a\n"})").id, "a\n");
    auto linked = linked_document(R"({"a":1,"_id":"b","_rev":"2-c"})");
    EXPECT_EQ(linked.id, "b");
    EXPECT_EQ(linked.rev->text(), "2-c");
    EXPECT_FALSE(linked_document(R"({"_rev":"2-c"})").id);
    for (const char *value : {R"({"_id":null})", R"({"_id":1})", R"({"_rev":"x"})", R"({"_rev":1})"})
        EXPECT_TRUE(linked_document(value).none) << value;
}

} // namespace
} // namespace divan::api
