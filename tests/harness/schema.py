"""The part of JSON Schema that docs/openapi.json uses."""

TYPES = {'object': dict, 'array': list, 'string': str, 'boolean': bool, 'null': type(None)}
KEYWORDS = {'type', 'properties', 'required', 'additionalProperties', 'items', 'const', 'enum', 'minimum',
            'description', '$ref'}


def has_type(value, name):
    if name == 'integer':
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def complaints(value, schema, document, where='answer'):
    """What in `value` does not fit `schema`; references are looked up in `document`."""
    if '$ref' in schema:
        schema = referred(schema['$ref'], document)
    unknown = set(schema) - KEYWORDS
    if unknown:
        raise ValueError('tests/harness/schema.py does not know %s' % sorted(unknown))
    found = []
    types = schema.get('type', [])
    types = [types] if isinstance(types, str) else types
    if types and not any(has_type(value, name) for name in types):
        return ['%s is no %s: %.200r' % (where, ' or '.join(types), value)]
    if 'const' in schema and value != schema['const']:
        found.append('%s is not %r: %.200r' % (where, schema['const'], value))
    if 'enum' in schema and value not in schema['enum']:
        found.append('%s is none of %r: %.200r' % (where, schema['enum'], value))
    if 'minimum' in schema and value is not None and value < schema['minimum']:
        found.append('%s is below %r: %r' % (where, schema['minimum'], value))
    if isinstance(value, dict):
        found += ['%s lacks %s' % (where, name) for name in schema.get('required', []) if name not in value]
        for name, member in value.items():
            rule = schema.get('properties', {}).get(name, schema.get('additionalProperties'))
            if isinstance(rule, dict):
                found += complaints(member, rule, document, where + '.' + name)
    if isinstance(value, list) and 'items' in schema:
        for number, item in enumerate(value):
            found += complaints(item, schema['items'], document, '%s[%d]' % (where, number))
    return found


def referred(reference, document):
    for name in reference.removeprefix('#/').split('/'):
        document = document[name]
    return document
