#include "api/listing.h"
#include "api/multipart_parts.h"
#include "api/revision_selection.h"
#include "json/parser.h"

#include <gtest/gtest.h>

namespace divan::api {
namespace {

TEST(MultipartParts, DispositionParameter) {
    constexpr std::string_view kForm = R"(form-data; filename="a; name=\"b\".txt"; name = "_doc" ; size=3)";
    EXPECT_EQ(disposition_parameter(kForm, "name"), "_doc");
    EXPECT_EQ(disposition_parameter(kForm, "FILENAME"), "a; name=\"b\".txt");
    EXPECT_EQ(disposition_parameter(kForm, "size"), "3");
    EXPECT_EQ(disposition_parameter("attachment; x; name=a b ; y", "name"), "a b");
    EXPECT_EQ(disposition_parameter("form-data; name=\"\"", "name"), "");
    for (std::string_view none : {"", "name=x", "form-data;", "form-data; names=x", "form-data; name"})
        EXPECT_FALSE(disposition_parameter(none, "name")) << none;
    EXPECT_EQ(disposition_parameter("form-data; name=\"cut", "name"), "cut");
}

TEST(RevisionSelection, EachRevisionOnceInTheOrderOfTheTree) {
    auto rev = [](const char *text) { return doc::RevId::parse(text).value(); };
    auto hash = [](const char *text) { return doc::RevHash::from_text(text); };
    doc::RevTree tree;
    tree.merge({3, {hash("c"), hash("b"), hash("a")}}, {false, 1});
    tree.merge({2, {hash("z"), hash("a")}}, {true, 2});
    auto text = [](const SelectedRevisions &selected) {
        std::string all;
        for (const auto &leaf : selected.found)
            all += leaf.rev.text() + " ";
        for (const auto &missing : selected.missing)
            all += "!" + missing.text() + " ";
        return all;
    };
    EXPECT_EQ(text(select_revisions(tree, std::nullopt, false)), "2-z 3-c ");
    EXPECT_EQ(text(select_revisions(tree, {{rev("1-a")}}, true)), "2-z 3-c ");
    EXPECT_EQ(
        text(select_revisions(tree, {{rev("3-c"), rev("9-q"), rev("2-b"), rev("3-c"), rev("9-q")}}, false)),
        "2-b 3-c !9-q ");
    EXPECT_EQ(text(select_revisions({}, {{rev("1-a")}}, true)), "!1-a ");
}

TEST(ListingOptions, WhichOfTwoValuesCounts) {
    auto query = net::Query::parse("limit=1&key=%22a%22").value();
    auto body = json::parse(R"({"limit":2,"keys":["a"]})").value();
    EXPECT_EQ(read_listing_options(query, &body.object(), Precedence::query)->limit, 1u);
    EXPECT_EQ(read_listing_options(query, &body.object(), Precedence::body)->limit, 2u);
    auto two = json::parse(R"({"keys":["a","a"]})").value();
    EXPECT_FALSE(read_listing_options(query, &two.object(), Precedence::body).ok());
    for (const char *bad : {R"({"limit":"1"})", R"({"limit":-1})", R"({"skip":1.5})", R"({"descending":1})",
                            R"({"keys":1})", R"({"stale":1})"}) {
        auto value = json::parse(bad).value();
        EXPECT_FALSE(read_listing_options({}, &value.object(), Precedence::body).ok()) << bad;
    }
}

} // namespace
} // namespace divan::api
