import json
import os
import sys

print(
    json.dumps(
        {
            "name": __name__,
            "argv": sys.argv,
            "path0": sys.path[0],
            "main": sys.modules["__main__"].__dict__ is globals(),
            "env": dict(os.environ),
            "cwd": os.getcwd(),
            "file": os.path.basename(__file__),
            "pid": os.getpid(),
        }
    )
)
