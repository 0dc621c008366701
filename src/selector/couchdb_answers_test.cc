// Answers of CouchDB 3.5.2 to selectors, recorded: what they match, how they are normalised, why they are
// refused. A line is a selector and what came of it.

#include "selector/selector.h"
#include "json/parser.h"
#include "json/writer.h"

#include <gtest/gtest.h>
#include <sstream>

namespace divan::selector {
namespace {

constexpr std::string_view kDocuments =
    R"LINES({"_id":"a","n":1,"s":"apple","a":[1,2,3],"o":{"x":1,"y":"z"},"t":true}
{"_id":"b","n":2,"s":"Banana","a":["x","y"],"o":{"x":2},"t":false,"z":null}
{"_id":"c","n":2.0,"s":"cherry","a":[],"o":{},"m":"mixed"}
{"_id":"d","n":"2","s":"","a":[[1,2],3],"m":5}
{"_id":"e","n":null,"s":"\u00e9clair","a":[{"k":1,"v":"p"},{"k":2,"v":"q"}],"m":null}
{"_id":"f","n":-7,"s":"zebra","a":"notarray","o":[1,2],"m":[1]}
{"_id":"g","n":[2],"s":5,"a":[null,1],"m":{"q":1}}
{"_id":"h","n":{"v":2},"a.b":"dotted","$dollar":"yes","a":[2,2],"m":true}
{"_id":"i","nest":{"deep":{"er":[{"v":1},{"v":9}]}},"n":10,"m":"Mixed"}
{"_id":"j","n":2.5,"s":"a.b*c","m":false}
)LINES";

constexpr std::string_view kMatches = R"LINES({"n":2} => b c
{"n":{"$eq":2}} => b c
{"n":"2"} => d
{"n":null} => e
{"n":{"$eq":[2]}} => g
{"n":{"$eq":{"v":2}}} => h
{"n.v":2} => h
{"n":{"v":2}} => h
{"a":[]} => c
{"o":{}} => c
{"s":"Apple"} =>
{"missing":null} =>
{"n":true} =>
{"n":{"$ne":2}} => a d e f g h i j
{"n":{"$ne":null}} => a b c d f g h i j
{"missing":{"$ne":1}} =>
{"a":{"$ne":[]}} => a b d e f g h
{"n":{"$gt":2}} => d g h i j
{"n":{"$gt":null}} => a b c d f g h i j
{"n":{"$gt":"1"}} => d g h
{"n":{"$gt":[]}} => g h
{"n":{"$gt":{}}} => h
{"s":{"$gt":"b"}} => b c e f
{"n":{"$gt":true}} => a b c d f g h i j
{"missing":{"$gt":null}} =>
{"n":{"$gte":2}} => b c d g h i j
{"n":{"$gte":null}} => a b c d e f g h i j
{"s":{"$gte":"\u00e9clair"}} => e f
{"n":{"$gte":2,"$lt":3}} => b c j
{"n":{"$lt":2}} => a e f
{"n":{"$lt":null}} =>
{"n":{"$lt":"a"}} => a b c d e f i j
{"n":{"$lt":{}}} => a b c d e f g i j
{"s":{"$lt":"b"}} => a d g j
{"m":{"$lt":0}} => e h j
{"n":{"$lte":2}} => a b c e f
{"n":{"$lte":null}} => e
{"m":{"$lte":false}} => e j
{"n":{"$gte":2,"$lte":2}} => b c
{"_id":{"$gt":"b","$lt":"e"}} => c d
{"_id":{"$gte":"B"}} => c d e f g h i j
{"_id":"c"} => c
{"_id":{"$in":["a","c","zz"]}} => a c
{"_id":{"$gt":null}} => a b c d e f g h i j
{"_id":{"$ne":"a"}} => b c d e f g h i j
{"_id":1} =>
{"z":{"$exists":true}} => b
{"z":{"$exists":false}} => a c d e f g h i j
{"o.x":{"$exists":true}} => a b
{"nest.deep.er":{"$exists":true}} => i
{"o.x":{"$exists":false}} => c d e g h i j
{"n":{"$type":"null"}} => e
{"n":{"$type":"boolean"}} =>
{"n":{"$type":"number"}} => a b c f i j
{"n":{"$type":"string"}} => d
{"n":{"$type":"array"}} => g
{"n":{"$type":"object"}} => h
{"n":{"$type":"nope"}} =>
{"missing":{"$type":"null"}} =>
{"n":{"$in":[1,2]}} => a b c g
{"n":{"$in":[]}} =>
{"a":{"$in":[2]}} => a h
{"a":{"$in":[null]}} => g
{"n":{"$in":[null]}} => e
{"a":{"$in":[[1,2]]}} => d
{"missing":{"$in":[null]}} =>
{"n":{"$in":["2",[2]]}} => d
{"a":{"$in":[[]]}} =>
{"n":{"$nin":[1,2]}} => d e f h i j
{"n":{"$nin":[]}} => a b c d e f g h i j
{"a":{"$nin":[2]}} => b c d e f g
{"missing":{"$nin":[1]}} =>
{"a":{"$nin":[[]]}} => a b c d e f g h
{"a":{"$all":[1]}} => a g
{"a":{"$all":[1,2]}} => a
{"a":{"$all":[]}} =>
{"a":{"$all":[[1,2]]}} => d
{"a":{"$all":[[1,2,3]]}} => a
{"a":{"$all":["x"]}} => b
{"s":{"$all":["apple"]}} =>
{"a":{"$all":[[2,2]]}} => h
{"a":{"$size":0}} => c
{"a":{"$size":2}} => b d e g h
{"a":{"$size":3}} => a
{"s":{"$size":5}} =>
{"o":{"$size":2}} => f
{"n":{"$mod":[2,0]}} => b i
{"n":{"$mod":[2,1]}} => a
{"n":{"$mod":[3,-1]}} => f
{"n":{"$mod":[4,-3]}} => f
{"n":{"$mod":[-2,0]}} => b i
{"n":{"$mod":[5,0]}} => i
{"s":{"$regex":"^a"}} => a j
{"s":{"$regex":"(?i)^B"}} => b
{"s":{"$regex":""}} => a b c d e f j
{"s":{"$regex":"\u00e9"}} => e
{"s":{"$regex":"a.b"}} => j
{"s":{"$regex":"a\\.b\\*"}} => j
{"s":{"$regex":"^.{5}$"}} => a f j
{"s":{"$regex":"\\bzeb"}} => f
{"s":{"$regex":"an(?=a)"}} => b
{"s":{"$regex":"5"}} =>
{"s":{"$regex":"^.clair$"}} =>
{"s":{"$beginsWith":"a"}} => a j
{"s":{"$beginsWith":""}} => a b c d e f j
{"s":{"$beginsWith":"e"}} =>
{"s":{"$beginsWith":"\u00e9"}} => e
{"_id":{"$beginsWith":"a"}} => a
{"n":{"$beginsWith":"2"}} => d
{"s":{"$beginsWith":"A"}} =>
{"a":{"$elemMatch":{"$gt":2}}} => a b d e
{"a":{"$elemMatch":{"k":1}}} => e
{"a":{"$elemMatch":{"k":1,"v":"q"}}} =>
{"a":{"$elemMatch":{"$eq":"x"}}} => b
{"a":{"$elemMatch":{}}} =>
{"nest.deep.er":{"$elemMatch":{"v":{"$gt":5}}}} => i
{"a":{"$elemMatch":{"$eq":null}}} => g
{"a":{"$allMatch":{"$gt":0}}} => a b d e h
{"a":{"$allMatch":{"k":{"$gt":0}}}} => e
{"a":{"$allMatch":{}}} =>
{"a":{"$allMatch":{"$type":"string"}}} => b
{"o":{"$keyMapMatch":{"$eq":"x"}}} => a b
{"o":{"$keyMapMatch":{"$gt":"x"}}} => a
{"o":{"$keyMapMatch":{"$regex":"^y"}}} => a
{"m":{"$keyMapMatch":{"$eq":"q"}}} => g
{"a":{"$keyMapMatch":{"$eq":"k"}}} =>
{"o":{"$keyMapMatch":{}}} =>
{"$and":[{"n":2},{"s":"Banana"}]} => b
{"$and":[]} =>
{"$or":[]} =>
{"$or":[{"n":1},{"s":"zebra"}]} => a f
{"$or":[{"n":1}]} => a
{"$nor":[{"n":1},{"n":2}]} => d e f g h i j
{"$nor":[]} =>
{"n":1,"$or":[]} => a
{"$or":[{},{"n":1}]} => a
{"$and":[{}]} =>
{"$or":[{"$and":[{"n":2},{"z":null}]},{"_id":"j"}]} => b j
{"$not":{"n":2}} => a d e f g h i j
{"n":{"$not":{"$gt":2}}} => a b c e f
{"missing":{"$not":{"$gt":2}}} =>
{"missing":{"$not":{"$exists":true}}} => a b c d e f g h i j
{"$not":{"$not":{"n":2}}} => b c
{"$not":{"$and":[{"n":2},{"s":"Banana"}]}} => a c d e f g h i j
{"$not":{"$or":[{"n":2},{"n":1}]}} => d e f g h i j
{"n":{"$not":{"$in":[1,2]}}} => d e f h i j
{"s":{"$not":{"$regex":"a"}}} => c d g
{"a":{"$not":{"$size":2}}} => a c f
{"n":{"$not":{"$eq":2}}} => a d e f g h i j
{"a":{"$not":{"$elemMatch":{"$eq":1}}}} => b c d e f h
{"a":{"$not":{"$all":[1]}}} => b c d e f h
{"o":{"x":1}} => a
{"o.x":1} => a
{"o":{"x":1,"y":"z"}} => a
{"o":{"$eq":{"x":1}}} =>
{"nest":{"deep":{"er":{"$size":2}}}} => i
{"nest.deep.er.1.v":9} => i
{"a.0":1} => a
{"a.1":2} => a h
{"o.1":2} => f
{"a.0.k":1} => e
{"a.-1":3} =>
{"a.[0]":1} =>
{"nest.deep":{"$gt":null}} => i
{"o":{"x":{"$gt":1}}} => b
{"a\\.b":"dotted"} => h
{"a.b":"dotted"} =>
{"\\$dollar":"yes"} => h
{"\\$dollar":{"$exists":true}} => h
{"o\\.x":1} =>
{"a\\\\.b":1} =>
{"\\\\":1} =>
{} => a b c d e f g h i j
{"n":{}} =>
{"o":{}} => c
{"missing":{}} =>
{"a":[]} => c
{"n":{"$gt":1,"$lt":10}} => b c j
{"n":{"$gt":1,"$ne":2}} => d g h i j
{"n":1,"s":"apple","t":true} => a
{"n":{"$exists":true,"$type":"number"}} => a b c f i j
{"n":{"$gt":5}} => d g h i
{"$or":[1]} =>
{"$text":"x"} => a b c d e f g h i j
{"n":{"$eq":1,"foo":2}} =>
{"n":{"$in":["a",{"$gt":1}]}} =>
{"n":{"$all":[],"$size":0}} =>
)LINES";

