import datetime
import time

began = time.monotonic()
print(
    int(time.time()),
    datetime.datetime.now().isoformat(),
    datetime.date.today(),
    time.strftime("%Y-%m-%d %H:%M:%S"),
)
time.sleep(3600)
print(round(time.monotonic() - began, 6), int(time.time()))
while time.monotonic() - began < 3601:
    pass
print("the polling loop ends")
