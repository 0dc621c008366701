"""Indexes and queries as an application makes them, with requests and no client library: three indexes by one
method, a query by another, as the reference application of the project does."""
import unittest

import requests

from harness.case import ServerTestCase

INDEXES = [
    {'index': {'fields': ['type', 'created_at']}, 'name': 'type-created-index', 'type': 'json'},
    {'index': {'fields': ['type', 'email']}, 'name': 'type-email-index', 'type': 'json'},
    {'index': {'fields': ['type', 'updated_at']}, 'name': 'type-updated-index', 'type': 'json'},
]
ACTIVE_USERS = {
    'selector': {'type': 'user', 'metadata.last_login': {'$gte': '2023-01-01T00:00:00Z'}},
    'fields': ['_id', 'profile.name', 'profile.email'],
    'sort': [{'metadata.last_login': 'desc'}],
    'limit': 50,
}


def user(number, last_login):
    return {'_id': 'user-%d' % number, 'type': 'user', 'email': 'user%d@example.com' % number,
            'created_at': '2022-05-%02d' % number, 'updated_at': '2023-05-%02d' % number,
            'profile': {'name': 'User %d' % number, 'email': 'user%d@example.com' % number},
            'metadata': {'last_login': last_login}}


class PerformanceOptimizer:
    def __init__(self, url):
        self.url = url

    def create_indexes(self):
        """What was answered for each index."""
        return [requests.post(self.url + '/_index', json=index, headers={'Content-Type': 'application/json'},
                              timeout=30).json() for index in INDEXES]

    def use_mango_queries(self, **query):
        response = requests.post(self.url + '/_find', json=query, headers={'Content-Type': 'application/json'},
                                 timeout=30)
        response.raise_for_status()
        return response.json().get('docs', [])


class MangoOptimizerTest(ServerTestCase):
    def setUp(self):
        super().setUp()
        self.name = self.database()
        self.optimizer = PerformanceOptimizer('%s/%s' % (self.server.url_with_credentials, self.name))
        docs = [user(1, '2022-12-31T00:00:00Z'), user(2, '2023-03-01T00:00:00Z'), user(3, '2024-01-01T00:00:00Z'),
                {**user(4, ''), 'metadata': {}}, {**user(5, '2024-02-01T00:00:00Z'), 'type': 'robot'}]
        self.answer(self.server.post('/%s/_bulk_docs' % self.name, json={'docs': docs}), 201)

    def test_indexes_are_made_once(self):
        made = self.optimizer.create_indexes()
        self.assertEqual([index['result'] for index in made], ['created'] * 3)
        self.assertEqual([index['name'] for index in made], [index['name'] for index in INDEXES])
        self.assertEqual([index['result'] for index in self.optimizer.create_indexes()], ['exists'] * 3)
        found = self.optimizer.use_mango_queries(selector={'type': 'user', 'email': 'user2@example.com'})
        self.assertEqual([document['_id'] for document in found], ['user-2'])

    def test_query_works_once_the_index_that_the_error_names_is_there(self):
        self.optimizer.create_indexes()
        with self.assertRaises(requests.HTTPError) as raised:
            self.optimizer.use_mango_queries(**ACTIVE_USERS)
        self.assertEqual(raised.exception.response.status_code, 400)
        error = raised.exception.response.json()
        self.assertEqual(error['error'], 'no_usable_index')
        missing = {'index': {'fields': ['type', 'metadata.last_login']}}
        self.assertIn('{"index":{"fields":["type","metadata.last_login"]}}', error['reason'])
        self.answer(self.server.post('/%s/_index' % self.name, json=missing), 200)
        self.assertEqual(self.optimizer.use_mango_queries(**ACTIVE_USERS), [
            {'_id': 'user-3', 'profile': {'name': 'User 3', 'email': 'user3@example.com'}},
            {'_id': 'user-2', 'profile': {'name': 'User 2', 'email': 'user2@example.com'}}])


if __name__ == '__main__':
    unittest.main()