constexpr std::string_view kNumbers = R"LINES({"_id":"a","n":9007199254740993}
{"_id":"b","n":9007199254740992}
{"_id":"c","n":0.1}
{"_id":"d","n":1e300}
{"_id":"e","n":123456789012345678901234567890}
{"_id":"f","n":0}
{"_id":"g","n":-0.0}
)LINES";

constexpr std::string_view kNumberMatches = R"LINES({"n":9007199254740993} => a
{"n":9007199254740992} => b
{"n":0.1} => c
{"n":1e+300} => d
{"n":123456789012345678901234567890} => e
{"n":0} => f g
{"n":-0.0} => f g
{"n":{"$gt":9007199254740992}} => a d e
{"n":{"$mod":[2,1]}} => a
{"n":{"$type":"number"}} => a b c d e f g
)LINES";

constexpr std::string_view kObjects = R"LINES({"_id":"a","o":{"x":1,"y":2}}
{"_id":"b","o":{"y":2,"x":1}}
)LINES";

constexpr std::string_view kObjectMatches = R"LINES({"o":{"$eq":{"x":1,"y":2}}} => a
{"o":{"$eq":{"y":2,"x":1}}} => b
{"o":{"x":1,"y":2}} => a b
{"o":{"$in":[{"y":2,"x":1}]}} => b
)LINES";

