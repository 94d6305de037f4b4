# hop.sh: a socket whose connections are a program's, for rows that say `use: hop`.
# shellcheck shell=bash

# hop SOCKET COMMAND...: runs COMMAND for each connection, with the connection as its stdin and stdout. $hop is its
# number. (socat's SYSTEM drops the last words of a program that has ended.)
hop() {
  set -- "$PWD/${1#./}" "${@:2}" # a name of its own among the rows that run beside
  # shellcheck disable=SC2016 # perl's variables
  perl -MSocket -e '$SIG{CHLD} = "IGNORE";
    socket(S, AF_UNIX, SOCK_STREAM, 0) && bind(S, pack_sockaddr_un(shift)) && listen(S, 99) or die;
    for (;;) {
      accept(C, S) or next;
      if (!fork) { open(STDIN, "<&C"); open(STDOUT, ">&C"); close(C); close(S); exec @ARGV }
      close(C);
    }' "$@" 2>/dev/null &
  # shellcheck disable=SC2034 # the rows end it
  hop=$!
  wait_for listens "$1"
}
