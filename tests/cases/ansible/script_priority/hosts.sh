#!/bin/sh
echo '{"a": {"hosts": ["x"], "vars": {"v": "a", "ansible_group_priority": 9}}, "b": {"hosts": ["x"], "vars": {"v": "b"}}, "_meta": {"hostvars": {}}}'
