# An export that can't be executed is refused with 126 and one line that names it.
#
# fault: 52 moby-status

: >$D/ex/data
printf '#!/no/such/interpreter\n' >$D/ex/odd
mkdir $D/ex/folder
printf '\177ELF junk' >$D/ex/elf
chmod +x $D/ex/odd $D/ex/elf
for p in data odd folder elf; do
  rpc $W $p 2>err
  echo $p $? $(wc -l <err) $(grep -c "^rpc: .*$p" err)
done

# stdout:
#| data 126 1 1
#| odd 126 1 1
#| folder 126 1 1
#| elf 126 1 1
