#include "cli/test_source.h"

#include "base/encoding.h"
#include "json/parser.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <unordered_set>
#include <yaml-cpp/yaml.h>

namespace divan::cli {
namespace {

constexpr std::uintmax_t kFileBytesMax = 64 << 20;
// Aliases can make a short text a very large value.
constexpr std::size_t kValuesMax = 1'000'000;

Error at_line(const std::string &name, int line, std::string_view what) {
    return {ErrorCode::bad_request,
            line > 0 ? fmt::format("{}:{}: {}", name, line, what) : fmt::format("{}: {}", name, what)};
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::string_view take_digits(std::string_view &text) {
    auto length =
        static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
    auto digits = text.substr(0, length);
    text.remove_prefix(length);
    return digits;
}

// The JSON number of [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
std::optional<json::Number> decimal(std::string_view text) {
    std::string out;
    if (text.starts_with('-') || text.starts_with('+')) {
        if (text.front() == '-')
            out = "-";
        text.remove_prefix(1);
    }
    auto whole = take_digits(text);
    bool any = !whole.empty();
    whole.remove_prefix(std::min(whole.find_first_not_of('0'), whole.size()));
    out += whole.empty() ? "0" : whole;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        auto fraction = take_digits(text);
        any = any || !fraction.empty();
        if (!fraction.empty())
            out.append(".").append(fraction);
    }
    if (any && (text.starts_with('e') || text.starts_with('E'))) {
        out.push_back('e');
        text.remove_prefix(1);
        if (text.starts_with('-') || text.starts_with('+')) {
            out.push_back(text.front());
            text.remove_prefix(1);
        }
        auto exponent = take_digits(text);
        any = !exponent.empty();
        out += exponent;
    }
    if (!any || !text.empty())
        return std::nullopt;
    return json::Number{std::move(out)};
}

// 0o17, 0xFF
std::optional<json::Value> based_integer(std::string_view text) {
    int base = text.starts_with("0o") ? 8 : text.starts_with("0x") ? 16 : 0;
    std::uint64_t number = 0;
    if (base == 0 || text.size() == 2)
        return std::nullopt;
    auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), number, base);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return json::Value(number);
}

class Conversion {
  public:
    explicit Conversion(const std::string &name) : name_(name) {}

    Result<json::Value> convert(const YAML::Node &node, SourceLines &lines) {
        lines.line = node.Mark().line + 1;
        if (++count_ > kValuesMax)
            return at_line(name_, lines.line, fmt::format("more than {} values", kValuesMax));
        switch (node.Type()) {
        case YAML::NodeType::Scalar:
            return scalar(node, lines.line);
        case YAML::NodeType::Sequence:
            return sequence(node, lines);
        case YAML::NodeType::Map:
            return map(node, lines);
        default:
            return json::Value();
        }
    }

  private:
    Result<json::Value> scalar(const YAML::Node &node, int line) {
        const auto &text = node.Scalar();
        if (is_one_of(node.Tag(), {"!", "tag:yaml.org,2002:str"}))
            return json::Value(text);
        if (!is_one_of(node.Tag(), {"?", ""}))
            return at_line(name_, line, fmt::format("the tag {} is not supported", node.Tag()));
        if (is_one_of(text, {"", "~", "null", "Null", "NULL"}))
            return json::Value();
        if (is_one_of(text, {"true", "True", "TRUE"}))
            return json::Value(true);
        if (is_one_of(text, {"false", "False", "FALSE"}))
            return json::Value(false);
        if (auto number = decimal(text))
            return json::Value(std::move(*number));
        if (auto number = based_integer(text))
            return std::move(*number);
        return json::Value(text);
    }

    Result<json::Value> sequence(const YAML::Node &node, SourceLines &lines) {
        json::Array array;
        for (const auto &element : node) {
            DIVAN_TRY(auto value, convert(element, lines.inside.emplace_back()));
            array.push_back(std::move(value));
        }
        return json::Value(std::move(array));
    }

