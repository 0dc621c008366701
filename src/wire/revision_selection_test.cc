#include "wire/revision_selection.h"

#include <gtest/gtest.h>

namespace divan::wire {
namespace {

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

} // namespace
} // namespace divan::wire
