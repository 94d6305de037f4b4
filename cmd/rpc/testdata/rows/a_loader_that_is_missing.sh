# A program whose loader is missing is refused with 126, and the error names the loader, also where a script or a folder
# needs that program.
#
# fault: 52

mkdir $D/ex/folder
sed 's,/ld-linux,/ld-xinux,' "$(type -P true)" >$D/ex/foreign
printf '#!%s/ex/foreign\n' $D >$D/ex/script
chmod +x $D/ex/foreign $D/ex/script
cp $D/ex/foreign $D/ex/folder/run
for p in foreign script folder; do
  rpc $W $p 2>err
  echo $p $? $(wc -l <err) $(grep -c "^rpc: .*cannot run \"$p\": .* its loader \"/lib.*/ld-xinux.*\" is missing (.*)$" err)
done

# stdout:
#| foreign 126 1 1
#| script 126 1 1
#| folder 126 1 1
