#!/bin/sh
printf '%s' '{"g\u00fcte": {"hosts": ["h\u00e4user"], "vars": {"s": "\ud83d\ude00 \/ \t ok", "big": 12345678901234567890, "e": 1E3}}, "_meta": {"hostvars": {}}}'
