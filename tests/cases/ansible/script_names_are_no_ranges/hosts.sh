#!/bin/sh
echo '{"g": {"hosts": ["fe80::1", "a.b"]}, "all": {"hosts": ["top"], "vars": {"v": 1}}, "_meta": {"hostvars": {"a.b": {"p": {"q": [1, null]}}}}}'
