#!/bin/sh
echo '{"web": {"hosts": ["a", "b"], "vars": {"g": 1}}, "_meta": {"hostvars": {"a": {"v": "dynamic"}}}}'
