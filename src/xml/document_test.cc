#include "xml/document.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace divan::xml {
namespace {

std::string refusal(std::string_view text, const Limits &limits = {}) {
    auto parsed = parse(text, limits);
    if (parsed.ok())
        return "taken";
    EXPECT_EQ(parsed.error().code(), ErrorCode::bad_request);
    return parsed.error().reason();
}

bool contains(const std::string &text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(Document, IsReadIntoValues) {
    auto root = parse(R"(<?xml version="1.0" encoding="UTF-8"?>
        <p:a xmlns:p="urn:p" xmlns="urn:d" ID="1" p:ID="2" t="&lt;&#x41;&amp;&quot;">
          <b>one<c/> two</b><b>  &#233;<![CDATA[<x>]]> </b></p:a>)",
                      {})
                    .value();
    EXPECT_TRUE(root.is("urn:p", "a"));
    EXPECT_EQ(*root.attribute("ID"), "1");
    EXPECT_EQ(*root.attribute("t"), "<A&\"");
    EXPECT_EQ(root.attribute("x"), nullptr);
    ASSERT_EQ(root.attributes.size(), 3u);
    EXPECT_EQ(root.attributes[1].space, "urn:p");
    auto all = root.all("urn:d", "b");
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0]->text, "one two");
    EXPECT_EQ(all[1]->trimmed(), "\xc3\xa9<x>");
    EXPECT_EQ(root.child("urn:d", "b"), all[0]);
    EXPECT_EQ(root.child("", "b"), nullptr);
    EXPECT_EQ(root.count("urn:d", "b"), 2u);
    EXPECT_EQ(root.count("urn:d", "c"), 1u);
    EXPECT_EQ(root.count("urn:p", "a"), 1u);
    EXPECT_EQ(parse("<a>  </a>", {}).value().trimmed(), "");
}

TEST(Document, WhatAttacksLiveOfIsRefused) {
    for (const char *text : {
             "<!DOCTYPE a><a/>",
             "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
             "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/hostname\">]><a>&x;</a>",
             "<!DOCTYPE a [<!ENTITY % x SYSTEM \"http://127.0.0.1/\"> %x;]><a/>",
             "<!DOCTYPE a SYSTEM \"http://127.0.0.1/a.dtd\"><a/>",
             "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c "
             "\"&b;&b;&b;\">]><a b=\"&c;\"/>",
             "<!DOCTYPE a [<!ATTLIST a ID ID #IMPLIED>]><a ID=\"1\"/>",
         })
        EXPECT_TRUE(contains(refusal(text), "DOCTYPE")) << text;
    EXPECT_TRUE(contains(refusal("<a>x<!-- y -->z</a>"), "comment"));
    EXPECT_TRUE(contains(refusal("<!-- y --><a/>"), "comment"));
    EXPECT_TRUE(contains(refusal("<a/><!-- y -->"), "comment"));
    EXPECT_TRUE(contains(refusal("<a>x<?y z?>z</a>"), "processing instruction"));
    EXPECT_TRUE(contains(refusal("<?y z?><a/>"), "processing instruction"));
}

TEST(Document, WhatIsNoXmlIsRefused) {
    for (const char *text : {"",
                             " ",
                             "x",
                             "<a>",
                             "<a></b>",
                             "<a/><b/>",
                             "<a/>x",
                             "<a b=1/>",
                             "<a b=\"1\" b=\"1\"/>",
                             "<p:a/>",
                             "<a p:b=\"1\"/>",
                             "<a xmlns:p=\"u\" xmlns:q=\"u\" p:b=\"1\" q:b=\"1\"/>",
                             "<a>&x;</a>",
                             "<a b=\"&x;\"/>",
                             "<a>&#0;</a>",
                             "<a>&#xD800;</a>",
                             "<a b=\"<\"/>",
                             "<a>\x01</a>",
                             "<a><![CDATA[</a>",
                             "{}"})
        EXPECT_TRUE(contains(refusal(text), "no well-formed XML")) << text;
}

TEST(Document, OtherEncodingsAreRefused) {
    EXPECT_TRUE(contains(refusal("<a>\xe9</a>"), "not UTF-8"));
    EXPECT_TRUE(contains(refusal(std::string_view("<\0a\0/\0>\0", 8)), "not UTF-8"));
    EXPECT_TRUE(contains(refusal("<a>\xed\xa0\x80</a>"), "not UTF-8"));
    // What a document says of its encoding is not believed.
    for (const char *name : {"ISO-8859-1", "UTF-7", "UTF-16", "EBCDIC-CP-US"}) {
        auto root =
            parse(fmt::format("<?xml version=\"1.0\" encoding=\"{}\"?><a>\xc3\xa9+ADw-</a>", name), {});
        EXPECT_TRUE(!root.ok() || root->text == "\xc3\xa9+ADw-") << name;
    }
}

TEST(Document, HasLimits) {
    Limits limits;
    limits.depth_max = 3;
    EXPECT_EQ(refusal("<a><b><c/></b></a>", limits), "taken");
    EXPECT_TRUE(contains(refusal("<a><b><c><d/></c></b></a>", limits), "deeper than 3"));
    limits.elements_max = 2;
    EXPECT_TRUE(contains(refusal("<a><b/><b/></a>", limits), "more than 2 elements"));
    limits.bytes_max = 9;
    EXPECT_EQ(refusal("<a>12</a>", limits), "taken");
    EXPECT_TRUE(contains(refusal("<a>123</a>", limits), "more than 9 bytes"));
    std::string deep;
    for (int i = 0; i < 10'000; ++i)
        deep += "<a>";
    EXPECT_TRUE(contains(refusal(deep), "deeper than 64"));
}

TEST(Document, CommentsCanBePassedOver) {
    Limits limits;
    limits.allow_comments = true;
    auto root = parse("<!-- a --><?b c?><a>x<!-- y -->z<?b c?>!</a>", limits).value();
    EXPECT_EQ(root.text, "xz!");
    EXPECT_TRUE(contains(refusal("<!DOCTYPE a><a/>", limits), "DOCTYPE"));
}

TEST(Document, WhatIsEscapedComesBack) {
    std::string text = "<&>\"'\r\n\t\xc3\xa9 ]]>";
    auto root = parse(fmt::format("<a b=\"{0}\">{0}</a>", escape(text)), {}).value();
    EXPECT_EQ(*root.attribute("b"), text);
    EXPECT_EQ(root.text, text);
}

} // namespace
} // namespace divan::xml
