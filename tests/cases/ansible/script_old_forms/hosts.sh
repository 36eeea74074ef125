#!/bin/sh
echo '{"list": ["a", "b"], "lone": {"var": 1}, "empty": {"hosts": []}, "kids": {"children": ["list", "undeclared"]}, "_meta": {"hostvars": {}}}'
