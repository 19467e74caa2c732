import sys

code = sys.argv[1]
sys.exit(int(code) if code.isdigit() else code if code != "none" else None)
