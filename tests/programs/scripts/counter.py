import sys
import time

import shared_state

for _ in range(int(sys.argv[1])):
    shared_state.up()
    time.sleep(1)
print(shared_state.count)
