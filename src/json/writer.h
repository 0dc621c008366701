#pragma once

// Values to text: compact, members in order. This is the canonical form: no white space; strings
// escape only `"`, `\`, and control characters below U+0020 (\b \f \n \r \t, else \u00XX with upper
// case digits, as CouchDB writes them); everything else is UTF-8; numbers keep their text.

#include "json/value.h"

namespace divan::json {

// Appends the text of a value.
void write(std::string &out, const Value &value);
[[nodiscard]] std::string to_text(const Value &value);

// Appends a string with quotes and escapes. REQUIRES: valid UTF-8.
void write_string(std::string &out, std::string_view string);

// Writes an object member by member without building values.
//
//   ObjectWriter writer(out);
//   writer.member("ok", true).raw("doc", text);
//   writer.close();
class ObjectWriter {
  public:
    // Appends `{`; the destructor does not close: call close().
    explicit ObjectWriter(std::string &out) : out_(out) { out_.push_back('{'); }

    ObjectWriter &member(std::string_view key, std::string_view string);
    ObjectWriter &member(std::string_view key, const char *string) {
        return member(key, std::string_view(string));
    }
    ObjectWriter &member(std::string_view key, bool boolean);
    ObjectWriter &member(std::string_view key, std::int64_t number);
    ObjectWriter &member(std::string_view key, std::uint64_t number);
    ObjectWriter &member(std::string_view key, int number) {
        return member(key, static_cast<std::int64_t>(number));
    }
    ObjectWriter &value(std::string_view key, const Value &value);
    ObjectWriter &null(std::string_view key);
    // `text` is JSON already.
    ObjectWriter &raw(std::string_view key, std::string_view text);
    // Appends `"key":` for a value that the caller writes next.
    ObjectWriter &key(std::string_view key);
    void close() { out_.push_back('}'); }

  private:
    std::string &out_;
    bool first_ = true;
};

} // namespace divan::json
