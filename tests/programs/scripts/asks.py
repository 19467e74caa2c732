name = input("name? ")
print("hello", name)
try:
    input("more? ")
except EOFError:
    print("no more")