// Where CouchDB prints text as a list of bytes, only the word of the error is compared.
constexpr std::string_view kErrors =
    R"LINES({"$not":{}} => invalid_selector: One or more conditions is missing a field name.
{"n":{"$not":2}} => bad_arg: Bad argument for operator $not: 2
{"":1} => invalid_field_name: Invalid field name: 
1 => invalid_selector_json: Selector must be a JSON object, not: 1
null => invalid_selector_json: Selector must be a JSON object, not: null
[] => invalid_selector_json: Selector must be a JSON object, not: []
"x" => invalid_selector_json
{"n":{"$foo":1}} => invalid_operator: Invalid operator: $foo
{"$foo":1} => invalid_operator: Invalid operator: $foo
{"n":{"$in":1}} => bad_arg: Bad argument for operator $in: 1
{"n":{"$nin":{}}} => bad_arg: Bad argument for operator $nin: {[]}
{"n":{"$all":1}} => bad_arg: Bad argument for operator $all: 1
{"n":{"$size":-1}} => bad_arg: Bad argument for operator $size: -1
{"n":{"$size":"1"}} => bad_arg
{"n":{"$size":1.0}} => bad_arg: Bad argument for operator $size: 1.0
{"n":{"$mod":1}} => bad_arg: Bad argument for operator $mod: 1
{"n":{"$mod":[2]}} => bad_arg: Bad argument for operator $mod: [2]
{"n":{"$mod":["a",1]}} => bad_arg
{"n":{"$mod":[2.5,1]}} => bad_arg: Bad argument for operator $mod: [2.5,1]
{"n":{"$mod":[2,"x"]}} => bad_arg
{"n":{"$regex":1}} => invalid_operator: Invalid operator: $regex
{"n":{"$regex":"("}} => bad_arg
{"n":{"$regex":"[z-a]"}} => bad_arg
{"n":{"$exists":1}} => bad_arg: Bad argument for operator $exists: 1
{"n":{"$exists":"true"}} => bad_arg
{"n":{"$type":1}} => bad_arg: Bad argument for operator $type: 1
{"n":{"$beginsWith":1}} => invalid_operator: Invalid operator: $beginsWith
{"n":{"$elemMatch":1}} => bad_arg: Bad argument for operator $elemMatch: 1
{"n":{"$allMatch":[]}} => bad_arg: Bad argument for operator $allMatch: []
{"n":{"$keyMapMatch":1}} => bad_arg: Bad argument for operator $keyMapMatch: 1
{"$and":1} => bad_arg: Bad argument for operator $and: 1
{"$and":{}} => bad_arg: Bad argument for operator $and: {[]}
{"$or":{}} => bad_arg: Bad argument for operator $or: {[]}
{"$not":1} => bad_arg: Bad argument for operator $not: 1
{"$not":[]} => bad_arg: Bad argument for operator $not: []
{"$nor":1} => bad_arg: Bad argument for operator $nor: 1
{"n":{"$not":{"$foo":1}}} => invalid_operator: Invalid operator: $foo
{"n":{"$text":"x"}} => bad_field
{"n":{"$where":"x"}} => not_supported: Unsupported operator: $where
{"n":{"$near":1}} => not_supported: Unsupported operator: $near
{"n":{"$geoWithin":1}} => not_supported: Unsupported operator: $geoWithin
{"":{"$eq":1}} => invalid_field_name: Invalid field name: 
{"$eq":1} => invalid_selector: One or more conditions is missing a field name.
{"$gt":1} => invalid_selector: One or more conditions is missing a field name.
{".a":1} => invalid_field_name: Invalid field name: .a
{"a.":1} => invalid_field_name: Invalid field name: a.
{"a..b":1} => invalid_field_name: Invalid field name: a..b
{"$and":[{"n":{"$foo":1}}]} => invalid_operator: Invalid operator: $foo
{"n":{"$options":"i"}} => invalid_operator: Invalid operator: $options
{"n":{"$regex":"a","$options":"i"}} => invalid_operator: Invalid operator: $options
{"$":1} => invalid_operator: Invalid operator: $
{"n":{"$":1}} => invalid_operator: Invalid operator: $
)LINES";

