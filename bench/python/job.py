from rpcd import resident


def handle(call):
    print(*call.args, file=call.stdout)


resident.serve(handle)
