#!/bin/sh
echo '{"g": {"hosts": ["a"], "vars": {"u": {"__ansible_unsafe": "{{ x }}"}, "t": "{{ y }}"}}, "_meta": {"hostvars": {"a": {"l": [{"__ansible_unsafe": "z"}]}}}}'
