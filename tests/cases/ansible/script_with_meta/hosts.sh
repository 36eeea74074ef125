#!/bin/sh
cat <<END
{"web": {"hosts": ["w1", "w2"], "vars": {"v": 1, "s": "text"}, "children": ["sub"]},
 "sub": {"hosts": ["s1"]},
 "_meta": {"hostvars": {"w1": {"ansible_host": "10.0.0.1", "n": 1.0}, "ghost": {"x": 1}}}}
END