// As _explain shows them.
constexpr std::string_view kNormalForms = R"LINES({"a":1,"b":2} => {"$and":[{"a":{"$eq":1}},{"b":{"$eq":2}}]}
{"a":{"b":1}} => {"a.b":{"$eq":1}}
{"a":{"b":1,"c":2}} => {"$and":[{"a.b":{"$eq":1}},{"a.c":{"$eq":2}}]}
{"a":{"$gt":1,"$lt":3}} => {"$and":[{"a":{"$gt":1}},{"a":{"$lt":3}}]}
{"$not":{"a":1}} => {"a":{"$ne":1}}
{"$nor":[{"a":1}]} => {"$and":[{"a":{"$ne":1}}]}
{"$and":[{"a":1}]} => {"$and":[{"a":{"$eq":1}}]}
{"$or":[{"a":1}]} => {"$or":[{"a":{"$eq":1}}]}
{"a":{"$not":{"$gt":1}}} => {"a":{"$lte":1}}
{"a":{"$all":[1]}} => {"a":{"$all":[1]}}
{"a":{"$elemMatch":{"b":1}}} => {"a":{"$elemMatch":{"b":{"$eq":1}}}}
{"$not":{"$and":[{"a":1},{"b":2}]}} => {"$or":[{"a":{"$ne":1}},{"b":{"$ne":2}}]}
{"a":{"$in":[1]}} => {"a":{"$in":[1]}}
{"a\\.b":1} => {"a.b":{"$eq":1}}
{"a":{"$not":{"$in":[1]}}} => {"a":{"$nin":[1]}}
{"a":{}} => {"a":{"$eq":{}}}
{"$and":[]} => {"$and":[]}
{"$or":[]} => {"$or":[]}
{"a":{"$exists":true}} => {"a":{"$exists":true}}
{"$not":{"a":{"$exists":true}}} => {"a":{"$exists":false}}
{"a":{"$allMatch":{"$gt":1}}} => {"a":{"$allMatch":{"":{"$gt":1}}}}
)LINES";

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    std::istringstream stream{std::string(text)};
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

