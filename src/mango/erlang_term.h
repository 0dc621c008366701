#pragma once

// JSON values in Erlang's external term format, as CouchDB 3.5 hashes them to name an index: the same
// definition gets the same name here and there.
//
// Threads: any.

#include "json/value.h"

#include <string>
#include <string_view>

namespace divan::mango::erlang {

// Append a term; a list is its head, the terms and append_nil(). (Erlang ERTS, External Term Format.)
void append_version(std::string &out);
void append_atom(std::string &out, std::string_view name);
void append_tuple(std::string &out, std::uint8_t size);
void append_list(std::string &out, std::uint32_t size);
void append_nil(std::string &out);
// Objects as {[{Name, Value}, ...]}, strings as binaries: CouchDB's form of JSON.
void append_json(std::string &out, const json::Value &value);

} // namespace divan::mango::erlang
