"""Writes a configuration: the one that the program comes with, or the user's own, with some values set."""

import importlib.util
import json
import os
import sys

import yaml

wanted = json.load(sys.stdin)
target = wanted["target"]
base = target
if not os.path.exists(base):
    package = importlib.util.find_spec("jiuwenclaw").submodule_search_locations[0]
    base = os.path.join(package, "resources", "config.yaml")
with open(base, encoding="utf-8") as text:
    config = yaml.safe_load(text)
for path, value in wanted["set"]:
    place = config
    for name in path[:-1]:
        if not isinstance(place.get(name), dict):
            place[name] = {}
        place = place[name]
    place[path[-1]] = value
with open(target, "w", encoding="utf-8") as text:
    yaml.safe_dump(config, text, allow_unicode=True, sort_keys=False)