    Result<json::Value> map(const YAML::Node &node, SourceLines &lines) {
        json::Object object;
        std::unordered_set<std::string> names;
        for (const auto &member : node) {
            int line = member.first.Mark().line + 1;
            if (!member.first.IsScalar())
                return at_line(name_, line, "a key has to be a string");
            const auto &key = member.first.Scalar();
            if (!names.insert(key).second)
                return at_line(name_, line, fmt::format("the key \"{}\" is there twice", key));
            DIVAN_TRY(auto value, convert(member.second, lines.inside.emplace_back()));
            lines.inside.back().line = line;
            object.append(key, std::move(value));
        }
        return json::Value(std::move(object));
    }

    const std::string &name_;
    std::size_t count_ = 0;
};

} // namespace

SourceNode::SourceNode(const Source &source) : SourceNode(source, source.value, &source.lines, "") {}

SourceNode::SourceNode(const Source &source, const json::Value &value, const SourceLines *lines,
                       std::string path)
    : source_(&source), value_(&value), lines_(lines), path_(std::move(path)) {}

Error SourceNode::error(std::string_view what) const {
    return at_line(source_->name, lines_ != nullptr ? lines_->line : 0,
                   path_.empty() ? std::string(what) : fmt::format("{}: {}", path_, what));
}

SourceNode SourceNode::inside(const json::Value &value, std::size_t index, std::string path) const {
    bool known = lines_ != nullptr && index < lines_->inside.size();
    return {*source_, value, known ? &lines_->inside[index] : nullptr, std::move(path)};
}

std::vector<SourceNode> SourceNode::elements() const {
    std::vector<SourceNode> found;
    for (const auto &element : value_->array())
        found.push_back(inside(element, found.size(), fmt::format("{}[{}]", path_, found.size())));
    return found;
}

std::optional<SourceNode> SourceNode::find(std::string_view name) const {
    if (!value_->is_object())
        return std::nullopt;
    std::size_t index = 0;
    for (const auto &member : value_->object()) {
        if (member.key == name)
            return inside(member.value, index, fmt::format("{}{}{}", path_, path_.empty() ? "" : ".", name));
        ++index;
    }
    return std::nullopt;
}

Result<Source> parse_yaml(std::string name, const std::string &text) {
    if (!is_utf8(text))
        return at_line(name, 0, "is not UTF-8");
    Source source{std::move(name), {}, {}};
    try {
        auto documents = YAML::LoadAll(text);
        if (documents.size() != 1)
            return at_line(source.name, 0,
                           fmt::format("one YAML document is needed, there are {}", documents.size()));
        DIVAN_TRY(source.value, Conversion(source.name).convert(documents.front(), source.lines));
    } catch (const YAML::Exception &error) {
        return at_line(source.name, error.mark.line + 1, error.msg);
    }
    return source;
}

Result<Source> parse_json(std::string name, const std::string &text) {
    auto value = json::parse(text);
    // JSON is YAML as well, but for some escapes: that reader knows lines, this one every number and escape.
    auto yaml = parse_yaml(name, text);
    if (!value.ok())
        return yaml.ok() ? at_line(name, 0, value.error().reason()) : yaml.error();
    return Source{std::move(name), std::move(*value), yaml.ok() ? std::move(yaml->lines) : SourceLines()};
}

Result<Source> read_source(const std::filesystem::path &file) {
    std::error_code error;
    auto size = std::filesystem::file_size(file, error);
    if (error)
        return at_line(file.string(), 0, fmt::format("cannot be read: {}", error.message()));
    if (size > kFileBytesMax)
        return at_line(file.string(), 0, fmt::format("larger than {} bytes", kFileBytesMax));
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    if (!stream || text.str().size() != size)
        return at_line(file.string(), 0, fmt::format("cannot be read: {}", std::strerror(errno)));
    bool is_json = file.extension() == ".json";
    return is_json ? parse_json(file.string(), text.str()) : parse_yaml(file.string(), text.str());
}

} // namespace divan::cli
