# What the kernel has only a number for is told in words, with 126: what is wrong with a script's first line, and with
# an ELF file.
#
# fault: 52

why() { # NAME WORDS, the program on stdin
  cat >$D/ex/$1
  chmod +x $D/ex/$1
  rpc $W $1 2>err
  echo $1 $? $(wc -l <err) $(grep -c "^rpc: .* cannot run \"$1\": \".*/ex/.*$2.*)$" err)
}
why crlf 'a carriage return at the end of its #! line' < <(printf '#!/bin/sh\r\n')
why missing 'its interpreter "/none/python" is missing' < <(printf '#!/none/python\n')
why relative 'its interpreter "sh" is another file in each directory' < <(printf '#!sh\n')
why long 'over 250 bytes' < <(printf '#!/%0300d\n' 0)
why bare 'a #! line without an interpreter' < <(printf '#!\n')
why text 'text without #!, which only a shell would run' < <(echo 'echo hi')
why mark 'a byte order mark' < <(printf '\xef\xbb\xbf#!/bin/sh\n')
why empty 'is empty' </dev/null
why circle 'leads back to it' < <(printf '#!%s/ex/circle\n' $D)
why elf 'a damaged ELF file' < <(printf '\177ELF junk')
why other 'neither ELF nor a script' < <(printf 'MZ\0')

# stdout:
#| crlf 126 1 1
#| missing 126 1 1
#| relative 126 1 1
#| long 126 1 1
#| bare 126 1 1
#| text 126 1 1
#| mark 126 1 1
#| empty 126 1 1
#| circle 126 1 1
#| elf 126 1 1
#| other 126 1 1
