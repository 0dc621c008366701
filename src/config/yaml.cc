#include "config/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace divan::config {
namespace {

Error at(const YAML::Mark &mark, std::string_view what) {
    return Error(ErrorCode::bad_request, fmt::format("line {}: {}", mark.line + 1, what));
}

Result<std::string> scalar_text(const YAML::Node &node) {
    if (node.IsNull())
        return std::string();
    if (!node.IsScalar())
        return at(node.Mark(), "a setting is a text, a number, true, false, or a list of them");
    return node.Scalar();
}

Result<std::string> value_text(const YAML::Node &node) {
    if (!node.IsSequence())
        return scalar_text(node);
    std::string text;
    for (const auto &element : node) {
        DIVAN_TRY(auto part, scalar_text(element));
        text.append(text.empty() ? "" : ", ").append(part);
    }
    return text;
}

Result<IniValues> read_sections(const YAML::Node &root) {
    IniValues values;
    if (root.IsNull())
        return values;
    if (!root.IsMap())
        return at(root.Mark(), "a map of sections is expected");
    for (const auto &section : root) {
        if (!section.first.IsScalar() || !(section.second.IsMap() || section.second.IsNull()))
            return at(section.first.Mark(), "a section is a map of settings");
        auto &settings = values[section.first.Scalar()];
        for (const auto &setting : section.second) {
            if (!setting.first.IsScalar())
                return at(setting.first.Mark(), "the name of a setting is a text");
            DIVAN_TRY(auto text, value_text(setting.second));
            if (!settings.emplace(setting.first.Scalar(), std::move(text)).second)
                return at(setting.first.Mark(), fmt::format("{} is there twice", setting.first.Scalar()));
        }
    }
    return values;
}

} // namespace

bool is_yaml_name(std::string_view path) {
    return path.ends_with(".yaml") || path.ends_with(".yml");
}

Result<IniValues> parse_yaml(const std::string &text) {
    try {
        return read_sections(YAML::Load(text));
    } catch (const YAML::Exception &error) {
        return at(error.mark, error.msg);
    }
}

} // namespace divan::config