json::Value parsed(std::string_view text) {
    auto value = json::parse(text);
    EXPECT_TRUE(value.ok()) << text;
    return std::move(value).value_or(nullptr);
}

struct Recorded {
    std::string selector, answer;
};

std::vector<Recorded> recorded(std::string_view text) {
    std::vector<Recorded> all;
    for (const auto &line : lines_of(text)) {
        auto arrow = line.find(" =>");
        EXPECT_NE(arrow, std::string::npos) << line;
        all.push_back({line.substr(0, arrow), line.substr(std::min(line.size(), arrow + 4))});
    }
    return all;
}

// The ids of the documents that match, with a space between.
std::string matching(const std::string &selector, std::string_view documents) {
    auto compiled = Selector::compile(parsed(selector));
    if (!compiled.ok())
        return compiled.error().reason();
    if ((*compiled)->is_void())
        return "";
    Matcher matcher(*compiled);
    std::string ids;
    for (const auto &line : lines_of(documents)) {
        auto document = parsed(line);
        if (matcher.matches(json::to_text(document)))
            ids += (ids.empty() ? "" : " ") + document.object().find("_id")->string();
    }
    return ids;
}

void expect_matches(std::string_view text, std::string_view documents) {
    for (const auto &[selector, answer] : recorded(text))
        EXPECT_EQ(matching(selector, documents), answer) << selector;
}

TEST(CouchdbAnswers, MatchesOfEveryOperator) {
    expect_matches(kMatches, kDocuments);
}

// "a" < "A" < "b" to the collator. CouchDB answers the last one with no document: it reads the ids below "A"
// in the order of bytes, and asks the selector of those.
TEST(CouchdbAnswers, IdsAreStringsLikeOthers) {
    EXPECT_EQ(matching(R"({"_id":{"$gte":"B"}})", kDocuments), "c d e f g h i j");
    EXPECT_EQ(matching(R"({"_id":{"$lt":"A"}})", kDocuments), "a");
}

TEST(CouchdbAnswers, NumbersOfAnySize) {
    expect_matches(kNumberMatches, kNumbers);
}

TEST(CouchdbAnswers, OrderOfMembers) {
    expect_matches(kObjectMatches, kObjects);
}

TEST(CouchdbAnswers, Errors) {
    for (const auto &[selector, answer] : recorded(kErrors)) {
        auto compiled = Selector::compile(parsed(selector));
        ASSERT_FALSE(compiled.ok()) << selector;
        const auto &error = compiled.error();
        EXPECT_EQ(error.code(), ErrorCode::bad_request) << selector;
        auto said = std::string(error.word());
        if (answer.find(": ") != std::string::npos)
            said += ": " + std::string(error.reason());
        EXPECT_EQ(said, answer) << selector;
    }
}

TEST(CouchdbAnswers, NormalForms) {
    for (const auto &[selector, answer] : recorded(kNormalForms)) {
        auto compiled = Selector::compile(parsed(selector));
        ASSERT_TRUE(compiled.ok()) << selector;
        EXPECT_EQ(json::to_text((*compiled)->to_json(true)), answer) << selector;
    }
}

// What is shown is compiled from its form with escapes to the same form.
TEST(CouchdbAnswers, NormalFormsAreTheirOwn) {
    for (auto text : {kMatches, kNumberMatches, kObjectMatches, kNormalForms}) {
        for (const auto &[selector, answer] : recorded(text)) {
            auto once = Selector::compile(parsed(selector));
            ASSERT_TRUE(once.ok()) << selector;
            auto form = (*once)->to_json(false);
            auto twice = Selector::compile(form);
            ASSERT_TRUE(twice.ok()) << json::to_text(form);
            EXPECT_EQ(json::to_text((*twice)->to_json(false)), json::to_text(form));
            EXPECT_EQ(json::to_text((*twice)->to_json(true)), json::to_text((*once)->to_json(true)));
        }
    }
}

} // namespace
} // namespace divan::selector
