// Two JSON texts, a line break between them: a selector and a document. What compiles has a normal form that
// stays, matches as the reference does, and reads its fields as a tree has them.

#include "selector/path.h"
#include "selector/selector.h"
#include "selector/testing/reference_matcher.h"
#include "json/parser.h"
#include "json/writer.h"

#include <cstdlib>

namespace {

using namespace divan;
using namespace divan::selector;

void require(bool condition) {
    if (!condition)
        std::abort();
}

json::ParseOptions bounded() {
    json::ParseOptions options;
    options.depth_max = 100;
    return options;
}

// Patterns that the fuzzer finds are run as the matcher runs them; what is held against the reference is the
// rest.
bool regex_matches(std::string_view pattern, std::string_view subject) {
    json::Object condition, selector, document;
    condition.append("$regex", json::Value(pattern));
    selector.append("s", std::move(condition));
    document.append("s", json::Value(subject));
    Limits limits;
    limits.regex_match_max = 1000;
    const auto compiled = Selector::compile(std::move(selector), limits);
    return compiled.ok() && Matcher(*compiled).matches(json::to_text(std::move(document)));
}

void collect_paths(const Node &node, std::vector<Path> &paths) {
    if (node.kind == Node::Kind::field)
        paths.push_back(node.path);
    for (const auto &child : node.children)
        collect_paths(child, paths);
}

void check_paths(const Node &root, const json::Value &document) {
    std::vector<Path> paths;
    collect_paths(root, paths);
    const PathReader reader(paths);
    std::vector<Found> found(paths.size());
    const auto text = json::to_text(document);
    reader.read(text, found);
    for (std::size_t i = 0; i < paths.size(); ++i) {
        const auto place = testing::reference_place(document, paths[i].steps);
        require(found[i].is_value() == (place.value != nullptr));
        require((found[i].state == Found::State::missing) == place.missing);
        if (place.value != nullptr)
            require(found[i].text == json::to_text(*place.value));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char *>(data), size);
    const auto split = text.find('\n');
    if (split == std::string_view::npos)
        return 0;
    const auto selector = json::parse(text.substr(0, split), bounded());
    const auto document = json::parse(text.substr(split + 1), bounded());
    if (!selector.ok() || !document.ok())
        return 0;
    Limits limits;
    limits.regex_match_max = 1000;
    const auto compiled = Selector::compile(*selector, limits);
    if (!compiled.ok())
        return 0;
    Matcher matcher(*compiled);
    const bool matched = matcher.matches(json::to_text(*document));
    require(matched == testing::reference_matches(*selector, *document, regex_matches));
    const auto form = (*compiled)->to_json(false);
    const auto again = Selector::compile(form);
    require(again.ok() && (*again)->to_json(false) == form);
    check_paths((*compiled)->root(), *document);
    return 0;
}
