#include "cli/test_file.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace divan::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> kEndings = {".test.yaml", ".test.yml", ".test.json"};
constexpr std::size_t kFilesMax = 10'000;

bool is_test_file(const fs::path &path) {
    auto name = path.filename().string();
    return std::any_of(kEndings.begin(), kEndings.end(), [&](auto ending) { return name.ends_with(ending); });
}

Error in_path(const fs::path &path, std::string_view what) {
    return {ErrorCode::bad_request, fmt::format("{}: {}", path.string(), what)};
}

// A name that every server takes.
std::string database_name(const fs::path &file) {
    auto name = file.filename().string();
    name.erase(std::min(name.find('.'), name.size()));
    for (char &c : name)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
        else if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-')
            c = '_';
    if (name.empty() || name[0] < 'a' || name[0] > 'z')
        name.insert(0, "test_");
    constexpr std::size_t kNameBytesMax = 200;
    name.erase(std::min(kNameBytesMax, name.size()));
    return name;
}

Result<void> check_design(const SourceNode &node) {
    auto id = node.find("_id");
    if (!id || !id->value().is_string() || !id->value().string().starts_with("_design/"))
        return node.error("a design document needs an `_id` that begins with \"_design/\"");
    return {};
}

// `elements` is a list of objects or names of files. `file_is_list`: such a file has a list of them.
Result<std::vector<json::Value>> read_documents(const SourceNode &list, const fs::path &folder,
                                                bool file_is_list, bool designs) {
    std::vector<json::Value> found;
    const auto take = [&](const SourceNode &node) -> Result<void> {
        if (!node.value().is_object())
            return node.error("has to be a document, or the name of a file");
        if (designs) {
            DIVAN_TRY_VOID(check_design(node));
        }
        found.push_back(node.value());
        return {};
    };
    if (!list.value().is_array())
        return list.error("has to be a list");
    for (const auto &element : list.elements()) {
        if (!element.value().is_string()) {
            DIVAN_TRY_VOID(take(element));
            continue;
        }
        auto source = read_source(folder / element.value().string());
        if (!source.ok())
            return element.error(source.error().reason());
        SourceNode root(*source);
        if (!file_is_list) {
            DIVAN_TRY_VOID(take(root));
            continue;
        }
        if (!root.value().is_array())
            return root.error("has to be a list of documents");
        for (const auto &document : root.elements())
            DIVAN_TRY_VOID(take(document));
    }
    return found;
}

} // namespace

Result<std::vector<fs::path>> find_test_files(const fs::path &path) {
    std::error_code error;
    if (fs::is_regular_file(path, error))
        return std::vector{path};
    std::vector<fs::path> found;
    fs::recursive_directory_iterator entries(path, error);
    for (const fs::recursive_directory_iterator end; !error && entries != end; entries.increment(error)) {
        if (!is_test_file(entries->path()))
            continue;
        if (found.size() == kFilesMax)
            return in_path(path, fmt::format("has more than {} test files", kFilesMax));
        found.push_back(entries->path());
    }
    if (error)
        return in_path(path, fmt::format("cannot be read: {}", error.message()));
    if (found.empty())
        return in_path(path, "has no test files: *.test.yaml, *.test.yml or *.test.json");
    std::sort(found.begin(), found.end());
    return found;
}

Result<TestFile> read_test_file(const fs::path &file) {
    DIVAN_TRY(auto source, read_source(file));
    SourceNode root(source);
    if (!root.value().is_object())
        return root.error("has to be an object with design, documents and tests");
    for (const auto &member : root.value().object())
        if (member.key != "design" && member.key != "documents" && member.key != "tests")
            return root.find(member.key)->error("unknown; known are design, documents, tests");
    TestFile found;
    found.name = file.string();
    found.database = database_name(file);
    auto folder = file.parent_path();
    if (auto designs = root.find("design")) {
        DIVAN_TRY(found.designs, read_documents(*designs, folder, false, true));
    }
    if (auto documents = root.find("documents")) {
        DIVAN_TRY(found.documents, read_documents(*documents, folder, true, false));
    }
    auto tests = root.find("tests");
    if (!tests || !tests->value().is_array() || tests->value().array().empty())
        return root.error("`tests` has to be a list with a case at least");
    for (const auto &test : tests->elements()) {
        DIVAN_TRY(auto read, read_test_case(test));
        found.cases.push_back(std::move(read));
    }
    return found;
}

} // namespace divan::cli
